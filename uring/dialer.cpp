#include "uring/dialer.h"

#include <netinet/tcp.h>

#include <cerrno>
#include <utility>

namespace portreeve::uring {

void Dialer::start(std::vector<Address> addresses) {
    addresses_ = std::move(addresses);
    over_ = false;
    limit_.start_at(ring_.now_ms() + kTimeLimitMs);
    try_next();
}

// A socket that cannot even be made, or no address at all, is answered in a later turn as well.
void Dialer::try_next() {
    while (!over_ && next_ < addresses_.size()) {
        const Address& address = addresses_[next_++];
        socket_ = Fd(::socket(address.data()->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
        if (socket_) {
            // Small packets go out at once, as they do for visitors.
            const int on = 1;
            setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
            ring_.connect(connect_, socket_.get(), address);
            return;
        }
        note(-errno);
    }
    over_ = true;
    ring_.post(answer_);
}

void Dialer::connected(Completion completion) {
    if (completion.res == 0 && !over_) {
        over_ = true;
        ring_.post(answer_);
        return;
    }
    socket_.reset();
    note(completion.res);
    try_next();
}

void Dialer::time_over() {
    give_up(-ETIMEDOUT);
}

void Dialer::close() {
    give_up(-ECANCELED);
}

// Why it was given up counts more than how an address failed before. A dial that is over already,
// and whose answer is under way, stays as it is unless nobody wants its socket any more.
void Dialer::give_up(int error) {
    if (connect_.armed()) {
        if (!over_) {
            over_ = true;
            error_ = error;
            ring_.cancel(connect_);
        }
    } else if (error == -ECANCELED) {
        socket_.reset();
        error_ = error;
    }
}

void Dialer::note(int error) {
    error_ = error_ == 0 ? error : error_;
}

void Dialer::answer() {
    limit_.stop();
    if (socket_) {
        events_.on_dialed(std::move(socket_));
    } else {
        events_.on_dialed(tl::unexpected(error_ == 0 ? -EINVAL : error_));
    }
}

}  // namespace portreeve::uring
