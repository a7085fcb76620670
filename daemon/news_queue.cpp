#include "daemon/news_queue.h"

#include <sys/eventfd.h>

#include <algorithm>
#include <utility>

#include "daemon/login.h"

namespace portreeve::daemon {
namespace {

std::size_t bytes_of(const News& news) {
    return sizeof(News) + news.subject.size() + news.about.size() + news.text.size();
}

}  // namespace

NewsQueue::NewsQueue() : wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
}

void NewsQueue::tell(const TunnelNews& happened) {
    put(news_of(happened, wall_clock_s()));
}

void NewsQueue::tell(const RefusalNews& happened, const Source& source, std::int64_t now_ms) {
    if (ration_.allows(source, happened.why.code, now_ms)) {
        put(news_of(happened, wall_clock_s()));
    }
}

void NewsQueue::put(News news) {
    const bool refusal = news.kind == conf::EventKind::refused;
    const std::size_t bytes = bytes_of(news);
    {
        const std::lock_guard guard(lock_);
        if (!wants(news.kind)) {
            return;  // not any more
        }
        if (bytes_ + bytes > kBytesMax || (refusal && refusals_ >= kRefusals.lines)) {
            ++lost_.full;
        } else {
            bytes_ += bytes;
            refusals_ += refusal ? 1 : 0;
            waiting_.push_back(std::move(news));
        }
    }
    static_cast<void>(!::eventfd_write(wake_.get(), 1));
}

void NewsQueue::want(const std::vector<conf::EventKind>& kinds) {
    unsigned wanted = 0;
    for (const conf::EventKind kind : kinds) {
        wanted |= bit_of(kind);
    }
    const std::lock_guard guard(lock_);
    wanted_.store(wanted, std::memory_order_relaxed);
    std::erase_if(waiting_, [this](const News& news) {
        if (wants(news.kind)) {
            return false;
        }
        bytes_ -= bytes_of(news);
        refusals_ -= news.kind == conf::EventKind::refused ? 1 : 0;
        return true;
    });
}

std::optional<News> NewsQueue::take(const IsBusy& busy) {
    const std::lock_guard guard(lock_);
    const auto found = std::find_if(waiting_.begin(), waiting_.end(),
                                    [&](const News& news) { return !busy(news.subject); });
    if (found == waiting_.end()) {
        return std::nullopt;
    }
    News news = std::move(*found);
    waiting_.erase(found);
    bytes_ -= bytes_of(news);
    refusals_ -= news.kind == conf::EventKind::refused ? 1 : 0;
    return news;
}

bool NewsQueue::empty() const {
    const std::lock_guard guard(lock_);
    return waiting_.empty();
}

void NewsQueue::give_up() {
    const std::lock_guard guard(lock_);
    lost_.full += waiting_.size();
    waiting_.clear();
    bytes_ = 0;
    refusals_ = 0;
}

NewsQueue::Lost NewsQueue::take_lost() {
    std::uint64_t flood = 0;
    for (const auto& [code, count] : ration_.take_held_back()) {
        flood += count;
    }
    const std::lock_guard guard(lock_);
    Lost lost = std::exchange(lost_, {});
    lost.flood = flood;
    return lost;
}

}  // namespace portreeve::daemon
