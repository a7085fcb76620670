// The test bench under the tests of ssh/ and daemon/: a real ring on the test's own thread, with a
// clock that tests set forward, so that no test waits for a timer.
//
// Tests turn the ring until a condition holds, within a deadline that is generous because it only
// bounds a test that fails.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "uring/buffer_ring.h"
#include "uring/byte_queue.h"
#include "uring/fd.h"
#include "uring/ring.h"
#include "uring/stream.h"

namespace portreeve::ssh::testing {

class SteppedKernel;

class Bench {
  public:
    static constexpr std::int64_t kDeadlineMs = 40'000;

    Bench();
    Bench(const Bench&) = delete;
    Bench& operator=(const Bench&) = delete;
    Bench(Bench&&) = delete;
    Bench& operator=(Bench&&) = delete;
    ~Bench();

    [[nodiscard]] uring::Ring& ring() { return *ring_; }
    [[nodiscard]] uring::Stream::Pools pools() { return {*buffers_, slabs_}; }

    // Turns until `condition` holds; false when the deadline passed first.
    [[nodiscard]] bool until(const std::function<bool()>& condition);
    // Turns until nothing is left to do but wait; false for a ring that never comes to rest.
    [[nodiscard]] bool rest();
    // What timers see as now.
    void advance_ms(std::int64_t ms);

  private:
    std::unique_ptr<uring::Ring> ring_;
    SteppedKernel* kernel_;  // owned by ring_
    std::unique_ptr<uring::BufferRing> buffers_;
    uring::SlabPool slabs_;
};

// Two ends of one connection.
std::pair<uring::Fd, uring::Fd> local_pair();
std::pair<uring::Fd, uring::Fd> tcp_pair();

// `count` bytes that no shift or swap maps onto themselves; the same for the same seed.
std::string noise(std::size_t count, std::uint32_t seed);

// Describes where two texts differ, briefly; empty when they are equal.
std::string difference(const std::string& got, const std::string& wanted);

}  // namespace portreeve::ssh::testing
