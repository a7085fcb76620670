// Bytes on their way to a socket: appended at the tail, handed to the kernel from the head. The
// memory is a chain of slabs from a pool, so that growing copies nothing and an empty queue holds
// nothing.
//
// While a send is in the kernel's hands, the bytes that gather() named stay where they are:
// append() only writes behind them, and only consume() and clear() release slabs.
//
// Owns: its slabs. Called by: one thread. Bounds: none of its own; the owner asks size() before
// append.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <span>

namespace portreeve::uring {

// Slabs that were used before, kept for the next one who needs one. At most kCachedMax are kept.
class SlabPool {
  public:
    static constexpr std::size_t kSlabBytes = std::size_t{16} * 1024;
    static constexpr std::size_t kCachedMax = 64;

    struct Slab {  // NOLINT(cppcoreguidelines-pro-type-member-init): clearing 16 KiB has no use
        Slab* next = nullptr;
        std::size_t begin = 0;
        std::size_t end = 0;
        std::byte bytes[kSlabBytes - 3 * sizeof(std::size_t)];
    };

    SlabPool() = default;
    SlabPool(const SlabPool&) = delete;
    SlabPool& operator=(const SlabPool&) = delete;
    SlabPool(SlabPool&&) = delete;
    SlabPool& operator=(SlabPool&&) = delete;
    ~SlabPool();

    [[nodiscard]] Slab* take();
    void give_back(Slab* slab);
    [[nodiscard]] std::size_t cached() const { return cached_count_; }

  private:
    Slab* cached_ = nullptr;
    std::size_t cached_count_ = 0;
};

class ByteQueue {
  public:
    explicit ByteQueue(SlabPool& pool) : pool_(pool) {}
    ByteQueue(const ByteQueue&) = delete;
    ByteQueue& operator=(const ByteQueue&) = delete;
    ByteQueue(ByteQueue&&) = delete;
    ByteQueue& operator=(ByteQueue&&) = delete;
    ~ByteQueue() { clear(); }

    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] bool empty() const { return size_ == 0; }
    void append(std::span<const std::byte> bytes);
    // Names the bytes at the head in `pieces`; returns how many pieces were used.
    [[nodiscard]] std::size_t gather(std::span<iovec> pieces) const;
    void consume(std::size_t bytes);
    void clear() { consume(size_); }

  private:
    SlabPool& pool_;
    SlabPool::Slab* head_ = nullptr;
    SlabPool::Slab* tail_ = nullptr;
    std::size_t size_ = 0;
};

}  // namespace portreeve::uring
