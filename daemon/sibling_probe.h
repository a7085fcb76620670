// Before a client is let in: do the other sessions of its owner and label still answer? One whose
// link was lost, or whose machine sleeps, looks alive until its keepalive has failed three times;
// its owner comes back sooner, and wants the port that it has.
//
// Owns: who has not answered. Called by: Client, which asks them through its LeaseDesk. Bounds:
// Leases::kSiblingsMax; an answer is waited for for kWaitMs, and what came of it holds
// for kHoldsMs.
#pragma once

#include <cstdint>
#include <vector>

#include "daemon/lease.h"
#include "uring/ring.h"

namespace portreeve::daemon {

class SiblingProbe {
  public:
    static constexpr std::int64_t kWaitMs = 2'000;
    static constexpr std::int64_t kHoldsMs = 10'000;  // a machine may wake up again

    class Events {
      public:
        Events() = default;
        Events(const Events&) = delete;
        Events& operator=(const Events&) = delete;
        virtual ~Events() = default;
        // All have answered, or the time for it is over. Never called from start().
        virtual void on_siblings_probed() = 0;
    };

    SiblingProbe(uring::Ring& ring, Events& events) : ring_(ring), events_(events) {}

    // They are asked; at least one.
    void start(std::vector<LeaseHolder> siblings);
    void on_life(const LeaseHolder& sibling);
    void stop();
    // Those that did not answer, as far as one may still rely on it.
    [[nodiscard]] std::vector<LeaseHolder> silent() const;

  private:
    void over();

    uring::Ring& ring_;
    Events& events_;
    std::vector<LeaseHolder> unanswered_;
    std::int64_t over_ms_ = 0;
    uring::Timer timer_ = uring::Timer::to<&SiblingProbe::over>(this, ring_.timers());
};

}  // namespace portreeve::daemon
