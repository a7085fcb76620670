// What becomes of the tokens of [auth] command, and what a client may not make of them.
#include "daemon/command_tokens.h"

#include <gmock/gmock.h>

namespace portreeve::daemon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

LoginFacts facts() {
    LoginFacts made;
    made.user = "ann";
    made.key_type = "ssh-ed25519-cert-v01@openssh.com";
    made.key_base64 = "AAAAkey";
    made.key_fingerprint = "SHA256:key";
    made.certificate_id = "ann's laptop";
    made.certificate_serial = "7";
    made.ca_type = "ssh-rsa";
    made.ca_base64 = "AAAAca";
    made.ca_fingerprint = "SHA256:ca";
    made.client_address = "2001:db8::1";
    made.client_port = 50022;
    made.server_address = "192.0.2.1";
    made.server_port = 22;
    made.routing_domain = "vrf-blue";
    return made;
}

std::string refusal(const std::vector<std::string>& words, const LoginFacts& from) {
    const auto expanded = expand_tokens(words, from);
    return expanded ? "taken" : expanded.error();
}

TEST(CommandTokens, BecomeWhatIsKnownOfTheLogin) {
    const auto expanded = expand_tokens({"%u", "%t", "%k", "%f", "%i", "%s", "%T", "%K", "%F", "%C",
                                         "%D", "100%%", "plain", "--user=%u:%f", "%%u"},
                                        facts());
    ASSERT_TRUE(expanded) << expanded.error();
    EXPECT_THAT(*expanded, ElementsAre("ann", "ssh-ed25519-cert-v01@openssh.com", "AAAAkey",
                                       "SHA256:key", "ann's laptop", "7", "ssh-rsa", "AAAAca",
                                       "SHA256:ca", "2001:db8::1 50022 192.0.2.1 22", "vrf-blue",
                                       "100%", "plain", "--user=ann:SHA256:key", "%u"));
}

TEST(CommandTokens, AreNotReadInWhatTheClientSent) {
    LoginFacts login = facts();
    login.user = "%f%%";
    EXPECT_THAT(*expand_tokens({"%u"}, login), ElementsAre("%f%%"));
}

TEST(CommandTokens, OfACertificateAreEmptyForAPlainKey) {
    LoginFacts login = facts();
    login.certificate_id = login.certificate_serial = login.ca_type = "";
    EXPECT_THAT(*expand_tokens({"%i", "a%sb", "%T"}, login), ElementsAre("", "ab", ""));
}

TEST(CommandTokens, DoNotBecomeOptions) {
    LoginFacts login = facts();
    login.user = "--verbose\"";
    EXPECT_EQ(refusal({"%f", "%u"}, login),
              R"(not run, because what the client sent for "%u", "--verbose\"", begins with "-", )"
              "as options do");
    EXPECT_THAT(*expand_tokens({"-u%u", "@%u"}, login),
                ElementsAre("-u--verbose\"", "@--verbose\""));
}

TEST(CommandTokens, DoNotBringControlCharacters) {
    LoginFacts login = facts();
    for (const std::string& user : {std::string("a\nb"), std::string("a\0b", 3),
                                    std::string("\x1b[2J"), std::string("\x7f")}) {
        login.user = user;
        EXPECT_THAT(refusal({"x%u"}, login), HasSubstr("holds a control character"));
        EXPECT_THAT(refusal({"tab\t%u"}, login), HasSubstr("holds a control character"));
    }
    login.user = "müller";
    EXPECT_THAT(*expand_tokens({"tab\t%u"}, login), ElementsAre("tab\tmüller"));
}

TEST(CommandTokens, AreBounded) {
    LoginFacts login = facts();
    login.user = std::string(kArgumentBytesMax - 1, 'a');
    EXPECT_EQ(refusal({"%u"}, login), "taken");
    EXPECT_THAT(refusal({"%u", ""}, login), HasSubstr("longer than 65536 bytes"));
}

}  // namespace
}  // namespace portreeve::daemon
