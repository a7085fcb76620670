#include "daemon/binding.h"

#include <gmock/gmock.h>
#include <linux/ipv6.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <optional>
#include <ostream>

namespace portreeve::daemon {
namespace {

using conf::Bind;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using uring::Address;

struct Case {
    std::string asked;
    Bind bind;
    std::vector<std::string> hosts;
    bool wildcard;
    bool noted;
};

// Part of the test's name, so the same in every run.
std::ostream& operator<<(std::ostream& out, const Case& wish) {
    return out << '"' << wish.asked << '"';
}

const std::vector<std::string> kLoopback = {"127.0.0.1", "::1"};
const std::vector<std::string> kEverywhere = {"0.0.0.0", "::"};

class AddressesFor : public ::testing::TestWithParam<Case> {};

TEST_P(AddressesFor, AWishUnderARule) {
    const Case& wish = GetParam();
    const auto wanted = addresses_for(wish.asked, wish.bind);
    ASSERT_TRUE(wanted);
    EXPECT_EQ(wanted->hosts, wish.hosts);
    EXPECT_EQ(wanted->wildcard, wish.wildcard);
    EXPECT_EQ(!wanted->note.empty(), wish.noted) << wanted->note;
}

INSTANTIATE_TEST_SUITE_P(
    Client, AddressesFor,
    ::testing::Values(Case{"", Bind::client, kEverywhere, true, false},
                      Case{"*", Bind::client, kEverywhere, true, false},
                      Case{"localhost", Bind::client, kLoopback, false, false},
                      Case{"127.0.0.1", Bind::client, {"127.0.0.1"}, false, false},
                      Case{"::1", Bind::client, {"::1"}, false, false},
                      Case{"0.0.0.0", Bind::client, {"0.0.0.0"}, true, false},
                      Case{"::", Bind::client, {"::"}, true, false},
                      Case{"192.0.2.7", Bind::client, {"192.0.2.7"}, false, false}));
INSTANTIATE_TEST_SUITE_P(
    Loopback, AddressesFor,
    ::testing::Values(Case{"", Bind::loopback, kLoopback, false, true},
                      Case{"*", Bind::loopback, kLoopback, false, true},
                      Case{"localhost", Bind::loopback, kLoopback, false, false},
                      Case{"::1", Bind::loopback, {"::1"}, false, false},
                      Case{"127.9.9.9", Bind::loopback, {"127.9.9.9"}, false, false},
                      Case{"0.0.0.0", Bind::loopback, {"127.0.0.1"}, false, true},
                      Case{"::", Bind::loopback, {"::1"}, false, true},
                      Case{"192.0.2.7", Bind::loopback, {"127.0.0.1"}, false, true},
                      Case{"2001:db8::7", Bind::loopback, {"::1"}, false, true}));
INSTANTIATE_TEST_SUITE_P(Any, AddressesFor,
                         ::testing::Values(Case{"", Bind::any, kEverywhere, true, false},
                                           Case{"*", Bind::any, kEverywhere, true, false},
                                           Case{"localhost", Bind::any, kEverywhere, true, true},
                                           Case{"0.0.0.0", Bind::any, kEverywhere, true, true},
                                           Case{"192.0.2.7", Bind::any, kEverywhere, true, true}));

TEST(AddressesForAName, AreNone) {
    for (const Bind bind : {Bind::loopback, Bind::client, Bind::any}) {
        const auto wanted = addresses_for("blog.example", bind);
        ASSERT_FALSE(wanted);
        EXPECT_EQ(std::string_view(wanted.error().code), "name_not_served");
        EXPECT_THAT(wanted.error().sentence, HasSubstr("\"blog.example\""));
    }
}

// A port that nobody had a moment ago, taken on 127.0.0.1 or ::1 for the length of a test.
class TakenPort {
  public:
    explicit TakenPort(const char* host)
        : socket_(*uring::listen_on(*Address::parse(host, 0), false)) {}
    [[nodiscard]] std::uint16_t port() const { return Address::of_local(socket_.get()).port(); }

  private:
    uring::Fd socket_;
};

std::uint16_t free_port() {
    return TakenPort("::").port();
}

conf::Forward rules(const conf::PortRange& ports, const conf::PortRange& pool) {
    conf::Forward made;
    made.ports = {ports};
    made.pool = pool;
    return made;
}

// A wish as it is granted where no lease is in its way.
tl::expected<Bound, Refusal> bind_at(const std::string& address, std::uint32_t port,
                                     const conf::Forward& rules, std::uint32_t seed) {
    const auto wanted = addresses_for(address, rules.bind);
    const auto all_free = [](std::uint16_t) { return false; };
    return wanted ? bind_forward(*wanted, port, rules.pool, seed, all_free)
                  : tl::unexpected(wanted.error());
}

bool has_v6() {
    return uring::listen_on(*Address::parse("::1", 0), false).has_value();
}

TEST(BindForward, BindsAllAddressesOfTheWishOnOnePort) {
    const std::uint16_t port = free_port();
    const auto bound = bind_at("localhost", port, conf::Forward{}, 0);
    ASSERT_TRUE(bound) << bound.error().sentence;
    EXPECT_EQ(bound->port, port);
    EXPECT_THAT(bound->sockets, SizeIs(has_v6() ? 2 : 1));
    for (const uring::Fd& socket : bound->sockets) {
        EXPECT_EQ(Address::of_local(socket.get()).port(), port);
    }
    EXPECT_FALSE(bound->wildcard);
}

TEST(BindForward, BindsAllOrNothing) {
    if (!has_v6()) {
        GTEST_SKIP() << "this host has no IPv6";
    }
    for (const char* host : {"127.0.0.1", "::1"}) {
        const TakenPort taken(host);
        const auto bound = bind_at("localhost", taken.port(), conf::Forward{}, 0);
        ASSERT_FALSE(bound) << host;
        EXPECT_EQ(std::string_view(bound.error().code), "address_in_use");
        EXPECT_THAT(bound.error().sentence, HasSubstr(host));
        // What could be had was given back.
        const char* other = host[0] == ':' ? "127.0.0.1" : "::1";
        EXPECT_TRUE(bind_at(other, taken.port(), conf::Forward{}, 0));
    }
}

TEST(BindForward, RefusesAPortThatIsNone) {
    for (const std::uint32_t port : {65'536U, 65'536U + 1'500U, 4'000'000'000U}) {
        const auto bound = bind_at("localhost", port, conf::Forward{}, 0);
        ASSERT_FALSE(bound) << port;
        EXPECT_EQ(std::string_view(bound.error().code), "port_not_allowed");
        EXPECT_THAT(bound.error().sentence, HasSubstr(std::to_string(port)));
    }
}

TEST(BindForward, RefusesAnAddressThatThisHostHasNot) {
    const auto bound = bind_at("192.0.2.7", free_port(), conf::Forward{}, 0);
    ASSERT_FALSE(bound);
    EXPECT_EQ(std::string_view(bound.error().code), "bind_failed");
    EXPECT_THAT(bound.error().sentence, HasSubstr("192.0.2.7"));
}

TEST(BindForward, PortZeroComesFromThePool) {
    for (std::uint32_t seed = 0; seed < 5; ++seed) {
        const auto bound = bind_at("localhost", 0, conf::Forward{}, seed * 1'000'003);
        ASSERT_TRUE(bound) << bound.error().sentence;
        EXPECT_GE(bound->port, 20'000);
        EXPECT_LE(bound->port, 29'999);
    }
}

TEST(BindForward, PortZeroNeedsNoRuleForPorts) {
    const std::uint16_t port = free_port();
    const auto bound = bind_at("localhost", 0, rules({1, 1}, {port, port}), 7);
    ASSERT_TRUE(bound) << bound.error().sentence;
    EXPECT_EQ(bound->port, port);
}

TEST(BindForward, AFullPoolIsExhausted) {
    const TakenPort taken("127.0.0.1");
    const conf::PortRange pool = {taken.port(), taken.port()};
    for (const std::uint32_t seed : {0U, 1U, 4'294'967'295U}) {
        const auto bound = bind_at("localhost", 0, rules({1'024, 65'535}, pool), seed);
        ASSERT_FALSE(bound);
        EXPECT_EQ(std::string_view(bound.error().code), "pool_exhausted");
    }
}

TEST(BindForward, APoolIsSearchedWhollyWhereverItBegins) {
    // Of a pool of 50 ports, taken one by one, each is handed out once. No other test's: several
    // run at once.
    const conf::Forward from = rules({1, 1}, {30'000, 30'049});
    std::vector<Bound> all;
    for (;;) {
        auto bound = bind_at("127.0.0.1", 0, from, static_cast<std::uint32_t>(all.size() * 17));
        if (!bound) {
            EXPECT_EQ(std::string_view(bound.error().code), "pool_exhausted");
            break;
        }
        all.push_back(std::move(*bound));
        ASSERT_LE(all.size(), 50U);
    }
    EXPECT_GE(all.size(), 40U) << "more ports are in use on this host than should be";
}

TEST(BindForward, PassesOverPortsThatAreTaken) {
    const auto wanted = addresses_for("127.0.0.1", Bind::client);
    const auto bound = bind_forward(*wanted, 0, {30'100, 30'149}, 3,
                                    [](std::uint16_t port) { return port < 30'140; });
    ASSERT_TRUE(bound) << bound.error().sentence;
    EXPECT_GE(bound->port, 30'140);
    const auto none =
        bind_forward(*wanted, 0, {30'100, 30'149}, 3, [](std::uint16_t) { return true; });
    EXPECT_EQ(none ? "" : std::string_view(none.error().code), "pool_exhausted");
}

// A network of its own with 127.0.0.1 alone, for the calling process. False: that is not allowed.
bool enter_network_without_v6() {
    if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) {
        return false;
    }
    ifreq loopback{};
    std::strncpy(loopback.ifr_name, "lo", IFNAMSIZ - 1);
    loopback.ifr_flags = IFF_UP;
    in6_ifreq address{};
    address.ifr6_addr = in6addr_loopback;
    address.ifr6_prefixlen = 128;
    address.ifr6_ifindex = static_cast<int>(if_nametoindex("lo"));
    const uring::Fd v4(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const uring::Fd v6(socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    return v4 && ioctl(v4.get(), SIOCSIFFLAGS, &loopback) == 0 &&
           (!v6 || ioctl(v6.get(), SIOCDIFADDR, &address) == 0);
}

TEST(BindForward, SaysWhichFamilyThisHostHasNot) {
    constexpr int kNotAllowed = 77;
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        if (!enter_network_without_v6()) {
            _exit(kNotAllowed);
        }
        const auto both = bind_at("localhost", 8'080, conf::Forward{}, 0);
        EXPECT_TRUE(both && both->sockets.size() == 1);
        EXPECT_EQ(both ? both->note : "", "not at ::1, which this host does not have");
        const auto assigned = bind_at("localhost", 0, conf::Forward{}, 0);
        EXPECT_EQ(assigned ? assigned->note : "", "not at ::1, which this host does not have");
        const auto six = bind_at("::1", 8'081, conf::Forward{}, 0);
        EXPECT_EQ(six ? "" : std::string_view(six.error().code), "bind_failed");
        std::fflush(nullptr);
        _exit(HasFailure() ? 1 : 0);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status));
    if (WEXITSTATUS(status) == kNotAllowed) {
        GTEST_SKIP() << "this process may not make a network of its own";
    }
    EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace portreeve::daemon
