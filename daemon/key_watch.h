// Says when the files of keys may have changed, so that they are read again without a signal.
//
//   waiting (for inotify) -> something happened -> looking, until all is quiet -> on_keys_touched
//
// What happens is looked at every kLookMs and no more often, whoever else writes in those folders;
// a burst is over when one look finds nothing more, or after kPatienceMs. A file that is written to
// counts when it is closed: until then it may be half of what it will be.
//
// Owns: the inotify descriptor. Called by: Server, on the main thread's ring; destroyed only when
// idle(). Bounds: the folders of WatchPlaces; kReadsMax a look, and the kernel's own queue, whose
// overflow counts as a change.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "daemon/watch_places.h"
#include "uring/fd.h"
#include "uring/ring.h"
#include "uring/timer.h"

struct inotify_event;

namespace portreeve::daemon {

class KeyWatch final {
  public:
    class Events {
      public:
        Events() = default;
        Events(const Events&) = delete;
        Events& operator=(const Events&) = delete;
        virtual ~Events() = default;
        virtual void on_keys_touched() = 0;
        // After stop(), if it was not idle then.
        virtual void on_key_watch_joined() = 0;
    };

    static constexpr std::int64_t kLookMs = 100;
    static constexpr std::int64_t kPatienceMs = 2'000;

    KeyWatch(uring::Ring& ring, Events& events) : ring_(ring), events_(events) {}
    KeyWatch(const KeyWatch&) = delete;
    KeyWatch& operator=(const KeyWatch&) = delete;
    KeyWatch(KeyWatch&&) = delete;
    KeyWatch& operator=(KeyWatch&&) = delete;
    ~KeyWatch() = default;

    // Watches these files and folders from now on, and no others. To be called before they are
    // read, so that no change falls in between. A sentence that says what is not watched, or "".
    [[nodiscard]] std::string watch(const std::vector<std::string>& paths);
    void stop();
    [[nodiscard]] bool idle() const { return !wait_op_.armed(); }
    // How often it looked, whether or not it found anything.
    [[nodiscard]] std::uint64_t looks() const { return looks_; }

  private:
    static constexpr int kReadsMax = 256;

    [[nodiscard]] std::string add_watches(const WatchPlaces& places);
    void wait();
    void on_wake(uring::Completion completion);
    void look();
    [[nodiscard]] bool read_events();
    [[nodiscard]] bool matters(const inotify_event& event, const char* name);

    uring::Ring& ring_;
    Events& events_;
    uring::Fd inotify_;
    std::unordered_map<int, WatchedNames> watched_;  // by the kernel's number for a folder
    std::optional<std::int64_t> touched_ms_;         // since when there is something to be said
    std::uint64_t looks_ = 0;
    bool stopped_ = false;
    uring::Op wait_op_ = uring::Op::to<&KeyWatch::on_wake>(this);
    uring::Timer look_ = uring::Timer::to<&KeyWatch::look>(this, ring_.timers());
};

}  // namespace portreeve::daemon
