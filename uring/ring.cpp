#include "uring/ring.h"

#include <algorithm>
#include <cerrno>

namespace portreeve::uring {
namespace {

std::uint64_t address_of(const void* object) {
    return reinterpret_cast<std::uintptr_t>(object);
}

// Why a message came back. A ring that is gone, or whose thread has ended, takes nothing any more.
bool may_arrive_later(int error) {
    switch (error) {
        case -EOVERFLOW:  // its completion queue is full
        case -EBADFD:     // it is not enabled yet
        case -ENOMEM:
        case -EAGAIN:
        case -EINTR:
            return true;
        default:
            return false;
    }
}

}  // namespace

Ring::Ring(std::unique_ptr<Kernel> kernel)
    : kernel_(std::move(kernel)), now_ms_(kernel_->now_ms()) {
}

// Sends what was posted, and frees the messages that come after the last turn or cannot leave.
Ring::~Ring() {
    int rc = 0;
    std::size_t count = 0;
    do {
        submit_parked();
        rc = kernel_->submit_and_wait(0);
        count = kernel_->reap(batch_);
        for (const Cqe& cqe : std::span(batch_).first(count)) {
            free_message(cqe.user_data);
        }
    } while (count > 0 || rc == -EINTR);
    for (const io_uring_sqe& sqe : parked_) {
        free_message(sqe.user_data);
    }
}

void Ring::free_message(std::uint64_t user_data) {
    if ((user_data & kTagMask) != kOp) {
        auto* const message = reinterpret_cast<Message*>(user_data & ~std::uint64_t{kTagMask});
        message->target_.load(std::memory_order_acquire);  // it may come from another thread
        delete message;
    }
}

int Ring::run() {
    while (!stopping_) {
        if (const int rc = turn(true); rc < 0) {
            return rc;
        }
    }
    return turn(false);  // hands over the last messages to other rings
}

int Ring::turn(bool may_wait) {
    figures_.turns.add(1);
    tasks_.run();
    submit_parked();
    const int rc = kernel_->submit_and_wait(may_wait && !stopping_ ? wait_ms() : 0);
    // EBUSY, EAGAIN: the completion queue overflowed or memory is short; reaping is the cure.
    if (rc < 0 && rc != -EBUSY && rc != -EAGAIN && rc != -EINTR) {
        return rc;
    }
    now_ms_ = kernel_->now_ms();
    if (kernel_->completions_overflowed()) {
        figures_.overflows.add(1);
    }
    std::size_t completions = 0;
    for (;;) {
        const std::size_t count = kernel_->reap(batch_);
        completions += count;
        for (const Cqe& cqe : std::span(batch_).first(count)) {
            dispatch(cqe);
        }
        if (count < batch_.size()) {
            break;
        }
    }
    figures_.completions.add(completions);
    figures_.per_turn.observe(completions);
    timers_.run(now_ms_);
    return 0;
}

std::int64_t Ring::wait_ms() const {
    if (!tasks_.empty() || !parked_.empty()) {
        return 0;
    }
    if (timers_.empty()) {
        return -1;
    }
    return std::max<std::int64_t>(0, timers_.next_due_ms() - kernel_->now_ms());
}

void Ring::dispatch(const Cqe& cqe) {
    if (cqe.user_data == 0) {
        return;  // a cancellation's own answer: the operation it named says how it ended
    }
    auto* const address = reinterpret_cast<void*>(cqe.user_data & ~std::uint64_t{kTagMask});
    switch (cqe.user_data & kTagMask) {
        case kDelivered: {
            const std::unique_ptr<Message> message(static_cast<Message*>(address));
            message->target_.load(std::memory_order_acquire);
            message->deliver();
            break;
        }
        case kUndelivered:
            // Only failures are reported here.
            if (may_arrive_later(cqe.res)) {
                figures_.resent_messages.add(1);
                auto* const message = static_cast<Message*>(address);
                submit_message(message->target_.load(std::memory_order_relaxed), message);
            } else {
                free_message(cqe.user_data);
            }
            break;
        default:
            static_cast<Op*>(address)->complete({cqe.res, cqe.flags});
            break;
    }
}

io_uring_sqe& Ring::next_sqe() {
    if (parked_.empty()) {
        if (io_uring_sqe* sqe = kernel_->next_sqe(); sqe != nullptr) {
            return *sqe;
        }
        kernel_->submit();
        if (io_uring_sqe* sqe = kernel_->next_sqe(); sqe != nullptr) {
            return *sqe;
        }
    }
    figures_.parked.add(1);
    return parked_.emplace_back();
}

void Ring::submit_parked() {
    while (!parked_.empty()) {
        io_uring_sqe* sqe = kernel_->next_sqe();
        if (sqe == nullptr) {
            kernel_->submit();
            sqe = kernel_->next_sqe();
            if (sqe == nullptr) {
                return;
            }
        }
        *sqe = parked_.front();
        parked_.pop_front();
    }
}

void Ring::accept_each(Op& op, int listener) {
    op.arm();
    io_uring_sqe& sqe = next_sqe();
    io_uring_prep_multishot_accept(&sqe, listener, nullptr, nullptr, SOCK_CLOEXEC);
    sqe.user_data = address_of(&op);
}

void Ring::receive(Op& op, int socket, std::uint16_t buffer_group, std::uint32_t bytes_max,
                   bool poll_first) {
    op.arm();
    io_uring_sqe& sqe = next_sqe();
    io_uring_prep_recv(&sqe, socket, nullptr, bytes_max, 0);
    sqe.flags |= IOSQE_BUFFER_SELECT;
    sqe.buf_group = buffer_group;
    sqe.ioprio = poll_first ? IORING_RECVSEND_POLL_FIRST : 0;
    sqe.user_data = address_of(&op);
}

void Ring::send(Op& op, int socket, std::span<const std::byte> bytes) {
    op.arm();
    io_uring_sqe& sqe = next_sqe();
    io_uring_prep_send(&sqe, socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    sqe.user_data = address_of(&op);
}

void Ring::send_message(Op& op, int socket, const msghdr& message) {
    op.arm();
    io_uring_sqe& sqe = next_sqe();
    io_uring_prep_sendmsg(&sqe, socket, &message, MSG_NOSIGNAL);
    sqe.user_data = address_of(&op);
}

void Ring::read(Op& op, int descriptor, std::span<std::byte> into) {
    op.arm();
    io_uring_sqe& sqe = next_sqe();
    io_uring_prep_read(&sqe, descriptor, into.data(), static_cast<unsigned>(into.size()),
                       static_cast<std::uint64_t>(-1));
    sqe.user_data = address_of(&op);
}

void Ring::connect(Op& op, int socket, const Address& address) {
    op.arm();
    io_uring_sqe& sqe = next_sqe();
    io_uring_prep_connect(&sqe, socket, address.data(), address.size());
    sqe.user_data = address_of(&op);
}

void Ring::poll(Op& op, int descriptor, std::uint32_t events) {
    op.arm();
    io_uring_sqe& sqe = next_sqe();
    io_uring_prep_poll_add(&sqe, descriptor, events);
    sqe.user_data = address_of(&op);
}

void Ring::cancel(const Op& op) {
    io_uring_sqe& sqe = next_sqe();
    io_uring_prep_cancel64(&sqe, address_of(&op), 0);
    sqe.flags |= IOSQE_CQE_SKIP_SUCCESS;
    sqe.user_data = 0;
}

void Ring::post(int target, std::unique_ptr<Message> message) {
    submit_message(target, message.release());
}

void Ring::submit_message(int target, Message* message) {
    message->target_.store(target, std::memory_order_release);
    io_uring_sqe& sqe = next_sqe();
    io_uring_prep_msg_ring(&sqe, target, 0, address_of(message) | kDelivered, 0);
    sqe.flags |= IOSQE_CQE_SKIP_SUCCESS;
    sqe.user_data = address_of(message) | kUndelivered;
}

}  // namespace portreeve::uring
