// The watchdog on rings with a clock of the test's own.
#include "daemon/watchdog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>

#include "tests/unit/uring/rings.h"

namespace portreeve::daemon {
namespace {

using uring::test::FakeRing;

constexpr std::int64_t kIntervalMs = 1'000;

class WatchdogTest : public ::testing::Test, public Watchdog::Events {
  protected:
    void on_workers_alive() override { ++alive; }
    void on_worker_silent(std::size_t number) override { silent.push_back(number); }

    void start() { watchdog.start(kIntervalMs, {&first.ring, &second.ring}); }
    // A turn of each of these, often enough for a message there and one back.
    void turn(const std::vector<FakeRing*>& workers) {
        for (int turns = 0; turns < 3; ++turns) {
            home.turn();
            for (FakeRing* worker : workers) {
                worker->turn();
            }
        }
        home.turn();
    }
    void pass(std::int64_t ms, const std::vector<FakeRing*>& workers) {
        home.kernel.pass_ms(ms);
        turn(workers);
    }

    FakeRing home{1};
    FakeRing first{2};
    FakeRing second{3};
    std::vector<FakeRing*> both{&first, &second};
    int alive = 0;
    std::vector<std::size_t> silent;
    Watchdog watchdog{home.ring, *this};
};

TEST_F(WatchdogTest, TellsOnceAnIntervalWhileAllTurn) {
    start();
    EXPECT_EQ(alive, 0) << "nobody has answered";
    turn(both);
    EXPECT_EQ(alive, 1);
    pass(kIntervalMs / 2, both);
    EXPECT_EQ(alive, 1);
    for (int intervals = 2; intervals < 10; ++intervals) {
        pass(kIntervalMs, both);
        EXPECT_EQ(alive, intervals);
    }
    EXPECT_THAT(silent, ::testing::IsEmpty());
}

TEST_F(WatchdogTest, TellsNothingWhileOneOfThemIsStuck) {
    start();
    turn(both);
    ASSERT_EQ(alive, 1);
    for (int intervals = 0; intervals < 10; ++intervals) {
        pass(kIntervalMs, {&first});
    }
    EXPECT_EQ(alive, 1);
    EXPECT_THAT(silent, ::testing::ElementsAre(1)) << "told once";
}

TEST_F(WatchdogTest, TellsAtOnceWhenTheLateOneAnswers) {
    start();
    turn({&second});
    for (int intervals = 0; intervals < 3; ++intervals) {
        pass(kIntervalMs, {&second});
    }
    ASSERT_EQ(alive, 0);
    turn(both);
    EXPECT_EQ(alive, 1) << "one answer, to one question";
    pass(kIntervalMs, both);
    EXPECT_EQ(alive, 2);
    pass(kIntervalMs, {&second});
    pass(kIntervalMs, {&second});
    EXPECT_EQ(alive, 2);
    EXPECT_THAT(silent, ::testing::ElementsAre(0, 0)) << "silent again";
}

TEST_F(WatchdogTest, AsksNobodyOnceItIsStopped) {
    start();
    home.turn();
    watchdog.stop();
    turn(both);
    EXPECT_TRUE(home.ring.timers().empty());
    EXPECT_EQ(alive, 0) << "the answer of before comes too late";
    const std::uint64_t turns_before = first.ring.figures().completions;
    pass(10 * kIntervalMs, both);
    EXPECT_EQ(first.ring.figures().completions, turns_before);
    EXPECT_EQ(alive, 0);
}

TEST_F(WatchdogTest, DoesNothingUnasked) {
    watchdog.start(0, {&first.ring, &second.ring});
    pass(kIntervalMs, both);
    EXPECT_EQ(first.ring.figures().completions, 0U);
    watchdog.stop();
    EXPECT_EQ(alive, 0);
}

// The environment is the process's: it is put back as it was.
class WatchdogEnvironment : public ::testing::Test {
  protected:
    void SetUp() override { TearDown(); }
    void TearDown() override {
        ::unsetenv("WATCHDOG_USEC");
        ::unsetenv("WATCHDOG_PID");
    }
};

TEST_F(WatchdogEnvironment, IsTakenWhenItIsForThisProcess) {
    EXPECT_EQ(Watchdog::take_interval_ms(), 0);
    ::setenv("WATCHDOG_USEC", "30000000", 1);
    ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
    EXPECT_EQ(Watchdog::take_interval_ms(), 15'000);
    EXPECT_EQ(std::getenv("WATCHDOG_USEC"), nullptr) << "children would take it for theirs";
    EXPECT_EQ(Watchdog::take_interval_ms(), 0);
    ::setenv("WATCHDOG_USEC", "1", 1);
    EXPECT_EQ(Watchdog::take_interval_ms(), 1);
}

TEST_F(WatchdogEnvironment, IsLeftAloneOtherwise) {
    ::setenv("WATCHDOG_USEC", "30000000", 1);
    ::setenv("WATCHDOG_PID", "1", 1);
    EXPECT_EQ(Watchdog::take_interval_ms(), 0);
    ::setenv("WATCHDOG_USEC", "soon", 1);
    ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
    EXPECT_EQ(Watchdog::take_interval_ms(), 0);
}

}  // namespace
}  // namespace portreeve::daemon
