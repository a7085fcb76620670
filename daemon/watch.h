// What happens, told to those who follow it over the control socket, as it happens: the same
// objects that [events] command gets, a line each.
//
//     open() -> woken by the queue -> on_news(), kBytesATurn at a time -> …
//     stop() -> on_news() for what is left -> idle
//
// Owns: nothing but the wait for news. Called by: Control, on the main thread, after the ring is
// enabled; destroyed only while idle. Bounds: those of NewsQueue.
#pragma once

#include <string_view>

#include "daemon/news_queue.h"
#include "uring/ring.h"

namespace portreeve::daemon {

class Watch {
  public:
    // So that what was told leaves before more is, and the main thread has time for others.
    static constexpr std::size_t kBytesATurn = std::size_t{64} * 1024;
    // How often is looked whether some were lost, to tell the number.
    static constexpr std::int64_t kLostMs = 1'000;

    class Events {
      public:
        Events() = default;
        Events(const Events&) = delete;
        Events& operator=(const Events&) = delete;
        virtual ~Events() = default;
        // An object, and the line's end.
        virtual void on_news(std::string_view line) = 0;
        // After stop(): nothing is in the kernel's hands any more.
        virtual void on_watch_idle() = 0;
    };

    Watch(uring::Ring& ring, NewsQueue& queue, Events& events)
        : ring_(ring), queue_(queue), events_(events) {}
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
    Watch(Watch&&) = delete;
    Watch& operator=(Watch&&) = delete;
    ~Watch() = default;

    // Whether anybody follows; news are put together for somebody only.
    void use(bool followed);
    // Takes what comes, from now on.
    void open();
    void stop();
    [[nodiscard]] bool idle() const { return !wake_.armed(); }

  private:
    void woken(uring::Completion completion);
    void tell_some();
    // True: there may be more.
    bool tell(std::size_t bytes_max);
    void look_for_lost();

    uring::Ring& ring_;
    NewsQueue& queue_;
    Events& events_;
    bool followed_ = false;
    bool stopping_ = false;
    uring::Op wake_ = uring::Op::to<&Watch::woken>(this);
    uring::Task more_ = uring::Task::to<&Watch::tell_some>(this);
    uring::Timer lost_ = uring::Timer::to<&Watch::look_for_lost>(this, ring_.timers());
};

}  // namespace portreeve::daemon
