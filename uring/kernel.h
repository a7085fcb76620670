// The seam between the ring and the kernel: submission entries in, completions out, and the clock.
// UringKernel is the real one; tests put a seeded fake in its place that shortens, reorders, drops
// F_MORE and runs out of buffers.
//
// Owns: the io_uring instance. Called by: Ring and BufferRing only, on the thread that called
// enable(). Bounds: kSubmissionEntries; the completion queue is kCompletionEntries, and what
// overflows it is kept by the kernel (IORING_FEAT_NODROP) at the price of ending multishot
// operations.
#pragma once

#include <liburing.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include <tl/expected.hpp>

namespace portreeve::uring {

struct Cqe {
    std::uint64_t user_data = 0;
    std::int32_t res = 0;
    std::uint32_t flags = 0;
};

class Kernel {
  public:
    Kernel() = default;
    Kernel(const Kernel&) = delete;
    Kernel& operator=(const Kernel&) = delete;
    Kernel(Kernel&&) = delete;
    Kernel& operator=(Kernel&&) = delete;
    virtual ~Kernel() = default;

    // Makes the calling thread the only one that may submit. 0 or -errno.
    virtual int enable() = 0;
    // A cleared entry, or nullptr while the submission queue is full.
    virtual io_uring_sqe* next_sqe() = 0;
    // Hands the entries over; runs no callback. Returns 0 or -errno.
    virtual int submit() = 0;
    // Submits, then waits for one completion, at most `wait_ms` (0: not at all, <0: for ever).
    virtual int submit_and_wait(std::int64_t wait_ms) = 0;
    // Copies completions out and returns how many; 0 when there are none.
    virtual std::size_t reap(std::span<Cqe> out) = 0;
    // Whether the kernel keeps completions for which the queue has no room.
    [[nodiscard]] virtual bool completions_overflowed() const = 0;
    virtual int register_buffers(io_uring_buf_ring* ring, std::uint32_t entries,
                                 std::uint16_t group) = 0;
    virtual int unregister_buffers(std::uint16_t group) = 0;
    // What MSG_RING names.
    [[nodiscard]] virtual int descriptor() const = 0;
    // A monotonic clock in milliseconds.
    [[nodiscard]] virtual std::int64_t now_ms() const = 0;
};

inline constexpr std::uint32_t kSubmissionEntries = 1024;
inline constexpr std::uint32_t kCompletionEntries = 16384;

// Why no ring can be had here, as a sentence that also says how to allow it.
struct SetupFailure {
    int error = 0;  // -errno
    std::string sentence;
};

// Probes what the engine needs (never by uname) and makes a disabled ring: enable() starts it.
[[nodiscard]] tl::expected<std::unique_ptr<Kernel>, SetupFailure> make_kernel();

}  // namespace portreeve::uring
