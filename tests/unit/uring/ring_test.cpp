// A turn's order, a full submission queue, and an overflowing completion queue.
#include "uring/ring.h"

#include <gtest/gtest.h>

#include <functional>
#include <list>
#include <string>
#include <vector>

#include "tests/unit/uring/rings.h"

namespace portreeve::uring::test {
namespace {

// One read of one byte, and what to do then.
struct Reader {
    explicit Reader(Ring& on) : ring(on) {}
    void read(const FakeSocket& from) {
        ring.read(op, from.number(), std::as_writable_bytes(std::span(&byte, 1)));
    }
    void done(Completion completion) {
        res = completion.res;
        if (then) {
            then();
        }
    }
    Ring& ring;
    char byte = 0;
    int res = 1000;
    std::function<void()> then;
    Op op = Op::to<&Reader::done>(this);
};

struct Doer {
    explicit Doer(std::function<void()> what) : what_(std::move(what)) {}
    void run() { what_(); }
    std::function<void()> what_;
};

TEST(Ring, TurnsAlwaysInTheSameOrder) {
    FakeRing fake;
    FakeSocket& socket = fake.kernel.socket();
    socket.input = "x";
    std::string log;
    Reader reader(fake.ring);
    Doer at_end([&] { log += "task "; });
    Task late_task = Task::to<&Doer::run>(&at_end);
    reader.then = [&] {
        log += "completion ";
        fake.ring.post(late_task);  // of this batch, so in the next turn
    };
    Doer at_start([&] {
        log += "task ";
        reader.read(socket);  // submitted in this very turn
    });
    Task task = Task::to<&Doer::run>(&at_start);
    Doer on_time([&] { log += "timer "; });
    Timer timer = Timer::to<&Doer::run>(&on_time, fake.ring.timers());
    timer.start_at(fake.ring.now_ms());
    fake.ring.post(task);
    fake.turn();
    EXPECT_EQ(log, "task completion timer ");
    fake.turn();
    EXPECT_EQ(log, "task completion timer task ");
}

TEST(Ring, ReadsItsClockOnceATurnAfterTheWait) {
    FakeRing fake;
    const std::int64_t before_ms = fake.ring.now_ms();
    fake.kernel.pass_ms(500);
    EXPECT_EQ(fake.ring.now_ms(), before_ms);
    fake.turn();
    EXPECT_EQ(fake.ring.now_ms(), fake.kernel.now_ms());
    EXPECT_GE(fake.ring.now_ms(), before_ms + 500);
}

TEST(Ring, WaitsForItsEarliestTimerAndNoLonger) {
    FakeRing fake;
    int rings = 0;
    Doer count([&] { ++rings; });
    Timer timer = Timer::to<&Doer::run>(&count, fake.ring.timers());
    const std::int64_t due_ms = fake.ring.now_ms() + 5000;
    timer.start_at(due_ms);
    ASSERT_EQ(fake.ring.turn(true), 0);
    EXPECT_EQ(rings, 1);
    EXPECT_GE(fake.kernel.now_ms(), due_ms);
    EXPECT_LE(fake.kernel.now_ms(), due_ms + 2);
    EXPECT_EQ(fake.ring.turn(true), -EDEADLK);  // nothing left: it would wait for ever
}

TEST(Ring, DoesNotWaitWhileATaskIsPosted) {
    FakeRing fake;
    Doer nothing([] {});
    Task next = Task::to<&Doer::run>(&nothing);
    Doer again([&] { fake.ring.post(next); });
    Task task = Task::to<&Doer::run>(&again);
    fake.ring.post(task);
    EXPECT_EQ(fake.ring.turn(true), 0);
    EXPECT_FALSE(task.posted());
    EXPECT_TRUE(next.posted());
}

TEST(Ring, RunsUntilStoppedAndReportsWhatTheKernelRefuses) {
    FakeRing fake;
    FakeSocket& socket = fake.kernel.socket();
    Reader reader(fake.ring);
    reader.then = [&] { fake.ring.stop(); };
    reader.read(socket);
    EXPECT_EQ(fake.ring.run(), -EDEADLK);
    socket.input = "x";
    EXPECT_EQ(fake.ring.run(), 0);
    EXPECT_EQ(reader.byte, 'x');
}

TEST(Ring, ParksInOrderWhatAFullQueueCannotTakeAndLosesNothing) {
    FakeRing fake(1, {.submission_entries = 4, .completion_entries = 2});
    FakeSocket& socket = fake.kernel.socket();
    // Failed cancellations overflow the completion queue, so that the kernel takes no submission.
    Reader never(fake.ring);
    for (int i = 0; i < 4; ++i) {
        fake.ring.cancel(never.op);
    }
    ASSERT_EQ(fake.kernel.submit(), 0);
    std::list<Reader> readers;
    std::vector<std::uint64_t> order;
    for (int i = 0; i < 50; ++i) {
        Reader& reader = readers.emplace_back(fake.ring);
        order.push_back(reinterpret_cast<std::uintptr_t>(&reader.op));
        reader.read(socket);
    }
    EXPECT_EQ(fake.ring.figures().parked, 46U);
    socket.input = std::string(50, 'x');
    fake.turn_until([&] { return socket.input.empty() && fake.kernel.pending() == 0; });
    fake.turn_until([&] {
        return std::all_of(readers.begin(), readers.end(),
                           [](const Reader& reader) { return reader.res == 1; });
    });
    std::vector<std::uint64_t> taken;
    for (const auto& [opcode, user_data] : fake.kernel.submitted) {
        if (opcode == IORING_OP_READ) {
            taken.push_back(user_data);
        }
    }
    EXPECT_EQ(taken, order);
}

TEST(Ring, CountsItsTurnsByWhatTheyBrought) {
    FakeRing fake;
    FakeSocket& socket = fake.kernel.socket();
    socket.input = "abcd";
    std::list<Reader> readers;
    for (int i = 0; i < 3; ++i) {
        readers.emplace_back(fake.ring).read(socket);
    }
    ASSERT_EQ(fake.ring.turn(false), 0);
    readers.emplace_back(fake.ring).read(socket);
    ASSERT_EQ(fake.ring.turn(false), 0);
    ASSERT_EQ(fake.ring.turn(false), 0);
    const Ring::Figures& figures = fake.ring.figures();
    EXPECT_EQ(figures.turns, 3U);
    EXPECT_EQ(figures.completions, 4U);
    const auto per_turn = figures.per_turn.figures();
    EXPECT_EQ(per_turn.sum, 4U);
    EXPECT_EQ(per_turn.counts[0], 1U);  // none
    EXPECT_EQ(per_turn.counts[1], 1U);  // one
    EXPECT_EQ(per_turn.counts[3], 1U);  // three or four
}

TEST(Ring, DoesNotWaitWhileSomethingIsParked) {
    FakeRing fake(1, {.submission_entries = 1, .completion_entries = 1});
    Reader never(fake.ring);
    for (int i = 0; i < 3; ++i) {
        fake.ring.cancel(never.op);
        fake.kernel.submit();
    }
    FakeSocket& socket = fake.kernel.socket();
    socket.input = "ab";
    Reader first(fake.ring);
    Reader second(fake.ring);
    first.read(socket);
    second.read(socket);
    ASSERT_GT(fake.ring.figures().parked, 0U);
    for (int turns = 0; first.op.armed() || second.op.armed(); ++turns) {
        ASSERT_LT(turns, 100);
        ASSERT_EQ(fake.ring.turn(true), 0);
    }
    EXPECT_EQ(first.res + second.res, 2);
}

TEST(Ring, CompletesEveryOperationOnceOnRandomSchedules) {
    for_each_seed(200, [](std::uint64_t seed) {
        Dice dice(seed);
        Faults faults = Faults::many();
        faults.submission_entries = static_cast<std::uint32_t>(dice.between(1, 8));
        faults.completion_entries = static_cast<std::uint32_t>(dice.between(1, 8));
        FakeRing fake(seed, faults);
        FakeSocket& socket = fake.kernel.socket();
        std::list<Reader> readers;
        int completions = 0;
        for (int i = 0; i < 100; ++i) {
            Reader& reader = readers.emplace_back(fake.ring);
            reader.then = [&] { ++completions; };
            reader.read(socket);
            socket.input += 'x';
            if (dice.chance(30)) {
                fake.ring.cancel(reader.op);
            }
            if (dice.chance(20)) {
                ASSERT_NO_FATAL_FAILURE(fake.turn());
            }
        }
        fake.turn_until([&] { return completions == 100; });
        for (const Reader& reader : readers) {
            ASSERT_TRUE(reader.res == 1 || reader.res == -ECANCELED) << reader.res;
        }
        ASSERT_EQ(fake.kernel.pending(), 0U);
    });
}

}  // namespace
}  // namespace portreeve::uring::test
