// Receive buffers that the kernel picks from when data arrives, so that an idle connection holds
// none.
//
// A buffer never outlives the callback it came with: take() lends it, the Loan's end gives it back.
// Because of that rule, -ENOBUFS needs no waiting list: by the time the next batch is submitted,
// all buffers are back, and the receive that got it is simply armed again.
//
// Owns: the memory and its registration. Called by: Stream, on the ring's thread.
// Bounds: count x bytes; memory is touched by the kernel in turn, so all of it becomes resident.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include <tl/expected.hpp>

#include "uring/kernel.h"
#include "uring/op.h"

namespace portreeve::uring {

class BufferRing {
  public:
    struct Shape {
        std::uint32_t count = 32;  // a power of two
        std::uint32_t bytes = 64 * 1024;
    };

    // Registers with `kernel`, which must outlive it. -errno when it cannot.
    static tl::expected<std::unique_ptr<BufferRing>, int> make(Kernel& kernel, std::uint16_t group,
                                                               Shape shape);
    BufferRing(const BufferRing&) = delete;
    BufferRing& operator=(const BufferRing&) = delete;
    BufferRing(BufferRing&&) = delete;
    BufferRing& operator=(BufferRing&&) = delete;
    ~BufferRing();

    // One buffer on loan for the length of a callback.
    class Loan {
      public:
        Loan(BufferRing& ring, std::uint16_t id, std::size_t bytes)
            : ring_(ring), id_(id), bytes_(bytes) {}
        Loan(const Loan&) = delete;
        Loan& operator=(const Loan&) = delete;
        Loan(Loan&&) = delete;
        Loan& operator=(Loan&&) = delete;
        ~Loan() { ring_.give_back(id_); }
        [[nodiscard]] std::span<std::byte> bytes() const { return ring_.buffer(id_).first(bytes_); }

      private:
        BufferRing& ring_;
        std::uint16_t id_;
        std::size_t bytes_;
    };
    // What a completion brought; call only when completion.has_buffer().
    [[nodiscard]] Loan take(Completion completion) {
        const auto count = completion.res > 0 ? static_cast<std::size_t>(completion.res) : 0;
        return {*this, completion.buffer_id(), count};
    }

    [[nodiscard]] std::uint16_t group() const { return group_; }
    [[nodiscard]] std::uint32_t buffer_bytes() const { return shape_.bytes; }

  private:
    BufferRing(Kernel& kernel, std::uint16_t group, Shape shape)
        : kernel_(kernel), shape_(shape), group_(group) {}
    [[nodiscard]] std::span<std::byte> buffer(std::uint16_t id) const {
        return {memory_ + std::size_t{id} * shape_.bytes, shape_.bytes};
    }
    void give_back(std::uint16_t id);

    Kernel& kernel_;
    Shape shape_;
    std::uint16_t group_;
    bool registered_ = false;
    io_uring_buf_ring* ring_ = nullptr;
    std::byte* memory_ = nullptr;
};

}  // namespace portreeve::uring
