#include "uring/timer.h"

namespace portreeve::uring {

std::int64_t TimerHeap::next_due_ms() const {
    return heap_.front()->due_ms_;
}

void TimerHeap::run(std::int64_t now_ms) {
    // No more callbacks than there were timers: one that starts itself again for a time that is due
    // would go on for ever, since now_ms stands still.
    for (std::size_t left = heap_.size(); left > 0 && !heap_.empty(); --left) {
        Timer& timer = *heap_.front();
        if (timer.due_ms_ > now_ms) {
            break;
        }
        erase(timer);
        timer.callback_(timer.owner_);
    }
}

void TimerHeap::insert(Timer& timer) {
    heap_.push_back(&timer);
    timer.index_ = heap_.size() - 1;
    sift_up(timer.index_);
}

void TimerHeap::erase(Timer& timer) {
    const std::size_t hole = timer.index_;
    timer.index_ = Timer::kIdle;
    Timer* last = heap_.back();
    heap_.pop_back();
    if (last == &timer) {
        return;
    }
    place(hole, last);
    sift_up(hole);
    sift_down(last->index_);
}

void TimerHeap::sift_up(std::size_t index) {
    Timer* timer = heap_[index];
    while (index > 0) {
        const std::size_t parent = (index - 1) / 2;
        if (heap_[parent]->due_ms_ <= timer->due_ms_) {
            break;
        }
        place(index, heap_[parent]);
        index = parent;
    }
    place(index, timer);
}

void TimerHeap::sift_down(std::size_t index) {
    Timer* timer = heap_[index];
    for (;;) {
        std::size_t child = 2 * index + 1;
        if (child >= heap_.size()) {
            break;
        }
        if (child + 1 < heap_.size() && heap_[child + 1]->due_ms_ < heap_[child]->due_ms_) {
            ++child;
        }
        if (timer->due_ms_ <= heap_[child]->due_ms_) {
            break;
        }
        place(index, heap_[child]);
        index = child;
    }
    place(index, timer);
}

void TimerHeap::place(std::size_t index, Timer* timer) {
    heap_[index] = timer;
    timer->index_ = index;
}

void Timer::start_at(std::int64_t due_ms) {
    stop();
    due_ms_ = due_ms;
    heap_.insert(*this);
}

void Timer::stop() {
    if (running()) {
        heap_.erase(*this);
    }
}

}  // namespace portreeve::uring
