#include "ssh/key_options.h"

#include <gmock/gmock.h>

namespace portreeve::ssh {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

KeyOptions options(std::string_view text) {
    const auto made = parse_key_options(text);
    EXPECT_TRUE(made) << text << ": " << (made ? "" : made.error());
    return made.value_or(KeyOptions{});
}

std::string wrong(std::string_view text) {
    const auto made = parse_key_options(text);
    EXPECT_FALSE(made) << text;
    return made ? "" : made.error();
}

TEST(KeyOptions, NoneAreThoseOfAPlainLine) {
    const KeyOptions none = options("");
    EXPECT_TRUE(none.plain());
    EXPECT_TRUE(none.port_forwarding);
    EXPECT_TRUE(none.pty);
    EXPECT_TRUE(none.touch_required);
    EXPECT_FALSE(none.verify_required);
    EXPECT_FALSE(none.cert_authority);
    EXPECT_FALSE(none.expired(253402300799));
}

TEST(KeyOptions, FlagsBothWays) {
    EXPECT_FALSE(options("no-port-forwarding").port_forwarding);
    EXPECT_TRUE(options("no-port-forwarding,port-forwarding").port_forwarding);
    EXPECT_FALSE(options("no-pty").pty);
    EXPECT_TRUE(options("no-pty,pty").pty);
    EXPECT_FALSE(options("no-touch-required").touch_required);
    EXPECT_TRUE(options("no-touch-required,touch-required").touch_required);
    EXPECT_TRUE(options("verify-required").verify_required);
    EXPECT_FALSE(options("verify-required,no-verify-required").verify_required);
    EXPECT_TRUE(options("cert-authority").cert_authority);
    EXPECT_THAT(wrong("no-cert-authority"), HasSubstr("no option \"no-cert-authority\""));
    EXPECT_THAT(wrong("no-restrict"), HasSubstr("no option \"no-restrict\""));
    wrong("no-no-pty");
}

TEST(KeyOptions, RestrictForbidsWhatStandsBeforeItAndAllowsWhatStandsBehind) {
    const KeyOptions restricted = options("restrict");
    EXPECT_FALSE(restricted.port_forwarding);
    EXPECT_FALSE(restricted.pty);
    EXPECT_TRUE(restricted.touch_required);
    EXPECT_TRUE(options("restrict,port-forwarding").port_forwarding);
    EXPECT_FALSE(options("restrict,port-forwarding").pty);
    EXPECT_TRUE(options("restrict,pty").pty);
    EXPECT_FALSE(options("port-forwarding,restrict").port_forwarding);
    EXPECT_FALSE(options("restrict,permitlisten=\"80\"").port_forwarding);
}

TEST(KeyOptions, NamesAreOfEitherCase) {
    EXPECT_FALSE(options("RESTRICT").pty);
    EXPECT_FALSE(options("No-Pty").pty);
    EXPECT_EQ(options("FROM=\"10.0.0.0/8\"").from, "10.0.0.0/8");
}

TEST(KeyOptions, WhatThisServerNeverDoesIsCheckedAndDropped) {
    for (const char* text :
         {"agent-forwarding", "no-agent-forwarding", "X11-forwarding", "no-X11-forwarding",
          "user-rc", "no-user-rc", "environment=\"NAME=value\"", "environment=\"_9=\"",
          "environment=\"A=b\",environment=\"A=c\"", "tunnel=\"0\"", "tunnel=\"any\"",
          "tunnel=\"2147483645\""}) {
        EXPECT_TRUE(options(text).plain()) << text;
    }
    for (const char* text :
         {"agent-forwarding=\"yes\"", "X11-forwarding=", "environment", "environment=\"NAME\"",
          "environment=\"=value\"", "environment=\"NA ME=value\"", "tunnel", "tunnel=\"\"",
          "tunnel=\"all\"", "tunnel=\"-1\"", "tunnel=\"2147483646\""}) {
        wrong(text);
    }
}

TEST(KeyOptions, Command) {
    EXPECT_EQ(options(R"(command="echo \"hello, world\"")").command, R"(echo "hello, world")");
    EXPECT_EQ(options(R"(command="a\b\\c")").command, R"(a\b\\c)");
    EXPECT_EQ(options("command=\"\"").command, "");
    EXPECT_EQ(options("no-pty").command, std::nullopt);
    EXPECT_THAT(wrong("command=\"a\",command=\"b\""), HasSubstr("twice"));
    EXPECT_THAT(wrong("command=\"\",command=\"\""), HasSubstr("twice"));
}

TEST(KeyOptions, From) {
    EXPECT_EQ(options("from=\"10.0.0.0/8,!10.1.2.3\",no-pty").from, "10.0.0.0/8,!10.1.2.3");
    EXPECT_THAT(wrong("from=\"10.1.2.3/8\""), HasSubstr("from=\"10.1.2.3/8\": "));
    EXPECT_THAT(wrong("from=\"*.example.com\""), HasSubstr("could never match"));
    EXPECT_THAT(wrong("from=\"\""), HasSubstr("empty"));
    EXPECT_THAT(wrong("from=\"::1\",from=\"::1\""), HasSubstr("twice"));
}

TEST(KeyOptions, TheEarliestExpiryTimeHolds) {
    const KeyOptions made =
        options("expiry-time=\"20300101Z\",expiry-time=\"20240229Z\",expiry-time=\"20250101Z\"");
    EXPECT_EQ(made.expiry_s, 1709164800);
    EXPECT_FALSE(made.expired(1709164800));
    EXPECT_TRUE(made.expired(1709164801));
    EXPECT_TRUE(options("expiry-time=\"19600101Z\"").expired(0));
    EXPECT_THAT(wrong("expiry-time=\"20240230\""), HasSubstr("expiry-time=\"20240230\": "));
}

TEST(KeyOptions, PrincipalsAreForAuthorities) {
    EXPECT_THAT(options("cert-authority,principals=\"a,b c\"").principals, ElementsAre("a", "b c"));
    EXPECT_THAT(options("principals=\"a\",cert-authority").principals, ElementsAre("a"));
    EXPECT_THAT(options("cert-authority").principals, IsEmpty());
    EXPECT_THAT(wrong("principals=\"a\""), HasSubstr("cert-authority"));
    for (const char* text :
         {"cert-authority,principals=\"\"", "cert-authority,principals=\"a,\"",
          "cert-authority,principals=\",a\"", "cert-authority,principals=\"a,,b\""}) {
        EXPECT_THAT(wrong(text), HasSubstr("empty")) << text;
    }
    EXPECT_THAT(wrong("cert-authority,principals=\"a\",principals=\"b\""), HasSubstr("twice"));
}

TEST(KeyOptions, PermitsAddUp) {
    const KeyOptions made = options(
        "permitlisten=\"8080\",permitopen=\"db:5432\",permitlisten=\"blog:80\",permitopen=\"*:"
        "80\"");
    ASSERT_THAT(made.permit_listen, SizeIs(2));
    EXPECT_TRUE(made.permit_listen[0].matches("localhost", 8080, false));
    EXPECT_TRUE(made.permit_listen[1].matches("blog", 80, true));
    ASSERT_THAT(made.permit_open, SizeIs(2));
    EXPECT_TRUE(made.permit_open[0].matches("db", 5432));
    EXPECT_TRUE(made.permit_open[1].matches("any", 80));
    EXPECT_THAT(wrong("permitlisten=\"blog\""), HasSubstr("permitlisten=\"blog\": a port is"));
    EXPECT_THAT(wrong("permitopen=\"80\""),
                HasSubstr("permitopen=\"80\": it is written HOST:PORT"));
}

TEST(KeyOptions, PermitsAreBounded) {
    std::string text = "permitlisten=\"1\"";
    for (std::size_t i = 1; i < KeyOptions::kPermitsMax; ++i) {
        text += ",permitlisten=\"1\"";
    }
    EXPECT_THAT(options(text).permit_listen, SizeIs(KeyOptions::kPermitsMax));
    EXPECT_THAT(wrong(text + ",permitlisten=\"1\""), HasSubstr("more than 4096"));
}

TEST(KeyOptions, VariablesAreBounded) {
    std::string text = "environment=\"A=b\"";
    for (std::size_t i = 1; i < KeyOptions::kEnvironmentMax; ++i) {
        text += ",environment=\"A=b\"";
    }
    options(text);
    EXPECT_THAT(wrong(text + ",environment=\"A=b\""), HasSubstr("more than 1024"));
}

TEST(KeyOptions, Limits) {
    const KeyOptions made = options("max-tunnels=\"3\",max-visitors=\"50\",max-rate=\"1M\"");
    EXPECT_EQ(made.tunnels_max, 3U);
    EXPECT_EQ(made.visitors_max, 50U);
    EXPECT_EQ(made.bytes_per_s_max, 1048576U);
    EXPECT_EQ(options("max-rate=\"1\"").bytes_per_s_max, 1U);
    EXPECT_EQ(options("max-rate=\"2k\"").bytes_per_s_max, 2048U);
    EXPECT_EQ(options("max-rate=\"17179869183G\"").bytes_per_s_max, 17179869183U << 30U);
    EXPECT_EQ(options("max-tunnels=\"4294967295\"").tunnels_max, 4294967295U);
    EXPECT_EQ(options("").tunnels_max, 0U);
    for (const char* text : {"max-tunnels",
                             "max-tunnels=3",
                             "max-tunnels=\"\"",
                             "max-tunnels=\"0\"",
                             "max-tunnels=\"-1\"",
                             "max-tunnels=\"4294967296\"",
                             "max-tunnels=\"3K\"",
                             "max-visitors=\"0\"",
                             "max-visitors=\"many\"",
                             "max-rate=\"\"",
                             "max-rate=\"0\"",
                             "max-rate=\"M\"",
                             "max-rate=\"0M\"",
                             "max-rate=\"1T\"",
                             "max-rate=\"1 M\"",
                             "max-rate=\"1MB\"",
                             "max-rate=\"1.5M\"",
                             "max-rate=\"17179869184G\"",
                             "max-tunnels=\"1\",max-tunnels=\"2\"",
                             "max-visitors=\"1\",max-visitors=\"2\"",
                             "max-rate=\"1\",max-rate=\"2\""}) {
        wrong(text);
    }
}

TEST(KeyOptions, AliasUsers) {
    EXPECT_EQ(options("").alias_users, Audience{});
    EXPECT_EQ(options("tcp-aliases-allowed-users=\"ops,dev\"").alias_users.text(), "ops,dev");
    EXPECT_TRUE(options("tcp-aliases-allowed-users=\"any\"").alias_users.anyone);
    EXPECT_EQ(options("share=\"ops\"").alias_share.text(), "ops");
    for (const char* text : {"tcp-aliases-allowed-users", "tcp-aliases-allowed-users=\"\"",
                             "tcp-aliases-allowed-users=\"two words\"", "share=\"\"",
                             "tcp-aliases-allowed-users=\"a\",tcp-aliases-allowed-users=\"b\""}) {
        wrong(text);
    }
}

TEST(KeyOptions, TheSyntaxIsSshds) {
    EXPECT_THAT(wrong("restricted"), HasSubstr("no option \"restricted\""));
    EXPECT_THAT(wrong("permitlistens=\"80\""), HasSubstr("no option \"permitlistens\""));
    EXPECT_THAT(wrong("restrict=\"yes\""), HasSubstr("takes no value"));
    EXPECT_THAT(wrong("restrict\"x\""), HasSubstr("takes no value"));
    EXPECT_THAT(wrong("from"), HasSubstr("wants a value"));
    EXPECT_THAT(wrong("from=::1"), HasSubstr("wants a value"));
    EXPECT_THAT(wrong("from=\"::1"), HasSubstr("no closing quote"));
    EXPECT_THAT(wrong("from=\"::1\\\""), HasSubstr("no closing quote"));
    EXPECT_THAT(wrong("from=\"::1\"no-pty"), HasSubstr("no comma"));
    EXPECT_THAT(wrong("=\"::1\""), HasSubstr("without an option"));
    for (const char* text : {",", "restrict,", ",restrict", "restrict,,pty"}) {
        EXPECT_THAT(wrong(text), HasSubstr("without an option")) << text;
    }
    for (const char* text : {"restrict pty", "restrict ,pty", " restrict", "res trict"}) {
        EXPECT_THAT(wrong(text), HasSubstr("no option")) << text;
    }
}

TEST(KeyOptions, SentencesAreShortAndPlain) {
    EXPECT_LT(wrong(std::string(100'000, 'x')).size(), 200U);
    EXPECT_LT(wrong("permitlisten=\"" + std::string(100'000, 'x') + "\"").size(), 400U);
    EXPECT_EQ(wrong("from=\"\x1b[2J\""), "the options hold a character that is no text");
    EXPECT_EQ(options("command=\"a\tb\"").command, "a\tb");
}

}  // namespace
}  // namespace portreeve::ssh
