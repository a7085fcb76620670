#include "daemon/throttle.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/ssh/bench.h"

namespace portreeve::daemon {
namespace {

class Rated : public ::testing::Test {
  protected:
    // Passes what may pass now, in pieces; returns how much that was.
    std::size_t pass(std::size_t piece = 1000) {
        std::size_t passed = 0;
        while (const std::size_t allowed = std::min(throttle_.allowance(), piece)) {
            throttle_.spend(allowed);
            passed += allowed;
        }
        return passed;
    }
    void wait_ms(std::int64_t ms) {
        bench_.advance_ms(ms);
        ASSERT_TRUE(bench_.rest());
    }
    // The machine's own time passes too.
    std::size_t took_ms(std::int64_t began_ms) {
        return static_cast<std::size_t>(bench_.ring().now_ms() - began_ms);
    }
    void woken() { ++wakes_; }

    ssh::testing::Bench bench_;
    Owners owners_;
    Throttle throttle_{bench_.ring()};
    int wakes_ = 0;
    uring::Task task_ = uring::Task::to<&Rated::woken>(this);
};

TEST_F(Rated, WithoutARateEverythingPasses) {
    throttle_.spend(1'000'000'000);
    EXPECT_GT(throttle_.allowance(), 1'000'000'000U);
}

TEST_F(Rated, TenSecondsBringTenSecondsWorth) {
    throttle_.set_rate(100'000, nullptr);
    const auto began_ms = bench_.ring().now_ms();
    std::size_t passed = pass();
    EXPECT_EQ(passed, 25'000U) << "the burst";
    for (int step = 0; step < 100; ++step) {
        wait_ms(100);
        passed += pass();
    }
    EXPECT_GE(passed, 1'025'000U);
    EXPECT_LE(passed, 25'000U + 100U * took_ms(began_ms));
}

TEST_F(Rated, DebtIsPaidFirst) {
    throttle_.set_rate(100'000, nullptr);
    throttle_.spend(1'025'000);  // ten seconds beyond the burst
    wait_ms(9'000);
    EXPECT_EQ(throttle_.allowance(), 0U);
    wait_ms(1'100);
    EXPECT_GT(throttle_.allowance(), 0U);
}

TEST_F(Rated, ASlowRateLosesNothingToRounding) {
    throttle_.set_rate(10, nullptr);
    const auto began_ms = bench_.ring().now_ms();
    std::size_t passed = pass(1);
    for (int step = 0; step < 200; ++step) {
        wait_ms(70);  // less than a byte's time each
        passed += pass(1);
    }
    EXPECT_GE(passed, 130U);
    EXPECT_LE(passed, 2U + (took_ms(began_ms) + 99U) / 100U);
}

// A rate of which a millisecond brings no whole number of bytes.
TEST_F(Rated, AskingOftenBringsNothingMore) {
    throttle_.set_rate(1'048'577, nullptr);
    std::size_t passed = pass();
    const auto began_ms = bench_.ring().now_ms();
    for (int step = 0; step < 1'000; ++step) {
        wait_ms(1);
        passed += pass(100) + pass(1);
    }
    EXPECT_LE(passed, 262'145U + 1'049U * (took_ms(began_ms) + 1));
    EXPECT_GE(passed, 1'300'000U);
}

TEST_F(Rated, WhoWaitsIsWokenOnceThereIsSome) {
    throttle_.set_rate(100'000, nullptr);
    pass();
    throttle_.spend(1'000'000);  // ten seconds: more than the machine needs meanwhile
    throttle_.wait(task_);
    throttle_.wait(task_);
    ASSERT_TRUE(bench_.rest());
    EXPECT_EQ(wakes_, 0);
    bench_.advance_ms(10'100);
    ASSERT_TRUE(bench_.until([this] { return wakes_ > 0; }));
    ASSERT_TRUE(bench_.rest());
    EXPECT_EQ(wakes_, 1);
    EXPECT_GT(throttle_.allowance(), 0U);
}

TEST_F(Rated, WhoLeavesIsNotWoken) {
    throttle_.set_rate(100'000, nullptr);
    pass();
    throttle_.wait(task_);
    throttle_.leave(task_);
    bench_.advance_ms(1'000);
    ASSERT_TRUE(bench_.rest());
    EXPECT_EQ(wakes_, 0);
}

TEST_F(Rated, TakingTheRateAwayWakes) {
    throttle_.set_rate(1, nullptr);
    pass();
    throttle_.wait(task_);
    throttle_.set_rate(0, nullptr);
    ASSERT_TRUE(bench_.until([this] { return wakes_ == 1; }));
    EXPECT_GT(throttle_.allowance(), 1'000'000U);
}

TEST_F(Rated, SessionsShareTheRate) {
    const auto usage = owners_.usage_of("reeve");
    const auto mine = usage->take_session();
    const auto another = usage->take_session();
    throttle_.set_rate(200'000, usage);
    EXPECT_EQ(pass(), 25'000U);
}

}  // namespace
}  // namespace portreeve::daemon
