#include "uring/byte_queue.h"

#include <algorithm>
#include <cstring>

namespace portreeve::uring {

SlabPool::~SlabPool() {
    while (cached_ != nullptr) {
        Slab* next = cached_->next;
        delete cached_;
        cached_ = next;
    }
}

SlabPool::Slab* SlabPool::take() {
    if (cached_ == nullptr) {
        return new Slab;
    }
    Slab* slab = cached_;
    cached_ = slab->next;
    --cached_count_;
    slab->next = nullptr;
    slab->begin = slab->end = 0;
    return slab;
}

void SlabPool::give_back(Slab* slab) {
    if (cached_count_ >= kCachedMax) {
        delete slab;
        return;
    }
    slab->next = cached_;
    cached_ = slab;
    ++cached_count_;
}

void ByteQueue::append(std::span<const std::byte> bytes) {
    size_ += bytes.size();
    while (!bytes.empty()) {
        if (tail_ == nullptr || tail_->end == sizeof(tail_->bytes)) {
            SlabPool::Slab* slab = pool_.take();
            (tail_ == nullptr ? head_ : tail_->next) = slab;
            tail_ = slab;
        }
        const std::size_t part = std::min(bytes.size(), sizeof(tail_->bytes) - tail_->end);
        std::memcpy(tail_->bytes + tail_->end, bytes.data(), part);
        tail_->end += part;
        bytes = bytes.subspan(part);
    }
}

std::size_t ByteQueue::gather(std::span<iovec> pieces) const {
    std::size_t used = 0;
    for (SlabPool::Slab* slab = head_; slab != nullptr && used < pieces.size(); slab = slab->next) {
        pieces[used++] = {slab->bytes + slab->begin, slab->end - slab->begin};
    }
    return used;
}

void ByteQueue::consume(std::size_t bytes) {
    size_ -= bytes;
    while (bytes > 0) {
        const std::size_t part = std::min(bytes, head_->end - head_->begin);
        head_->begin += part;
        bytes -= part;
        if (head_->begin == head_->end) {
            SlabPool::Slab* emptied = head_;
            head_ = head_->next;
            if (head_ == nullptr) {
                tail_ = nullptr;
            }
            pool_.give_back(emptied);
        }
    }
}

}  // namespace portreeve::uring
