// What happens, for all who want to be told of it: [events] command, and those who watch over the
// control socket. Each has a queue of its own, so that neither waits for the other.
//
// Owns: the queues. Called by: all threads, wherever something happens; who reads a queue, on the
// main thread. Bounds: those of NewsQueue, for each.
#pragma once

#include <array>
#include <cstdint>

#include "daemon/news_queue.h"

namespace portreeve::daemon {

class NewsBoard {
  public:
    // Worth asking before news are put together.
    [[nodiscard]] bool wants(conf::EventKind kind) const {
        return for_command_.wants(kind) || for_watch_.wants(kind);
    }
    void tell(const TunnelNews& happened);
    void tell(const RefusalNews& happened, const Source& source, std::int64_t now_ms);

    [[nodiscard]] NewsQueue& for_command() { return for_command_; }
    [[nodiscard]] NewsQueue& for_watch() { return for_watch_; }

  private:
    NewsQueue for_command_;
    NewsQueue for_watch_;
    const std::array<NewsQueue*, 2> queues_ = {&for_command_, &for_watch_};
};

}  // namespace portreeve::daemon
