// How fast the bytes of one session may pass in one direction: what max-rate in a key's line says,
// shared equally among the sessions that the key has.
//
// A bucket that fills by time. What asks for an allowance and gets none waits, and is posted when
// there is some again. Several may have asked for the same allowance, so the bucket may fall into
// debt, which is paid before anything passes: over a second or two the rate is exact.
//
// Owns: the bucket. Called by: the session's visitors, on its worker's ring. Bounds: what passes at
// once by a quarter of a second's worth; waiting tasks by the visitors there are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "daemon/owners.h"
#include "uring/ring.h"

namespace portreeve::daemon {

class Throttle {
  public:
    explicit Throttle(uring::Ring& ring) : ring_(ring) {}
    Throttle(const Throttle&) = delete;
    Throttle& operator=(const Throttle&) = delete;
    Throttle(Throttle&&) = delete;
    Throttle& operator=(Throttle&&) = delete;
    ~Throttle() = default;

    // 0: as fast as it goes. `usage` says among how many sessions the rate is shared.
    void set_rate(std::uint64_t bytes_per_s, std::shared_ptr<const Owners::Usage> usage);

    // How much may pass now. After a 0, wait().
    [[nodiscard]] std::size_t allowance();
    void spend(std::size_t bytes);
    // `task` is posted once, when there is an allowance again. It leaves before it is destroyed.
    void wait(uring::Task& task);
    void leave(const uring::Task& task);

  private:
    static constexpr std::int64_t kRefillMs = 50;
    static constexpr std::int64_t kBurstMs = 250;

    void refill();
    void wake();
    [[nodiscard]] std::int64_t bytes_per_s() const;

    uring::Ring& ring_;
    std::uint64_t rate_ = 0;
    std::shared_ptr<const Owners::Usage> usage_;
    // In thousandths of a byte, which a rate in whole bytes a second brings in whole numbers each
    // millisecond: nothing is rounded, however often it is asked. Negative: debt.
    std::int64_t millibytes_ = 0;
    std::int64_t filled_ms_ = 0;
    std::vector<uring::Task*> waiting_;
    uring::Timer timer_ = uring::Timer::to<&Throttle::wake>(this, ring_.timers());
};

}  // namespace portreeve::daemon
