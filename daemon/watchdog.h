// Tells that every worker makes progress, so that systemd may end a daemon in which one is stuck.
//
//   tick -> each worker is asked, by a message to its ring -> the last has answered -> all alive
//
// An answer is a turn of the worker's ring, and the question is one of the main ring's, so nothing
// is told unless all of them turn. A round that is not over at the next tick goes on: a worker that
// was late is told of when it answers, and nobody is asked twice.
//
// Owns: the timer. Called by: Server, on the main thread's ring; the rings outlive the last
// message. Bounds: one question on the way to each worker, or one answer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "uring/ring.h"

namespace portreeve::daemon {

class Watchdog {
  public:
    class Events {
      public:
        Events() = default;
        Events(const Events&) = delete;
        Events& operator=(const Events&) = delete;
        virtual ~Events() = default;
        // Every worker has answered the question of the last tick.
        virtual void on_workers_alive() = 0;
        // This one has not, a whole interval later; told once until it answers.
        virtual void on_worker_silent(std::size_t number) = 0;
    };

    Watchdog(uring::Ring& ring, Events& events) : ring_(ring), events_(events) {}
    Watchdog(const Watchdog&) = delete;
    Watchdog& operator=(const Watchdog&) = delete;
    Watchdog(Watchdog&&) = delete;
    Watchdog& operator=(Watchdog&&) = delete;
    ~Watchdog() = default;

    // How often systemd wants to hear of this process, twice over; 0: it does not. Clears the
    // environment, so that children do not take it for theirs.
    [[nodiscard]] static std::int64_t take_interval_ms();

    // `workers` are enabled and turn on threads of their own. An interval of 0: never.
    void start(std::int64_t interval_ms, std::vector<uring::Ring*> workers);
    // No worker is asked from now on, and nothing is told any more.
    void stop();

  private:
    enum class State { answered, asked, silent };

    void tick();
    void ask(std::size_t number);
    void answered(std::size_t number);

    uring::Ring& ring_;
    Events& events_;
    std::int64_t interval_ms_ = 0;
    std::vector<uring::Ring*> workers_;
    std::vector<State> states_;  // of each worker
    std::size_t unanswered_ = 0;
    uring::Timer timer_ = uring::Timer::to<&Watchdog::tick>(this, ring_.timers());
};

}  // namespace portreeve::daemon
