#include "daemon/client_request.h"

#include <gmock/gmock.h>

namespace portreeve::daemon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Kind = ClientRequest::Kind;

constexpr std::int64_t kNow = 1'767'225'600;

ClientRequest read(const std::string& line) {
    auto request = parse_client_request(line, kNow);
    EXPECT_TRUE(request) << line << ": " << request.error();
    return request.value_or(ClientRequest{});
}

std::string wrong(const std::string& line) {
    const auto request = parse_client_request(line, kNow);
    EXPECT_FALSE(request) << line;
    return request ? "" : request.error();
}

TEST(ClientRequest, Commands) {
    EXPECT_EQ(read("help").kind, Kind::help);
    EXPECT_EQ(read(" ").kind, Kind::help);
    EXPECT_EQ(read("list").kind, Kind::list);
    EXPECT_FALSE(read("list").json);
    EXPECT_TRUE(read(" list \t--json ").json);
    EXPECT_TRUE(read("status --json").json);
    EXPECT_EQ(read("usage").kind, Kind::usage);
    EXPECT_TRUE(read("--json list").json);
    EXPECT_TRUE(read("kick --json pc42").json);
    EXPECT_EQ(read("kick --json pc42").argument, "pc42");
    EXPECT_EQ(read("--json explain 8080").argument, "8080");
    EXPECT_TRUE(read("help --json").json);
    EXPECT_EQ(read("--json").kind, Kind::help);
    EXPECT_EQ(read("explain *:8080").argument, "*:8080");
    EXPECT_EQ(read("kick pc42").argument, "pc42");
}

TEST(ClientRequest, WhatACommandDoesNotTakeIsAnError) {
    EXPECT_EQ(wrong("list all"), "portreeve: write list, or list --json\n");
    EXPECT_EQ(wrong("kick"), "portreeve: write kick NAME, or kick NAME --json\n");
    EXPECT_EQ(wrong("explain a b"),
              "portreeve: write explain ADDR:PORT, or explain ADDR:PORT --json\n");
    EXPECT_EQ(wrong("help me"), "portreeve: write help, or help --json\n");
    EXPECT_THAT(wrong("deadline=1h --json"), HasSubstr("--json is for commands: help, list"));
}

TEST(ClientRequest, TheHelpHasEveryWord) {
    const std::string help = client_request_help();
    for (const char* word :
         {"allow=", "auto-close=", "deadline=", "deny=", "force-https=", "host-header=",
          "local-forward=", "proxy-protocol=", "proxyproto=", "share=", "sni-proxy=", "strip-path=",
          "tcp-alias=", "tcp-aliases-allowed-users="}) {
        EXPECT_THAT(help, HasSubstr("\n  " + std::string(word) + " ")) << word;
    }
    for (const char* command : {"help", "list", "status", "usage", "explain", "kick"}) {
        EXPECT_THAT(help, HasSubstr("\n  ssh GATE " + std::string(command) + " ")) << command;
    }
}

TEST(ClientRequest, WordsAboutTheSession) {
    const SessionWords words = read(
                                   "auto-close=true deadline=1h30m local-forward=true "
                                   "share=ops tcp-aliases-allowed-users=any")
                                   .words;
    EXPECT_TRUE(words.auto_close);
    EXPECT_EQ(words.deadline_s, kNow + 5'400);
    ASSERT_TRUE(words.alias_users);
    EXPECT_TRUE(words.alias_users->anyone);
    ASSERT_TRUE(words.share);
    EXPECT_EQ(words.share->text(), "ops");
    EXPECT_THAT(words.notices, ElementsAre());
    EXPECT_EQ(read("deadline=1800000000").words.deadline_s, 1'800'000'000);
    EXPECT_EQ(read("deadline=253402300799").words.deadline_s, 253'402'300'799);
    EXPECT_FALSE(read("auto-close=false").words.auto_close);
}

// As sish reads them.
TEST(ClientRequest, YesAndNoInAllTheirForms) {
    for (const char* yes : {"1", "t", "T", "TRUE", "true", "True"}) {
        EXPECT_EQ(read(std::string("force-https=") + yes).words.force_https, true) << yes;
    }
    for (const char* no : {"0", "f", "F", "FALSE", "false", "False"}) {
        EXPECT_EQ(read(std::string("strip-path=") + no).words.strip_path, false) << no;
    }
    for (const char* neither : {"tRUE", "yes", "01", "on"}) {
        EXPECT_THAT(wrong(std::string("force-https=") + neither), HasSubstr("write true or false"));
    }
}

TEST(ClientRequest, WordsThatAreNotHonouredSayWhy) {
    const ClientRequest request = read("tcp-address=0.0.0.0 deadline=1h");
    EXPECT_EQ(request.kind, Kind::words);
    EXPECT_TRUE(request.words.deadline_s);
    EXPECT_THAT(request.words.notices,
                ElementsAre(HasSubstr("tcp-address= is not honoured: write the address")));
}

TEST(ClientRequest, WordsAboutVisitors) {
    const ClientRequest request = read(
        "proxy-protocol=2 allow=192.0.2.0/24,2001:db8::/32 deny=192.0.2.1 strip-path=false "
        "host-header=localhost:3000 force-https=true sni-proxy=true tcp-alias=true");
    const SessionWords& words = request.words;
    EXPECT_EQ(words.proxy_header, TunnelRules::ProxyHeader::v2);
    EXPECT_EQ(words.allow.value_or(std::vector<conf::Network>()).size(), 2U);
    EXPECT_EQ(words.deny.value_or(std::vector<conf::Network>()).size(), 1U);
    EXPECT_EQ(words.strip_path, false);
    EXPECT_EQ(words.tcp_alias, true);
    EXPECT_EQ(words.host_header, "localhost:3000");
    EXPECT_EQ(words.force_https, true);
    EXPECT_EQ(words.sni_proxy, true);
    EXPECT_EQ(read("proxyproto=1").words.proxy_header, TunnelRules::ProxyHeader::v1);
    EXPECT_THAT(wrong("proxy-protocol=3"), HasSubstr("write 1 or 2"));
    EXPECT_THAT(wrong("allow=everybody"), HasSubstr("write up to 64 networks"));
    EXPECT_THAT(wrong("deny=192.0.2.0/24,"), HasSubstr("write up to 64 networks"));
    EXPECT_THAT(wrong("host-header=a b"), HasSubstr("there is no word"));
    EXPECT_THAT(wrong("host-header=a/b"), HasSubstr("write a host"));
    EXPECT_THAT(wrong("sni-proxy=2"), HasSubstr("write true or false"));
}

TEST(ClientRequest, WhatIsNotKnownIsAnErrorThatListsWhatIs) {
    for (const char* line :
         {"bash", "list;ls", "-c ls", "auto-close", "deadlines=1h", "deadline=1h bash"}) {
        EXPECT_THAT(wrong(line),
                    HasSubstr("the commands are help, list, status, usage, explain, "
                              "kick, and the words about this session "
                              "tcp-alias=, tcp-aliases-allowed-users=, share=, allow=, "
                              "deny=, "
                              "proxy-protocol=, proxyproto=, host-header=, "
                              "strip-path=, force-https=, sni-proxy=, deadline=, "
                              "auto-close=, local-forward="))
            << line;
    }
    EXPECT_THAT(wrong("\x1b[31m"), HasSubstr("no text"));
    EXPECT_THAT(wrong("auto-close=yes"), HasSubstr("auto-close=yes: write true or false"));
    for (const char* when : {"soon", "-1", "253402300800", "9223372036854775807", "1e9", ""}) {
        EXPECT_THAT(wrong(std::string("deadline=") + when), HasSubstr("write how long from now"));
    }
    EXPECT_THAT(wrong("tcp-aliases-allowed-users=a;b"), HasSubstr("SHA256:"));
    EXPECT_THAT(wrong(std::string(5'000, 'x')), HasSubstr("4096 bytes at most"));
}

}  // namespace
}  // namespace portreeve::daemon
