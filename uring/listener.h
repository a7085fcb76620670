// A listening socket whose connections arrive by one multishot accept.
//
// Two rings may accept from duplicates of one socket while one hands it to the other. The kernel
// wakes one of them for a connection, and an accept that is cancelled at that moment has taken the
// wake-up and not the connection: the one that goes on has to look_again() when the other is done.
//
// Multishot ends for many reasons (completion queue overflow, descriptors used up): each end is
// normal and is answered by arming again, after a pause when it was an error that may stay.
//
// Owns: the listening socket. Called by: the ring's thread. Its events may not destroy it; after
// close() it is destroyed only once on_listener_joined() has been called. Bounds: the kernel's
// backlog; whoever takes the connections bounds them.
#pragma once

#include "uring/fd.h"
#include "uring/ring.h"
#include "uring/socket.h"

namespace portreeve::uring {

class Listener {
  public:
    class Events {
      public:
        Events() = default;
        Events(const Events&) = delete;
        Events& operator=(const Events&) = delete;
        virtual ~Events() = default;
        // Also after close(), for what the kernel had accepted by then.
        virtual void on_accept(Listener& listener, Fd socket) = 0;
        // Nothing can be accepted for now (EMFILE, ENOMEM, …); it is tried again by itself.
        virtual void on_accept_pause(Listener& listener, int error) = 0;
        virtual void on_listener_joined(Listener& listener) = 0;
    };

    static constexpr std::int64_t kPauseMs = 100;

    Listener(Ring& ring, Fd socket, Events& events);
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;
    Listener(Listener&&) = delete;
    Listener& operator=(Listener&&) = delete;
    ~Listener() = default;

    void open();
    // Cancels, joins, closes, then calls on_listener_joined() in a later turn. The socket is not
    // shut down: one that systemd holds too must go on listening there.
    void close();
    // Takes what waits already, without having been woken for it.
    void look_again();
    [[nodiscard]] bool closing() const { return closing_; }
    [[nodiscard]] const Address& address() const { return address_; }
    [[nodiscard]] int descriptor() const { return socket_.get(); }

  private:
    void accepted(Completion completion);
    void resume();
    void join();

    Ring& ring_;
    Events& events_;
    Fd socket_;
    Address address_;
    Op accept_ = Op::to<&Listener::accepted>(this);
    Timer pause_ = Timer::to<&Listener::resume>(this, ring_.timers());
    Task joined_ = Task::to<&Listener::join>(this);
    bool closing_ = false;
};

}  // namespace portreeve::uring
