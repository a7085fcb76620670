// Connects to the first of a few addresses that takes the connection, one after the other.
//
// Every dial that was started is answered by exactly one on_dialed(), in a turn after the call that
// brought it about: a connected socket, or -errno. That is the first address's error where several
// failed (the others are second choices), -ETIMEDOUT at kTimeLimitMs, -ECANCELED after close().
// Nothing is in the kernel's hands when it comes, so the Dialer may be destroyed from then on.
//
// Ending is cancel -> join -> close. A shutdown, which ends what a Stream has armed, would not do:
// a connect that it interrupts may be tried again by the kernel, on the same socket.
//
// Owns: the socket until it is handed over, the addresses. Called by: the ring's thread; its event
// may not destroy it. Bounds: one socket at a time; kTimeLimitMs for all addresses together.
#pragma once

#include <cstdint>
#include <vector>

#include <tl/expected.hpp>

#include "uring/fd.h"
#include "uring/ring.h"
#include "uring/socket.h"

namespace portreeve::uring {

class Dialer {
  public:
    static constexpr std::int64_t kTimeLimitMs = 10'000;

    class Events {
      public:
        Events() = default;
        Events(const Events&) = delete;
        Events& operator=(const Events&) = delete;
        virtual ~Events() = default;
        virtual void on_dialed(tl::expected<Fd, int> socket) = 0;
    };

    Dialer(Ring& ring, Events& events) : ring_(ring), events_(events) {}
    Dialer(const Dialer&) = delete;
    Dialer& operator=(const Dialer&) = delete;
    Dialer(Dialer&&) = delete;
    Dialer& operator=(Dialer&&) = delete;
    ~Dialer() = default;

    // Once.
    void start(std::vector<Address> addresses);
    // Gives up; nothing if the dial is over, or never was.
    void close();

  private:
    void try_next();
    void connected(Completion completion);
    void time_over();
    void give_up(int error);
    void note(int error);
    void answer();

    Ring& ring_;
    Events& events_;
    std::vector<Address> addresses_;
    std::size_t next_ = 0;
    Fd socket_;         // while it is being connected, and when it is
    int error_ = 0;     // the first there was
    bool over_ = true;  // no address is tried any more
    Op connect_ = Op::to<&Dialer::connected>(this);
    Timer limit_ = Timer::to<&Dialer::time_over>(this, ring_.timers());
    Task answer_ = Task::to<&Dialer::answer>(this);
};

}  // namespace portreeve::uring
