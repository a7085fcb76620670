// The small parts of the proxy that are values: who is admitted, what a challenge is, addresses in
// PROXY headers. What they are for is tried from outside (tests/e2e/test_web.py).
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "conf/values.h"
#include "daemon/proxy/acme.h"
#include "daemon/proxy/endpoints.h"
#include "daemon/proxy/rules.h"
#include "daemon/proxy/web_admission.h"

namespace portreeve::daemon {
namespace {

uring::Address address(const char* host, std::uint16_t port = 0) {
    return uring::Address::parse(host, port).value_or(uring::Address());
}

conf::Network network(const char* text) {
    return *conf::parse_network(text);
}

TEST(Admitted, WhoIsDeniedStaysOutAndWhereSomeAreAllowedTheOthersToo) {
    EXPECT_TRUE(Admitted().admits(address("192.0.2.1")));
    const Admitted denies{{}, {network("192.0.2.0/24")}};
    EXPECT_FALSE(denies.admits(address("192.0.2.1")));
    EXPECT_FALSE(denies.admits(address("::ffff:192.0.2.1")));
    EXPECT_TRUE(denies.admits(address("2001:db8::1")));
    const Admitted allows{{network("192.0.2.0/24")}, {network("192.0.2.7")}};
    EXPECT_TRUE(allows.admits(address("192.0.2.1")));
    EXPECT_FALSE(allows.admits(address("192.0.2.7")));
    EXPECT_FALSE(allows.admits(address("198.51.100.1")));
}

class Challenge : public testing::Test {
  protected:
    Challenge() {
        std::string name = testing::TempDir() + "challenge-XXXXXX";
        root_ = mkdtemp(name.data());
        std::filesystem::create_directories(root_ + std::string(kChallengePath));
        write(".well-known/acme-challenge/tok-en_1", "tok-en_1.print");
        write("secret", "secret");
    }
    ~Challenge() override { std::filesystem::remove_all(root_); }

    void write(const std::string& name, const std::string& content) const {
        std::ofstream(root_ + "/" + name) << content;
    }
    [[nodiscard]] std::optional<std::string> read(const std::string& token) const {
        return read_challenge(root_, std::string(kChallengePath) + token);
    }

    std::string root_;
};

TEST_F(Challenge, IsReadFromItsFolder) {
    EXPECT_EQ(read("tok-en_1"), "tok-en_1.print");
    EXPECT_EQ(read("other"), std::nullopt);
    EXPECT_EQ(read_challenge("", std::string(kChallengePath) + "tok-en_1"), std::nullopt);
}

TEST_F(Challenge, IsNoWayToAnythingElse) {
    std::filesystem::create_symlink(root_ + "/secret",
                                    root_ + std::string(kChallengePath) + "link");
    for (const char* token :
         {"", ".", "..", "../../secret", "a/b", "tok-en_1?x", "tok%2den_1", "link", "tok-en_1\n"}) {
        EXPECT_EQ(read(token), std::nullopt) << token;
    }
    EXPECT_EQ(read(std::string(129, 'a')), std::nullopt);
    EXPECT_EQ(read_challenge(root_, "/secret"), std::nullopt);
}

TEST_F(Challenge, IsCutWhereNoneIsSoLong) {
    write(".well-known/acme-challenge/long", std::string(2 * kChallengeBytesMax, 'x'));
    EXPECT_EQ(read("long").value_or("").size(), kChallengeBytesMax);
}

TEST(ProxyHeader, SaysWhoTheVisitorIs) {
    const auto header = [](TunnelRules::ProxyHeader version, const char* from, const char* at) {
        return proxy_header(version, address(from, 4000), address(at, 80));
    };
    EXPECT_EQ(header(TunnelRules::ProxyHeader::none, "192.0.2.1", "192.0.2.2"), "");
    EXPECT_EQ(header(TunnelRules::ProxyHeader::v1, "192.0.2.1", "192.0.2.2"),
              "PROXY TCP4 192.0.2.1 192.0.2.2 4000 80\r\n");
    EXPECT_EQ(header(TunnelRules::ProxyHeader::v1, "2001:db8::1", "2001:db8::2"),
              "PROXY TCP6 2001:db8::1 2001:db8::2 4000 80\r\n");
    const auto read = http::parse_proxy_header(
        header(TunnelRules::ProxyHeader::v2, "2001:db8::1", "2001:db8::2"));
    ASSERT_TRUE(read && *read && (*read)->endpoints);
    EXPECT_EQ(address_of((*read)->endpoints->source).text(), "[2001:db8::1]:4000");
    EXPECT_EQ(address_of((*read)->endpoints->destination).text(), "[2001:db8::2]:80");
}

TEST(WebAdmission, CountsAllAndThoseOfASource) {
    WebAdmission admission;
    conf::Limits limits;
    limits.http_visitors = 3;
    limits.http_visitors_per_ip = 2;
    admission.use(limits);
    const Source one(address("192.0.2.1"));
    const Source other(address("192.0.2.2"));
    std::vector<WebAdmission::Ticket> tickets;
    const auto code = [&](const Source& source) -> std::string_view {
        auto ticket = admission.admit(source);
        if (!ticket) {
            return ticket.error().code;
        }
        tickets.push_back(std::move(*ticket));
        return "";
    };
    EXPECT_EQ(code(one), "");
    EXPECT_EQ(code(one), "");
    EXPECT_EQ(code(one), "limit_http_visitors_per_ip");
    EXPECT_EQ(code(other), "");
    EXPECT_EQ(code(other), "limit_http_visitors");
    tickets.erase(tickets.begin());
    EXPECT_EQ(admission.count(), 2U);
    EXPECT_EQ(code(one), "");
    tickets.clear();
    EXPECT_EQ(admission.count(), 0U);
}

}  // namespace
}  // namespace portreeve::daemon
