// Rings for tests: one on the fake kernel, one on the real one, and sockets for the real one.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "tests/unit/uring/fake_kernel.h"
#include "uring/fd.h"
#include "uring/ring.h"

namespace portreeve::uring::test {

// A ring on a fake kernel, enabled.
struct FakeRing {
    explicit FakeRing(std::uint64_t seed = 1, Faults faults = {})
        : FakeRing(std::make_unique<FakeKernel>(seed, faults)) {}

    FakeKernel& kernel;
    Ring ring;

    // One turn that does not wait.
    void turn() { ASSERT_EQ(ring.turn(false), 0); }
    // Turns until `done`; fails after `turns_max`.
    template <class Condition>
    void turn_until(Condition done, int turns_max = 10000) {
        for (int turns = 0; !done(); ++turns) {
            ASSERT_LT(turns, turns_max) << "it never came about";
            ASSERT_EQ(ring.turn(false), 0);
        }
    }

  private:
    explicit FakeRing(std::unique_ptr<FakeKernel> made) : kernel(*made), ring(std::move(made)) {
        EXPECT_EQ(ring.enable(), 0);
    }
};

// Tests on the real kernel: skipped, with the reason, where it gives no ring.
class RealRing : public ::testing::Test {
  protected:
    void SetUp() override;
    // Turns until `done`, and fails after thirty seconds.
    template <class Condition>
    void turn_until(Condition done) {
        const std::int64_t deadline_ms = ring->kernel().now_ms() + 30'000;
        while (!done()) {
            ASSERT_LT(ring->kernel().now_ms(), deadline_ms) << "it never came about";
            ASSERT_EQ(ring->turn(false), 0);
        }
    }
    std::unique_ptr<Ring> ring;
};

// Two ends of one TCP connection on loopback.
std::pair<Fd, Fd> tcp_pair();
// What recv(2) says at once: a count, 0 at the end, or -errno.
ssize_t receive_now(const Fd& socket);
// … once there is something to say, with no turn of any ring in between.
ssize_t receive_soon(const Fd& socket);

}  // namespace portreeve::uring::test
