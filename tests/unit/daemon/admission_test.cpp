#include "daemon/admission.h"

#include <gmock/gmock.h>

#include <optional>
#include <thread>
#include <vector>

#include "conf/values.h"

namespace portreeve::daemon {
namespace {

using Ticket = Admission::Ticket;
using ::testing::HasSubstr;

conf::Limits limits(const std::function<void(conf::Limits&)>& change) {
    conf::Limits made;
    change(made);
    return made;
}

uring::Address at(const std::string& host) {
    return *uring::Address::parse(host, 4242);
}

class Admitting : public ::testing::Test {
  protected:
    void set(const std::function<void(conf::Limits&)>& change) {
        admission_.set_limits(limits(change));
    }
    Ticket admit(const std::string& address = "192.0.2.1") {
        auto ticket = admission_.admit(at(address), now_ms_);
        EXPECT_TRUE(ticket) << ticket.error().sentence;
        return std::move(*ticket);
    }
    // The code of the refusal; empty when admitted.
    std::string refusal(const std::string& address = "192.0.2.1") {
        const auto ticket = admission_.admit(at(address), now_ms_);
        return ticket ? "" : std::string(ticket.error().code);
    }
    static std::string login_refusal(Ticket& ticket, const std::string& key) {
        const auto in = ticket.log_in(key);
        return in ? "" : std::string(in.error().code);
    }

    // A connection that ends without a login.
    void offend(Offence offence, const std::string& address = "192.0.2.1") {
        admit(address).blame(offence, now_ms_);
    }

    Admission admission_;
    std::int64_t now_ms_ = 1'000'000;
};

TEST_F(Admitting, LimitsSessions) {
    set([](conf::Limits& to) { to.sessions = 2; });
    const Ticket first = admit("192.0.2.1");
    {
        const Ticket second = admit("192.0.2.2");
        EXPECT_EQ(refusal("192.0.2.3"), "limit_sessions");
    }
    EXPECT_EQ(refusal("192.0.2.3"), "");
}

TEST_F(Admitting, LimitsSessionsPerAddress) {
    set([](conf::Limits& to) { to.sessions_per_ip = 1; });
    const Ticket first = admit("192.0.2.1");
    EXPECT_EQ(refusal("192.0.2.1"), "limit_sessions_per_ip");
    EXPECT_EQ(refusal("192.0.2.2"), "");
}

TEST_F(Admitting, LimitsStartupsUntilTheyLogIn) {
    set([](conf::Limits& to) { to.startups = 1; });
    Ticket first = admit("192.0.2.1");
    EXPECT_EQ(refusal("192.0.2.2"), "limit_startups");
    EXPECT_EQ(login_refusal(first, "key"), "");
    EXPECT_EQ(refusal("192.0.2.2"), "");
}

TEST_F(Admitting, LimitsStartupsPerAddressUntilTheyLogIn) {
    set([](conf::Limits& to) { to.startups_per_ip = 1; });
    Ticket first = admit("192.0.2.1");
    EXPECT_EQ(refusal("192.0.2.1"), "limit_startups_per_ip");
    EXPECT_EQ(refusal("192.0.2.2"), "");
    EXPECT_EQ(login_refusal(first, "key"), "");
    EXPECT_EQ(refusal("192.0.2.1"), "");
}

TEST_F(Admitting, LimitsSessionsPerKey) {
    set([](conf::Limits& to) { to.sessions_per_key = 1; });
    Ticket second = admit();
    {
        Ticket first = admit();
        EXPECT_EQ(login_refusal(first, "key"), "");
        EXPECT_EQ(login_refusal(second, "key"), "limit_sessions_per_key");
        EXPECT_EQ(login_refusal(second, "another"), "") << "a refused one may try another key";
    }
    Ticket third = admit();
    EXPECT_EQ(login_refusal(third, "key"), "");
}

TEST_F(Admitting, NamesTheLimitInTheSentence) {
    set([](conf::Limits& to) { to.sessions = 1; });
    const Ticket first = admit();
    const auto refused = admission_.admit(at("192.0.2.2"), now_ms_);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().sentence, "there are already 1 sessions ([limits] sessions)");
}

TEST_F(Admitting, CountsTheNetworkOfAnIpv6AddressAsOneSource) {
    set([](conf::Limits& to) { to.sessions_per_ip = 1; });
    const Ticket first = admit("2001:db8:1:2::1");
    EXPECT_EQ(refusal("2001:db8:1:2:ffff::9"), "limit_sessions_per_ip");
    EXPECT_EQ(refusal("2001:db8:1:3::1"), "");
}

TEST_F(Admitting, RefusesASourceForItsPenaltyAndSaysForHowLong) {
    for (int count = 0; count < 4; ++count) {
        offend(Offence::auth_failed);
    }
    const auto refused = admission_.admit(at("192.0.2.1"), now_ms_ + 1);
    ASSERT_FALSE(refused);
    EXPECT_EQ(std::string_view(refused.error().code), "penalty");
    EXPECT_EQ(refused.error().sentence,
              "connections from 192.0.2.1 are refused for 20 s more, because earlier ones did not "
              "log in ([penalties] auth_failed)");
    EXPECT_EQ(refusal("192.0.2.2"), "");
    EXPECT_EQ(admission_.counts().refused, 1U);
    now_ms_ += 20'000;
    EXPECT_EQ(refusal("192.0.2.1"), "");
}

TEST_F(Admitting, LetsTheExemptInWhateverTheyDo) {
    conf::Penalties rules;
    rules.exempt = {*conf::parse_network("192.0.2.0/25"), *conf::parse_network("2001:db8::1")};
    admission_.set_penalties(rules);
    for (int count = 0; count < 4; ++count) {
        offend(Offence::auth_failed, "192.0.2.1");
        offend(Offence::auth_failed, "192.0.2.129");
        offend(Offence::auth_failed, "2001:db8::2");
    }
    EXPECT_EQ(refusal("192.0.2.1"), "");
    EXPECT_EQ(refusal("192.0.2.129"), "penalty");
    EXPECT_EQ(refusal("2001:db8::2"), "penalty");
    EXPECT_EQ(refusal("2001:db8::1"), "") << "of the same network, but exempt";
}

TEST_F(Admitting, LetsTheUnknownInWhateverTheyDo) {
    for (int count = 0; count < 4; ++count) {
        auto ticket = admission_.admit(uring::Address(), now_ms_);
        ASSERT_TRUE(ticket);
        ticket->blame(Offence::auth_failed, now_ms_);
    }
    EXPECT_TRUE(admission_.admit(uring::Address(), now_ms_));
}

TEST_F(Admitting, NewLimitsHoldForThoseWhoComeThen) {
    const Ticket first = admit();
    const Ticket second = admit();
    set([](conf::Limits& to) { to.sessions = 1; });
    EXPECT_EQ(refusal(), "limit_sessions");
    set([](conf::Limits& to) { to.sessions = 3; });
    EXPECT_EQ(refusal(), "");
}

TEST_F(Admitting, ATicketThatMovedIsOnePlace) {
    {
        Ticket first = admit();
        Ticket moved = std::move(first);
        EXPECT_EQ(admission_.counts().sessions, 1U);
        EXPECT_EQ(login_refusal(moved, "key"), "");
        const std::optional<Ticket> again(std::move(moved));
        EXPECT_EQ(admission_.counts().sessions, 1U);
        EXPECT_EQ(admission_.counts().startups, 0U);
    }
    EXPECT_EQ(admission_.counts().sessions, 0U);
    EXPECT_EQ(admission_.counts().startups, 0U);
}

TEST_F(Admitting, CountsWhatItAdmittedAndRefused) {
    set([](conf::Limits& to) {
        to.sessions = 2;
        to.sessions_per_key = 1;
    });
    Ticket first = admit();
    Ticket second = admit();
    refusal();
    EXPECT_EQ(login_refusal(first, "key"), "");
    EXPECT_EQ(login_refusal(second, "key"), "limit_sessions_per_key");
    EXPECT_EQ(admission_.counts().admitted, 2U);
    EXPECT_EQ(admission_.counts().refused, 2U);
    EXPECT_EQ(admission_.counts().startups, 1U);
}

TEST_F(Admitting, CountsReturnToZeroWhateverTheOrder) {
    constexpr int kThreads = 4;
    constexpr int kRounds = 2'000;
    set([](conf::Limits& to) {
        to.sessions = 40;
        to.startups = 20;
        to.sessions_per_key = 10;
    });
    std::vector<std::thread> threads;
    for (int number = 0; number < kThreads; ++number) {
        threads.emplace_back([this, number] {
            std::vector<Ticket> held;
            for (int round = 0; round < kRounds; ++round) {
                auto ticket = admission_.admit(
                    at("192.0.2." + std::to_string((round + number) % 5)), now_ms_);
                if (ticket && round % 3 != 0) {
                    static_cast<void>(ticket->log_in("key" + std::to_string(round % 3)));
                }
                if (ticket) {
                    held.push_back(std::move(*ticket));
                }
                if (held.size() > 8 || !ticket) {
                    held.clear();
                }
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    const Admission::Counts counts = admission_.counts();
    EXPECT_EQ(counts.sessions, 0U);
    EXPECT_EQ(counts.startups, 0U);
    EXPECT_GE(counts.admitted + counts.refused, std::uint64_t{kThreads} * kRounds);
    // No place is left taken anywhere: as many get in from one address, with one key, as ever.
    std::vector<Ticket> all;
    set([](conf::Limits& to) {
        to.sessions_per_ip = 10;
        to.sessions_per_key = 10;
    });
    for (int number = 0; number < 10; ++number) {
        all.push_back(admit("192.0.2.1"));
        EXPECT_EQ(login_refusal(all.back(), "key1"), "");
    }
}

}  // namespace
}  // namespace portreeve::daemon
