// Timers: one heap per ring, and the ring's wait ends when the earliest is due. No timeout
// operations in the kernel, nothing to cancel or join.
//
// A Timer lives in its owner, never moves, and is stopped by its destructor. Called by: owners on
// the ring's thread. Bounds: starting a running timer moves it; the heap holds one entry per
// running timer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace portreeve::uring {

class Timer;

class TimerHeap {
  public:
    [[nodiscard]] bool empty() const { return heap_.empty(); }
    // When the earliest timer is due; only while not empty.
    [[nodiscard]] std::int64_t next_due_ms() const;
    // Runs the callbacks of all that are due at `now_ms`.
    void run(std::int64_t now_ms);

  private:
    friend class Timer;
    void insert(Timer& timer);
    void erase(Timer& timer);
    void sift_up(std::size_t index);
    void sift_down(std::size_t index);
    void place(std::size_t index, Timer* timer);

    std::vector<Timer*> heap_;
};

class Timer {
  public:
    template <auto Method, class Owner>
    static Timer to(Owner* owner, TimerHeap& heap) {
        return Timer(heap, owner,
                     [](void* self) noexcept { (static_cast<Owner*>(self)->*Method)(); });
    }

    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;
    Timer(Timer&&) = delete;
    Timer& operator=(Timer&&) = delete;
    ~Timer() { stop(); }

    void start_at(std::int64_t due_ms);
    void stop();
    [[nodiscard]] bool running() const { return index_ != kIdle; }

  private:
    friend class TimerHeap;
    using Callback = void (*)(void*) noexcept;
    static constexpr std::size_t kIdle = static_cast<std::size_t>(-1);

    Timer(TimerHeap& heap, void* owner, Callback callback)
        : heap_(heap), owner_(owner), callback_(callback) {}

    TimerHeap& heap_;
    void* owner_;
    Callback callback_;
    std::int64_t due_ms_ = 0;
    std::size_t index_ = kIdle;
};

}  // namespace portreeve::uring
