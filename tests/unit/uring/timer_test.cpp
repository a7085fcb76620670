// The timer heap against the simplest thing that does the same.
#include "uring/timer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <vector>

#include "tests/unit/uring/seeds.h"

namespace portreeve::uring::test {
namespace {

struct Alarm {
    explicit Alarm(TimerHeap& heap) : timer(Timer::to<&Alarm::ring>(this, heap)) {}
    void ring() {
        ++rings;
        if (also) {
            also();
        }
    }
    int rings = 0;
    std::function<void()> also;
    Timer timer;
};

TEST(Timer, RunsWhatIsDueAndInThatOrder) {
    TimerHeap heap;
    std::vector<int> order;
    std::vector<std::unique_ptr<Alarm>> alarms;
    for (const int due : {50, 20, 40, 10, 30}) {
        alarms.push_back(std::make_unique<Alarm>(heap));
        alarms.back()->also = [&order, due] { order.push_back(due); };
        alarms.back()->timer.start_at(due);
    }
    EXPECT_EQ(heap.next_due_ms(), 10);
    heap.run(9);
    EXPECT_TRUE(order.empty());
    heap.run(40);
    EXPECT_EQ(order, (std::vector<int>{10, 20, 30, 40}));
    EXPECT_EQ(heap.next_due_ms(), 50);
    heap.run(50);
    EXPECT_TRUE(heap.empty());
}

TEST(Timer, StartedAgainIsMoved) {
    TimerHeap heap;
    Alarm alarm(heap);
    alarm.timer.start_at(10);
    alarm.timer.start_at(20);
    heap.run(15);
    EXPECT_EQ(alarm.rings, 0);
    heap.run(20);
    EXPECT_EQ(alarm.rings, 1);
    EXPECT_FALSE(alarm.timer.running());
}

TEST(Timer, StoppedOrDestroyedInACallbackDoesNotRun) {
    TimerHeap heap;
    Alarm first(heap);
    Alarm stopped(heap);
    auto destroyed = std::make_unique<Alarm>(heap);
    Alarm last(heap);
    first.also = [&] {
        stopped.timer.stop();
        destroyed.reset();
        first.timer.start_at(100);
    };
    first.timer.start_at(1);
    stopped.timer.start_at(2);
    destroyed->timer.start_at(3);
    last.timer.start_at(4);
    heap.run(10);
    EXPECT_EQ(stopped.rings, 0);
    EXPECT_EQ(last.rings, 1);
    EXPECT_EQ(heap.next_due_ms(), 100);
}

TEST(Timer, AgreesWithASortedListOnRandomSchedules) {
    for_each_seed(200, [](std::uint64_t seed) {
        Dice dice(seed);
        TimerHeap heap;
        struct Entry {
            std::unique_ptr<Alarm> alarm;
            std::int64_t due_ms = -1;  // the model: when it should ring, or never
            int rings = 0;
        };
        std::vector<Entry> entries(dice.between(1, 40));
        std::int64_t last_due_ms = 0;
        for (Entry& entry : entries) {
            entry.alarm = std::make_unique<Alarm>(heap);
            entry.alarm->also = [&] {
                EXPECT_GE(entry.due_ms, last_due_ms) << "out of order";
                last_due_ms = entry.due_ms;
                entry.due_ms = -1;
                ++entry.rings;
                Entry& other = entries[dice.between(0, entries.size() - 1)];
                if (dice.chance(30)) {  // stopped by a callback
                    other.alarm->timer.stop();
                    other.due_ms = -1;
                }
            };
        }
        std::int64_t now_ms = 0;
        for (int step = 0; step < 300; ++step) {
            Entry& entry = entries[dice.between(0, entries.size() - 1)];
            if (dice.chance(20)) {
                entry.alarm->timer.stop();
                entry.due_ms = -1;
            } else if (dice.chance(80)) {
                entry.due_ms = now_ms + static_cast<std::int64_t>(dice.between(1, 50));
                entry.alarm->timer.start_at(entry.due_ms);
            } else {
                now_ms += static_cast<std::int64_t>(dice.between(0, 30));
                last_due_ms = 0;
                heap.run(now_ms);
            }
            std::int64_t earliest_ms = -1;
            for (const Entry& each : entries) {
                ASSERT_EQ(each.alarm->timer.running(), each.due_ms >= 0);
                ASSERT_EQ(each.alarm->rings, each.rings);
                if (each.due_ms >= 0 && (earliest_ms < 0 || each.due_ms < earliest_ms)) {
                    earliest_ms = each.due_ms;
                }
            }
            ASSERT_EQ(heap.empty(), earliest_ms < 0);
            if (earliest_ms >= 0) {
                ASSERT_EQ(heap.next_due_ms(), earliest_ms);
            }
        }
    });
}

}  // namespace
}  // namespace portreeve::uring::test
