#include "daemon/penalties.h"

#include <gmock/gmock.h>

#include <functional>
#include <string>

namespace portreeve::daemon {
namespace {

using namespace std::chrono_literals;

Source source(const std::string& host) {
    return Source(*uring::Address::parse(host, 1));
}

// With the defaults: 5 s, 1 s, 10 s, more than 15 s, at most 600 s.
class Penalising : public ::testing::Test {
  protected:
    void set(const std::function<void(conf::Penalties&)>& change) {
        conf::Penalties rules;
        change(rules);
        penalties_.set_rules(rules);
    }
    void blame(Offence offence, int times = 1, const std::string& host = "192.0.2.1") {
        for (int count = 0; count < times; ++count) {
            penalties_.blame(source(host), offence, now_ms_);
        }
    }
    // 0: not refused.
    std::int64_t left_ms(const std::string& host = "192.0.2.1") const {
        const auto standing = penalties_.refuses(source(host), now_ms_);
        return standing ? standing->left_ms : 0;
    }

    Penalties penalties_;
    std::int64_t now_ms_ = 1'000'000;
};

TEST_F(Penalising, StartsOnlyBeyondTheMinimum) {
    blame(Offence::auth_failed, 3);
    EXPECT_EQ(left_ms(), 0) << "15 s are the minimum, not more";
    blame(Offence::no_auth);
    EXPECT_EQ(left_ms(), 16'000);
}

TEST_F(Penalising, KnowsItsOffences) {
    set([](conf::Penalties& to) { to.min = 0s; });
    blame(Offence::auth_failed, 1, "192.0.2.1");
    blame(Offence::no_auth, 1, "192.0.2.2");
    blame(Offence::grace_exceeded, 1, "192.0.2.3");
    EXPECT_EQ(left_ms("192.0.2.1"), 5'000);
    EXPECT_EQ(left_ms("192.0.2.2"), 1'000);
    EXPECT_EQ(left_ms("192.0.2.3"), 10'000);
    blame(Offence::no_auth, 1, "192.0.2.3");
    EXPECT_EQ(penalties_.refuses(source("192.0.2.3"), now_ms_)->last, Offence::no_auth);
    EXPECT_EQ(name_of(Offence::auth_failed), "auth_failed");
    EXPECT_EQ(name_of(Offence::no_auth), "no_auth");
    EXPECT_EQ(name_of(Offence::grace_exceeded), "grace_exceeded");
}

TEST_F(Penalising, PassesWithTime) {
    blame(Offence::auth_failed, 4);
    now_ms_ += 19'999;
    EXPECT_EQ(left_ms(), 1) << "once refused, it is refused until all is over";
    ++now_ms_;
    EXPECT_EQ(left_ms(), 0);
}

TEST_F(Penalising, DoesNotAddUpWhatIsOver) {
    for (int count = 0; count < 20; ++count) {
        blame(Offence::auth_failed);
        now_ms_ += 5'000;
    }
    EXPECT_EQ(left_ms(), 0);
    EXPECT_EQ(penalties_.size(true), 1U);
}

TEST_F(Penalising, BeginsAnewAfterItIsOver) {
    blame(Offence::auth_failed, 4);
    now_ms_ += 20'000;
    blame(Offence::auth_failed, 3);
    EXPECT_EQ(left_ms(), 0) << "the minimum is to be exceeded again";
    blame(Offence::auth_failed);
    EXPECT_EQ(left_ms(), 20'000);
}

TEST_F(Penalising, BeginsAnewAlsoWhereItIsNotForgottenYet) {
    for (int count = 0; count < 20; ++count) {
        blame(Offence::no_auth, 1, "198.51.100." + std::to_string(count));
    }
    blame(Offence::auth_failed, 4);
    now_ms_ += 20'000;
    blame(Offence::auth_failed);
    EXPECT_EQ(left_ms(), 0);
}

TEST_F(Penalising, StaysInForceWhenItGrowsBelowTheMinimum) {
    blame(Offence::auth_failed, 4);
    now_ms_ += 15'000;
    blame(Offence::no_auth);  // of a connection that was open before
    EXPECT_EQ(left_ms(), 6'000);
}

TEST_F(Penalising, AddsUpToTheMaximum) {
    blame(Offence::grace_exceeded, 59);
    EXPECT_EQ(left_ms(), 590'000);
    blame(Offence::grace_exceeded, 1000);
    EXPECT_EQ(left_ms(), 600'000);
}

TEST_F(Penalising, TouchesNoOtherSource) {
    blame(Offence::auth_failed, 4, "2001:db8:1:2::1");
    EXPECT_EQ(left_ms("2001:db8:1:2:3::"), 20'000);
    EXPECT_EQ(left_ms("2001:db8:1:3::"), 0);
    EXPECT_EQ(left_ms("192.0.2.1"), 0);
}

TEST_F(Penalising, CanBeTurnedOffForAnOffenceOrAltogether) {
    set([](conf::Penalties& to) {
        to.no_auth = 0s;
        to.min = 0s;
    });
    blame(Offence::no_auth);
    EXPECT_EQ(penalties_.size(true), 0U);
    blame(Offence::auth_failed);
    EXPECT_EQ(left_ms(), 5'000);
    set([](conf::Penalties& to) { to.max = 0s; });
    EXPECT_EQ(left_ms(), 0) << "who was refused comes in at once";
    blame(Offence::auth_failed, 10);
    EXPECT_EQ(left_ms(), 0);
}

TEST_F(Penalising, KeepsWhatThereIsThroughAReload) {
    blame(Offence::auth_failed, 4);
    set([](conf::Penalties& to) { to.auth_failed = 100s; });
    EXPECT_EQ(left_ms(), 20'000);
    blame(Offence::auth_failed);
    EXPECT_EQ(left_ms(), 120'000);
}

TEST_F(Penalising, GivesThePlaceThatIsFreeSoonest) {
    set([](conf::Penalties& to) {
        to.sources = 3;
        to.min = 0s;
    });
    blame(Offence::auth_failed, 2, "192.0.2.1");
    blame(Offence::auth_failed, 1, "192.0.2.2");
    blame(Offence::auth_failed, 3, "192.0.2.3");
    blame(Offence::auth_failed, 1, "192.0.2.3");
    EXPECT_EQ(left_ms("192.0.2.2"), 5'000) << "one that is there needs no further place";
    blame(Offence::no_auth, 1, "192.0.2.4");
    EXPECT_EQ(penalties_.size(true), 3U);
    EXPECT_EQ(left_ms("192.0.2.1"), 10'000);
    EXPECT_EQ(left_ms("192.0.2.2"), 0);
    EXPECT_EQ(left_ms("192.0.2.3"), 20'000);
    EXPECT_EQ(left_ms("192.0.2.4"), 1'000);
}

TEST_F(Penalising, KeepsTheFamiliesApart) {
    set([](conf::Penalties& to) {
        to.sources = 2;
        to.min = 0s;
    });
    blame(Offence::no_auth, 1, "192.0.2.1");
    for (int count = 0; count < 100; ++count) {
        blame(Offence::grace_exceeded, 1, "2001:db8:0:" + std::to_string(count) + "::1");
    }
    EXPECT_EQ(penalties_.size(false), 2U);
    EXPECT_EQ(left_ms("192.0.2.1"), 1'000);
}

TEST_F(Penalising, ShrinksToANewBound) {
    for (int count = 1; count <= 5; ++count) {
        blame(Offence::no_auth, count * 4, "192.0.2." + std::to_string(count));
    }
    set([](conf::Penalties& to) { to.sources = 2; });
    EXPECT_EQ(penalties_.size(true), 2U);
    EXPECT_EQ(left_ms("192.0.2.5"), 20'000);
}

TEST_F(Penalising, ForgetsWhatIsOver) {
    for (int count = 0; count < 200; ++count) {
        blame(Offence::no_auth, 1, "192.0.2." + std::to_string(count));
    }
    EXPECT_EQ(penalties_.size(true), 200U);
    now_ms_ += 1'000;
    for (int count = 0; count < 100; ++count) {
        blame(Offence::no_auth, 1, "198.51.100." + std::to_string(count));
    }
    EXPECT_EQ(penalties_.size(true), 100U) << "all the earlier ones have gone";
}

TEST_F(Penalising, ExemptsWhatIsListed) {
    conf::Penalties rules;
    rules.exempt = {{address_bytes(*uring::Address::parse("192.0.2.1", 1)), 128}};
    penalties_.set_rules(rules);
    EXPECT_TRUE(penalties_.exempts(address_bytes(*uring::Address::parse("192.0.2.1", 1))));
    EXPECT_FALSE(penalties_.exempts(address_bytes(*uring::Address::parse("192.0.2.2", 1))));
}

}  // namespace
}  // namespace portreeve::daemon
