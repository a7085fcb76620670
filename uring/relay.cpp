#include "uring/relay.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

#include "uring/reset.h"

namespace portreeve::uring {
namespace {

// A count, or -errno.
ssize_t splice_some(int from, int to, std::size_t bytes_max) {
    const ssize_t moved =
        ::splice(from, nullptr, to, nullptr, bytes_max, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    return moved >= 0 ? moved : -errno;
}

}  // namespace

int PipePool::take(Pipe& pipe) {
    if (!cached_.empty()) {
        pipe = std::move(cached_.back());
        cached_.pop_back();
        return 0;
    }
    int ends[2] = {-1, -1};
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return -errno;
    }
    pipe = {Fd(ends[0]), Fd(ends[1])};
    return 0;
}

void PipePool::give_back(Pipe pipe) {
    if (cached_.size() < kCachedMax) {
        cached_.push_back(std::move(pipe));
    }
}

// One way
// ------------------------------------------------------------------------------------------

void Relay::Way::pump() {
    for (int round = 0; round < kRoundsMax; ++round) {
        if (pull() != Step::moved || push() != Step::moved) {
            return;
        }
    }
    // The others' turn; there is more to do, so this poll completes at once.
    static_cast<void>(held_bytes_ > 0 ? wait(to_, POLLOUT) : wait(from_, POLLIN | POLLRDHUP));
}

Relay::Way::Step Relay::Way::pull() {
    if (input_ended_ || held_bytes_ >= kPipeBytes) {
        return Step::moved;
    }
    if (!pipe_.in) {
        if (const int rc = relay_.pipes_.take(pipe_); rc < 0) {
            return fail(rc);
        }
    }
    const ssize_t moved = splice_some(from_.get(), pipe_.in.get(), kPipeBytes - held_bytes_);
    if (moved > 0) {
        held_bytes_ += static_cast<std::size_t>(moved);
    } else if (moved == 0) {
        input_ended_ = true;
    } else if (moved != -EAGAIN && moved != -EINTR) {
        return fail(static_cast<int>(moved));
    } else if (held_bytes_ == 0) {
        // While the pipe holds something, EAGAIN may also mean that it has no slot left.
        relay_.pipes_.give_back(std::move(pipe_));
        return wait(from_, POLLIN | POLLRDHUP);
    }
    return Step::moved;
}

Relay::Way::Step Relay::Way::push() {
    if (held_bytes_ > 0) {
        const ssize_t moved = splice_some(pipe_.out.get(), to_.get(), held_bytes_);
        if (moved == -EAGAIN || moved == -EINTR) {
            return wait(to_, POLLOUT);
        }
        if (moved < 0) {
            return fail(static_cast<int>(moved));
        }
        held_bytes_ -= static_cast<std::size_t>(moved);
    }
    if (held_bytes_ > 0 || !input_ended_) {
        return Step::moved;
    }
    relay_.pipes_.give_back(std::move(pipe_));
    ended_ = true;
    ::shutdown(to_.get(), SHUT_WR);
    relay_.way_ended();
    return Step::over;
}

Relay::Way::Step Relay::Way::wait(const Fd& socket, std::uint32_t events) {
    relay_.ring_.poll(ready_, socket.get(), events);
    return Step::waits;
}

Relay::Way::Step Relay::Way::fail(int error) {
    relay_.cut(error);
    return Step::over;
}

void Relay::Way::ready(Completion completion) {
    if (relay_.closing_) {
        relay_.join_ways();
    } else if (completion.res < 0) {
        relay_.cut(completion.res);
    } else {
        pump();
    }
}

// Both ways
// ----------------------------------------------------------------------------------------

Relay::Relay(Ring& ring, PipePool& pipes, Fd left, Fd right, Events& events)
    : ring_(ring),
      pipes_(pipes),
      events_(events),
      left_(std::move(left)),
      right_(std::move(right)),
      rightward_(*this, left_, right_),
      leftward_(*this, right_, left_) {
    for (const Fd* socket : {&left_, &right_}) {
        // SPLICE_F_NONBLOCK speaks of the pipe alone.
        const int flags = fcntl(socket->get(), F_GETFL);
        fcntl(socket->get(), F_SETFL, flags | O_NONBLOCK);
    }
}

void Relay::open() {
    rightward_.pump();
    if (!closing_) {
        leftward_.pump();
    }
}

bool Relay::holds_bytes() const {
    return rightward_.holds_bytes() || leftward_.holds_bytes();
}

void Relay::way_ended() {
    if (rightward_.ended() && leftward_.ended()) {
        close();
    }
}

void Relay::cut(int error) {
    error_ = error;
    close(true);
}

void Relay::close(bool reset) {
    if (closing_) {
        return;
    }
    closing_ = true;
    for (const Fd* socket : {&left_, &right_}) {
        if (reset) {
            // A shutdown would send FIN, an orderly end, before close() can send RST.
            reset_at_close(socket->get());
        } else if (rightward_.waiting() || leftward_.waiting()) {
            ::shutdown(socket->get(), SHUT_RDWR);
        }
    }
    for (Way* way : {&rightward_, &leftward_}) {
        if (reset && way->waiting()) {
            way->cancel();
        }
    }
    join_ways();
}

void Relay::join_ways() {
    if (!rightward_.waiting() && !leftward_.waiting()) {
        ring_.post(joined_);
    }
}

void Relay::join() {
    left_.reset();
    right_.reset();
    events_.on_relay_joined(*this, error_);
}

}  // namespace portreeve::uring
