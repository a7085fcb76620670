// The line that systemd shows for the service: true within a second of a change, and told only when
// it has changed, however fast tunnels come and go.
//
// Owns: what was told last. Called by: Server, on the main thread. Bounds: one line in kPauseMs.
#pragma once

#include <cstdint>
#include <string>

#include "uring/ring.h"

namespace portreeve::daemon {

class StatusLine {
  public:
    static constexpr std::int64_t kPauseMs = 1'000;

    class Events {
      public:
        Events() = default;
        Events(const Events&) = delete;
        Events& operator=(const Events&) = delete;
        virtual ~Events() = default;
        [[nodiscard]] virtual std::string status() const = 0;
        virtual void on_status_changed(const std::string& status) = 0;
    };

    StatusLine(uring::Ring& ring, Events& events) : ring_(ring), events_(events) {}

    // Something that the line is made of may have changed.
    void look();
    // The line as it is now, for one who tells it together with something else.
    [[nodiscard]] const std::string& tell();
    // No line follows.
    void stop();

  private:
    void say();

    uring::Ring& ring_;
    Events& events_;
    std::string told_;
    std::int64_t told_ms_ = 0;
    bool stopped_ = false;
    uring::Timer pause_ = uring::Timer::to<&StatusLine::say>(this, ring_.timers());
};

}  // namespace portreeve::daemon
