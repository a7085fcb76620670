// What one of those who want to be told has yet to hear. News of one tunnel are put in under
// Leases' lock, so they are here in the order in which they happened, whatever threads they came
// from.
//
// Refusals have a ration, since strangers cause them, and at most kRefusalsMax of them wait; so
// they take no room from what is told of tunnels. What is not taken is counted.
//
// Owns: the news that wait, and the descriptor that wakes who takes them. Called by: NewsBoard, on
// all threads (wants(), tell()); the reader, on the main thread (the rest); it has a lock of its
// own, and nothing is waited for. Bounds: kBytesMax of text in all; kRefusals.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "conf/config.h"
#include "daemon/news.h"
#include "daemon/ration.h"
#include "daemon/source.h"
#include "uring/fd.h"

namespace portreeve::daemon {

class NewsQueue {
  public:
    // Some eight thousand tunnels that come or go at once.
    static constexpr std::size_t kBytesMax = 4 << 20;
    // A minute's; from one source a few.
    static constexpr Ration::Rules kRefusals{30, 5};

    // What nobody will be told.
    struct Lost {
        std::uint64_t full = 0;   // there was no room
        std::uint64_t flood = 0;  // refusals beyond their ration
    };

    NewsQueue();
    NewsQueue(const NewsQueue&) = delete;
    NewsQueue& operator=(const NewsQueue&) = delete;
    NewsQueue(NewsQueue&&) = delete;
    NewsQueue& operator=(NewsQueue&&) = delete;
    ~NewsQueue() = default;

    // Worth asking before news are put together.
    [[nodiscard]] bool wants(conf::EventKind kind) const {
        return (wanted_.load(std::memory_order_relaxed) & bit_of(kind)) != 0;
    }
    void tell(const TunnelNews& happened);
    void tell(const RefusalNews& happened, const Source& source, std::int64_t now_ms);

    // These are wanted from now on. What waits and is of another kind is forgotten.
    void want(const std::vector<conf::EventKind>& kinds);
    // The oldest whose subject is not `busy`.
    using IsBusy = std::function<bool(const std::string& subject)>;
    [[nodiscard]] std::optional<News> take(const IsBusy& busy);
    [[nodiscard]] bool empty() const;
    // Drops all, as lost.
    void give_up();
    // Since this was last asked.
    [[nodiscard]] Lost take_lost();
    // An eventfd, which counts when something comes.
    [[nodiscard]] int descriptor() const { return wake_.get(); }

  private:
    static constexpr unsigned bit_of(conf::EventKind kind) {
        return 1U << static_cast<unsigned>(kind);
    }
    void put(News news);

    std::atomic<unsigned> wanted_{0};
    uring::Fd wake_;
    Ration ration_{kRefusals};
    mutable std::mutex lock_;
    std::deque<News> waiting_;
    std::size_t bytes_ = 0;
    std::uint32_t refusals_ = 0;  // that wait
    Lost lost_;
};

}  // namespace portreeve::daemon
