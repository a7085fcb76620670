#include "uring/buffer_ring.h"

#include <sys/mman.h>

#include <cerrno>

namespace portreeve::uring {
namespace {

void* map_pages(std::size_t bytes) {
    void* pages = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return pages == MAP_FAILED ? nullptr : pages;
}

}  // namespace

tl::expected<std::unique_ptr<BufferRing>, int> BufferRing::make(Kernel& kernel, std::uint16_t group,
                                                                Shape shape) {
    std::unique_ptr<BufferRing> made(new BufferRing(kernel, group, shape));
    made->ring_ = static_cast<io_uring_buf_ring*>(map_pages(shape.count * sizeof(io_uring_buf)));
    made->memory_ = static_cast<std::byte*>(map_pages(std::size_t{shape.count} * shape.bytes));
    if (made->ring_ == nullptr || made->memory_ == nullptr) {
        return tl::unexpected(-ENOMEM);
    }
    if (const int rc = kernel.register_buffers(made->ring_, shape.count, group); rc < 0) {
        return tl::unexpected(rc);
    }
    made->registered_ = true;
    for (std::uint32_t id = 0; id < shape.count; ++id) {
        made->give_back(static_cast<std::uint16_t>(id));
    }
    return made;
}

BufferRing::~BufferRing() {
    if (registered_) {
        kernel_.unregister_buffers(group_);
    }
    if (ring_ != nullptr) {
        munmap(ring_, shape_.count * sizeof(io_uring_buf));
    }
    if (memory_ != nullptr) {
        munmap(memory_, std::size_t{shape_.count} * shape_.bytes);
    }
}

void BufferRing::give_back(std::uint16_t id) {
    io_uring_buf_ring_add(ring_, buffer(id).data(), shape_.bytes, id,
                          io_uring_buf_ring_mask(shape_.count), 0);
    io_uring_buf_ring_advance(ring_, 1);
}

}  // namespace portreeve::uring
