// The children that we have because we are process 1, as in a container without an init: what a
// program of [auth] or [events] command left behind becomes ours when that ends, and would stay in
// the process table as a zombie when it ends itself.
//
// Owns: nothing but its timer. Called by: Server, on the main thread, whose children such processes
// become; of our own programs only those of EventCommand are its children, and those are left to
// it. Bounds: kAtOnceMax in a look, a look in kLookMs; none at all where we are not process 1.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>

#include "daemon/event_command.h"
#include "uring/ring.h"

namespace portreeve::daemon {

// Reaps children of this thread that have ended, up to one that `is_ours`; how many there were.
std::size_t reap_orphans(const std::function<bool(pid_t)>& is_ours);

class Orphans {
  public:
    static constexpr std::int64_t kLookMs = 5'000;
    static constexpr std::size_t kAtOnceMax = 1'000;

    Orphans(uring::Ring& ring, const EventCommand& ours) : ring_(ring), ours_(ours) {}
    Orphans(const Orphans&) = delete;
    Orphans& operator=(const Orphans&) = delete;
    Orphans(Orphans&&) = delete;
    Orphans& operator=(Orphans&&) = delete;
    ~Orphans() = default;

    void start();

  private:
    void look();

    uring::Ring& ring_;
    const EventCommand& ours_;
    uring::Timer again_ = uring::Timer::to<&Orphans::look>(this, ring_.timers());
};

}  // namespace portreeve::daemon
