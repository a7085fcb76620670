#include "uring/stream.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include "uring/reset.h"

namespace portreeve::uring {

Stream::Stream(Ring& ring, Pools pools, Fd socket, Events& events)
    : ring_(ring),
      pools_(pools),
      events_(events),
      socket_(std::move(socket)),
      output_(pools.slabs),
      receive_buffers_(&pools.buffers) {
}

void Stream::receive(std::size_t bytes_max) {
    if (receive_.armed() || input_ended_ || closing_ || bytes_max == 0) {
        return;
    }
    const bool bulk = bulk_ && pools_.bulk_buffers != nullptr;
    receive_buffers_ = bulk ? pools_.bulk_buffers : &pools_.buffers;
    receive_bytes_max_ = static_cast<std::uint32_t>(
        std::min<std::size_t>(bytes_max, receive_buffers_->buffer_bytes()));
    arm_receive();
}

void Stream::arm_receive() {
    ring_.receive(receive_, socket_.get(), receive_buffers_->group(), receive_bytes_max_, drained_);
}

void Stream::stop_receiving() {
    if (receive_.armed() && !closing_) {
        stopping_receive_ = true;
        ring_.cancel(receive_);
    }
}

void Stream::received(Completion completion) {
    const bool stopping = std::exchange(stopping_receive_, false);
    drained_ = completion.socket_drained() && completion.res != -ENOBUFS;
    if (completion.has_buffer()) {
        const BufferRing::Loan loan = receive_buffers_->take(completion);
        bulk_ = !drained_ || loan.bytes().size() > pools_.buffers.buffer_bytes();
        if (!closing_ && completion.res > 0) {
            events_.on_input(loan.bytes());
            return;  // on_input may have closed this stream; its join waits for no receive
        }
    }
    if (closing_) {
        if (!send_.armed()) {
            ring_.post(joined_);
        }
        return;
    }
    if (stopping && completion.res < 0) {
        events_.on_receive_stopped();
        return;
    }
    switch (completion.res) {
        case -ENOBUFS:  // all buffers were lent out in this batch; they are back before the next
            ring_.note_no_buffers();
            arm_receive();
            return;
        case -EINTR:
        case -EAGAIN:
            arm_receive();
            return;
        default:
            input_ended_ = true;
            events_.on_input_end(completion.res);
            return;
    }
}

void Stream::append(std::span<const std::byte> bytes) {
    if (output_failed_ || output_ending_ || closing_) {
        return;
    }
    output_.append(bytes);
    if (!send_.armed()) {
        ring_.post(flush_);
    }
}

void Stream::end_output() {
    output_ending_ = true;
    finish_output();
}

void Stream::finish_output() {
    if (output_ending_ && !output_ended_ && !output_failed_ && output_.empty() && !closing_) {
        output_ended_ = true;
        ::shutdown(socket_.get(), SHUT_WR);
    }
}

void Stream::flush() {
    if (send_.armed() || output_.empty() || closing_) {
        return;
    }
    iovec first{};
    if (output_.gather({&first, 1}) == 1 && first.iov_len == output_.size()) {
        ring_.send(send_, socket_.get(), {static_cast<std::byte*>(first.iov_base), first.iov_len});
        return;
    }
    if (!pieces_) {
        pieces_ = std::make_unique<std::array<iovec, kPiecesMax>>();
    }
    message_.msg_iov = pieces_->data();
    message_.msg_iovlen = output_.gather(*pieces_);
    ring_.send_message(send_, socket_.get(), message_);
}

void Stream::sent(Completion completion) {
    if (closing_) {
        output_.clear();
        if (!receive_.armed()) {
            ring_.post(joined_);
        }
        return;
    }
    if (completion.res >= 0) {
        output_.consume(static_cast<std::size_t>(completion.res));
    } else if (completion.res != -EINTR && completion.res != -EAGAIN) {
        output_failed_ = true;
        output_.clear();
        events_.on_output_failed(completion.res);
        return;
    }
    if (!output_.empty()) {
        ring_.post(flush_);
    } else {
        pieces_.reset();
        finish_output();
    }
    events_.on_output_sent();
}

void Stream::set_patience_ms(std::int64_t patience_ms) {
    const auto value = static_cast<unsigned>(patience_ms);
    setsockopt(socket_.get(), IPPROTO_TCP, TCP_USER_TIMEOUT, &value, sizeof(value));
}

void Stream::close(bool reset) {
    if (closing_) {
        return;
    }
    closing_ = true;
    if (reset) {
        // A shutdown would send FIN, an orderly end, before close() can send RST.
        reset_at_close(socket_.get());
        for (const Op* op : {&receive_, &send_}) {
            if (op->armed()) {
                ring_.cancel(*op);
            }
        }
    } else if (receive_.armed() || send_.armed()) {
        // Completes whatever is armed: a receive with 0, a send with what was taken or EPIPE.
        ::shutdown(socket_.get(), SHUT_RDWR);
    }
    if (!send_.armed()) {
        output_.clear();
    }
    if (!receive_.armed() && !send_.armed()) {
        ring_.post(joined_);
    }
}

Fd Stream::give_back() {
    if (receive_.armed() || send_.armed() || !output_.empty()) {
        std::abort();  // bytes that the next owner never sees would be lost
    }
    closing_ = true;
    ring_.post(joined_);
    return std::move(socket_);
}

void Stream::join() {
    socket_.reset();
    events_.on_stream_joined();
}

}  // namespace portreeve::uring
