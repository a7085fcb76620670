// A Listener through the many ends of its multishot accept.
#include "uring/listener.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "tests/unit/uring/rings.h"

namespace portreeve::uring::test {
namespace {

struct Owner final : Listener::Events {
    explicit Owner(FakeRing& fake)
        : door(fake.kernel.socket()),
          listener(std::make_unique<Listener>(fake.ring, door.take(), *this)) {
        listener->open();
    }
    void on_accept(Listener& which, Fd socket) override {
        EXPECT_FALSE(joined);
        EXPECT_TRUE(socket);
        ++accepted;
        if (accepted == close_at) {
            closed = true;
            which.close();
        }
    }
    void on_accept_pause(Listener&, int error) override {
        EXPECT_FALSE(closed);
        pauses.push_back(error);
    }
    void on_listener_joined(Listener&) override {
        EXPECT_FALSE(joined);
        EXPECT_TRUE(door.closed());
        joined = true;
        listener.reset();
    }
    void close() {
        closed = true;
        listener->close();
    }

    FakeSocket& door;
    std::unique_ptr<Listener> listener;
    int accepted = 0;
    int close_at = -1;
    std::vector<int> pauses;
    bool closed = false;
    bool joined = false;
};

std::size_t accepts_submitted(const FakeKernel& kernel) {
    return static_cast<std::size_t>(
        std::count_if(kernel.submitted.begin(), kernel.submitted.end(),
                      [](const auto& entry) { return entry.first == IORING_OP_ACCEPT; }));
}

TEST(Listener, TakesManyConnectionsByOneSubmission) {
    FakeRing fake;
    Owner owner(fake);
    owner.door.arrivals = 50;
    fake.turn_until([&] { return owner.accepted == 50; });
    EXPECT_EQ(accepts_submitted(fake.kernel), 1U);
    owner.close();
    fake.turn_until([&] { return owner.joined; });
}

TEST(Listener, ArmsAgainWhenItsMultishotEnds) {
    FakeRing fake(1, {.drop_more = 100});
    Owner owner(fake);
    owner.door.arrivals = 50;
    fake.turn_until([&] { return owner.accepted == 50; });
    EXPECT_GE(accepts_submitted(fake.kernel), 50U);
    EXPECT_TRUE(owner.pauses.empty());
    owner.close();
    fake.turn_until([&] { return owner.joined; });
}

TEST(Listener, GoesOnAtOnceAfterAConnectionThatWasGone) {
    FakeRing fake;
    Owner owner(fake);
    owner.door.accept_errors = {-ECONNABORTED, -EINTR, -EPROTO};
    owner.door.arrivals = 1;
    const std::int64_t start_ms = fake.kernel.now_ms();
    fake.turn_until([&] { return owner.accepted == 1; });
    EXPECT_TRUE(owner.pauses.empty());
    EXPECT_LT(fake.kernel.now_ms() - start_ms, Listener::kPauseMs);
    owner.close();
    fake.turn_until([&] { return owner.joined; });
}

TEST(Listener, PausesWhenTheProcessIsShortAndResumes) {
    for (const int error : {-EMFILE, -ENFILE, -ENOMEM, -ENOBUFS}) {
        FakeRing fake;
        Owner owner(fake);
        owner.door.accept_errors = {error, error};
        owner.door.arrivals = 1;
        const std::int64_t start_ms = fake.kernel.now_ms();
        for (int turns = 0; owner.accepted == 0; ++turns) {
            ASSERT_LT(turns, 20) << "it asks too often";
            ASSERT_EQ(fake.ring.turn(true), 0);
        }
        EXPECT_EQ(owner.pauses, (std::vector<int>{error, error}));
        EXPECT_GE(fake.kernel.now_ms() - start_ms, 2 * Listener::kPauseMs);
        owner.close();
        fake.turn_until([&] { return owner.joined; });
    }
}

TEST(Listener, ClosedDuringAPauseStaysClosed) {
    FakeRing fake;
    Owner owner(fake);
    owner.door.accept_errors = {-EMFILE};
    fake.turn_until([&] { return owner.pauses.size() == 1; });
    owner.close();
    EXPECT_FALSE(owner.joined) << "joined inside close()";
    fake.turn_until([&] { return owner.joined; });
    fake.kernel.pass_ms(2 * Listener::kPauseMs);
    fake.turn();
    EXPECT_EQ(fake.kernel.pending(), 0U);
}

TEST(Listener, JoinsItsAcceptBeforeItCloses) {
    for_each_seed(300, [](std::uint64_t seed) {
        Dice dice(seed);
        Faults faults = Faults::many();
        if (dice.chance(50)) {
            faults.completion_entries = static_cast<std::uint32_t>(dice.between(1, 3));
        }
        FakeRing fake(seed, faults);
        Owner owner(fake);
        const int arrivals = static_cast<int>(dice.between(0, 30));
        owner.door.arrivals = arrivals;
        if (dice.chance(50)) {
            owner.close_at = static_cast<int>(dice.between(1, 30));  // inside an event
        }
        for (std::size_t turns = dice.between(0, 40); turns > 0; --turns) {
            ASSERT_NO_FATAL_FAILURE(fake.turn());
        }
        if (!owner.closed) {
            owner.close();
        }
        fake.turn_until([&] { return owner.joined; });
        ASSERT_EQ(owner.accepted + owner.door.arrivals, arrivals) << "one was taken and dropped";
        ASSERT_EQ(fake.kernel.pending(), 0U);
    });
}

}  // namespace
}  // namespace portreeve::uring::test
