#include "uring/listener.h"

#include <netinet/tcp.h>

#include <cerrno>

namespace portreeve::uring {

Listener::Listener(Ring& ring, Fd socket, Events& events)
    : ring_(ring),
      events_(events),
      socket_(std::move(socket)),
      address_(Address::of_local(socket_.get())) {
    // Small packets go out at once: interactive traffic is what tunnels are for. Accepted sockets
    // inherit it, which saves a system call for each.
    const int on = 1;
    setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

void Listener::open() {
    ring_.accept_each(accept_, socket_.get());
}

// The end of the accept arms a new one, and arming looks.
void Listener::look_again() {
    if (!closing_ && accept_.armed()) {
        ring_.cancel(accept_);
    }
}

void Listener::close() {
    if (closing_) {
        return;
    }
    closing_ = true;
    pause_.stop();
    if (accept_.armed()) {
        ring_.cancel(accept_);
    } else {
        ring_.post(joined_);
    }
}

void Listener::accepted(Completion completion) {
    if (completion.res >= 0) {
        events_.on_accept(*this, Fd(completion.res));
    }
    if (accept_.armed()) {
        return;
    }
    if (closing_) {
        ring_.post(joined_);
        return;
    }
    switch (completion.res) {
        case -ECONNABORTED:  // a connection that was gone before it was taken
        case -EPROTO:
        case -EINTR:
        case -ECANCELED:  // how some kernels end a multishot whose completion overflowed
            open();
            break;
        default:
            if (completion.res >= 0) {  // the end of a multishot
                open();
                break;
            }
            // Asking again at once could keep this thread busy with nothing else.
            events_.on_accept_pause(*this, completion.res);
            if (!closing_) {
                pause_.start_at(ring_.now_ms() + kPauseMs);
            }
            break;
    }
}

void Listener::resume() {
    open();
}

void Listener::join() {
    socket_.reset();
    events_.on_listener_joined(*this);
}

}  // namespace portreeve::uring
