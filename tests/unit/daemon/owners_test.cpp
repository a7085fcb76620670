#include "daemon/owners.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace portreeve::daemon {
namespace {

TEST(Owners, SessionsOfOneOwnerShareAUsage) {
    Owners owners;
    const auto first = owners.usage_of("reeve");
    EXPECT_EQ(first, owners.usage_of("reeve"));
    EXPECT_NE(first, owners.usage_of("somebody else"));
}

TEST(Owners, AUsageGoesWithItsLastSession) {
    Owners owners;
    auto first = owners.usage_of("reeve");
    auto second = owners.usage_of("reeve");
    first.reset();
    EXPECT_EQ(owners.count(), 1U);
    second.reset();
    EXPECT_EQ(owners.count(), 0U);
}

TEST(Owners, ALimitHoldsOverAllSessions) {
    Owners owners;
    const auto one = owners.usage_of("reeve");
    const auto other = owners.usage_of("reeve");
    const auto first = one->take_tunnel(2);
    auto second = other->take_tunnel(2);
    ASSERT_TRUE(first && second);
    EXPECT_FALSE(one->take_tunnel(2));
    EXPECT_FALSE(other->take_tunnel(2));
    EXPECT_TRUE(one->take_visitor(2)) << "tunnels and visitors are counted apart";
    second.reset();
    EXPECT_TRUE(one->take_tunnel(2));
}

TEST(Owners, ZeroIsNoLimit) {
    Owners owners;
    const auto usage = owners.usage_of("reeve");
    std::vector<Owners::Place> places;
    for (int count = 0; count < 1000; ++count) {
        places.push_back(*usage->take_visitor(0));
    }
    EXPECT_FALSE(usage->take_visitor(1000));
    places.pop_back();
    EXPECT_TRUE(usage->take_visitor(1000));
}

TEST(Owners, ComeAndGoOnManyThreads) {
    Owners owners;
    std::vector<std::thread> threads;
    for (int number = 0; number < 4; ++number) {
        threads.emplace_back([&owners, number] {
            for (int count = 0; count < 2000; ++count) {
                const auto usage = owners.usage_of(number % 2 == 0 ? "reeve" : "other");
                const auto session = usage->take_session();
                EXPECT_GE(usage->sessions(), 1U);
                EXPECT_LE(usage->sessions(), 2U);
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    EXPECT_EQ(owners.count(), 0U);
}

}  // namespace
}  // namespace portreeve::daemon
