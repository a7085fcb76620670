// A listening socket that answers every accept with the same error must not keep the ring busy:
// with most errors it was once armed again at once, and the thread did nothing else.
#include <gtest/gtest.h>

#include "tests/unit/uring/rings.h"
#include "uring/listener.h"

namespace portreeve::uring::test {
namespace {

struct Owner final : Listener::Events {
    void on_accept(Listener&, Fd) override { ++accepted; }
    void on_accept_pause(Listener&, int error) override {
        ++pauses;
        last_error = error;
    }
    void on_listener_joined(Listener&) override { joined = true; }
    int accepted = 0;
    int pauses = 0;
    int last_error = 0;
    bool joined = false;
};

TEST(ListenerSpin, PausesOnAnErrorThatStays) {
    for (const int error : {-EINVAL, -EPERM, -EOPNOTSUPP, -ENETDOWN}) {
        FakeRing fake;
        FakeSocket& door = fake.kernel.socket();
        door.accept_errors.assign(1000, error);
        Owner owner;
        Listener listener(fake.ring, door.take(), owner);
        listener.open();
        const std::int64_t start_ms = fake.kernel.now_ms();
        for (int turns = 0; turns < 20; ++turns) {
            ASSERT_EQ(fake.ring.turn(true), 0);
        }
        EXPECT_GE(door.accept_errors.size(), 980U);
        EXPECT_GE(owner.pauses, 5);
        EXPECT_EQ(owner.last_error, error);
        EXPECT_GE(fake.kernel.now_ms() - start_ms, 5 * Listener::kPauseMs);
        listener.close();
        fake.turn_until([&] { return owner.joined; });
    }
}

TEST(ListenerSpin, ClosedByItsPauseDoesNotResume) {
    struct Closer final : Listener::Events {
        void on_accept(Listener&, Fd) override {}
        void on_accept_pause(Listener& listener, int) override { listener.close(); }
        void on_listener_joined(Listener&) override { joined = true; }
        bool joined = false;
    };
    FakeRing fake;
    FakeSocket& door = fake.kernel.socket();
    door.accept_errors = {-EMFILE};
    Closer owner;
    Listener listener(fake.ring, door.take(), owner);
    listener.open();
    fake.turn_until([&] { return owner.joined; });
    EXPECT_TRUE(fake.ring.timers().empty());
}

}  // namespace
}  // namespace portreeve::uring::test
