// An operation in the kernel's hands. An Op lives inside its owner and never moves: its address is
// the `user_data` of the submission, so it is found again without a table and without an
// allocation.
//
// It is armed from submission to its terminal completion (the one without IORING_CQE_F_MORE); the
// ring clears `armed` just before that callback, so that the callback may arm it again. Destroying
// an armed Op is a bug that would let the kernel write into freed memory, so the destructor stops
// the program.
//
// Called by: owners construct and pass it to Ring; only Ring arms and completes it.
// Bounds: 24 bytes; one callback; at most one submission at a time.
#pragma once

#include <liburing.h>

#include <cstdint>
#include <cstdlib>

namespace portreeve::uring {

struct Completion {
    std::int32_t res = 0;  // a count, or -errno
    std::uint32_t flags = 0;

    [[nodiscard]] bool more() const { return (flags & IORING_CQE_F_MORE) != 0; }
    [[nodiscard]] bool has_buffer() const { return (flags & IORING_CQE_F_BUFFER) != 0; }
    // A receive took all there was: a second one would find nothing yet.
    [[nodiscard]] bool socket_drained() const { return (flags & IORING_CQE_F_SOCK_NONEMPTY) == 0; }
    [[nodiscard]] std::uint16_t buffer_id() const {
        return static_cast<std::uint16_t>(flags >> IORING_CQE_BUFFER_SHIFT);
    }
};

class Op {
  public:
    // Op recv_ = Op::to<&Stream::received>(this);
    template <auto Method, class Owner>
    static Op to(Owner* owner) {
        return Op(owner, [](void* self, Completion completion) noexcept {
            (static_cast<Owner*>(self)->*Method)(completion);
        });
    }

    Op(const Op&) = delete;
    Op& operator=(const Op&) = delete;
    Op(Op&&) = delete;
    Op& operator=(Op&&) = delete;
    ~Op() {
        if (armed_) {
            std::abort();  // the kernel still holds this address
        }
    }

    [[nodiscard]] bool armed() const { return armed_; }

  private:
    friend class Ring;
    using Callback = void (*)(void*, Completion) noexcept;

    Op(void* owner, Callback callback) : owner_(owner), callback_(callback) {}

    void arm() {
        if (armed_) {
            std::abort();  // a second submission would make completions ambiguous
        }
        armed_ = true;
    }
    void complete(Completion completion) noexcept {
        armed_ = completion.more();
        callback_(owner_, completion);
    }

    void* owner_;
    Callback callback_;
    bool armed_ = false;
};

}  // namespace portreeve::uring
