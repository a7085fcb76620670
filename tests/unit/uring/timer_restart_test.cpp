// A timer that starts itself again for a time that is already due once kept the heap running for
// ever: the ring's clock stands still during a turn.
#include <gtest/gtest.h>

#include "uring/timer.h"

namespace portreeve::uring::test {
namespace {

constexpr std::int64_t kNowMs = 10;

struct Restless {
    explicit Restless(TimerHeap& heap) : timer(Timer::to<&Restless::ring>(this, heap)) {}
    void ring() {
        if (++rings < 1000) {
            timer.start_at(kNowMs);
        }
    }
    int rings = 0;
    Timer timer;
};

TEST(TimerRestart, ForATimeThatIsDueWaitsForTheNextRun) {
    TimerHeap heap;
    Restless restless(heap);
    restless.timer.start_at(0);
    heap.run(kNowMs);
    EXPECT_EQ(restless.rings, 1);
    EXPECT_EQ(heap.next_due_ms(), kNowMs);  // so the ring will not wait
    heap.run(kNowMs);
    EXPECT_EQ(restless.rings, 2);
}

TEST(TimerRestart, DoesNotKeepOthersFromTheirTurn) {
    TimerHeap heap;
    Restless restless(heap);
    Restless other(heap);
    restless.timer.start_at(0);
    other.timer.start_at(5);
    heap.run(kNowMs);
    EXPECT_GE(other.rings, 1);
}

}  // namespace
}  // namespace portreeve::uring::test
