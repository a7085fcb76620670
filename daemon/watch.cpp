#include "daemon/watch.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <limits>

#include "conf/values.h"
#include "daemon/login.h"

namespace portreeve::daemon {

void Watch::use(bool followed) {
    if (followed == followed_ || stopping_) {
        return;
    }
    followed_ = followed;
    queue_.want(followed ? conf::all_event_kinds() : std::vector<conf::EventKind>());
    lost_.stop();
    if (followed) {
        static_cast<void>(queue_.take_lost());  // nobody here waited for those
        lost_.start_at(ring_.now_ms() + kLostMs);
    }
}

void Watch::open() {
    ring_.poll(wake_, queue_.descriptor(), POLLIN);
}

void Watch::woken(uring::Completion) {
    if (stopping_) {
        events_.on_watch_idle();
        return;
    }
    eventfd_t count = 0;
    static_cast<void>(!::eventfd_read(queue_.descriptor(), &count));
    open();
    tell_some();
}

void Watch::tell_some() {
    if (tell(kBytesATurn)) {
        ring_.post(more_);
    }
}

bool Watch::tell(std::size_t bytes_max) {
    const auto nothing_is_busy = [](const std::string&) { return false; };
    for (std::size_t bytes = 0; bytes < bytes_max;) {
        const auto news = queue_.take(nothing_is_busy);
        if (!news) {
            return false;
        }
        bytes += news->text.size();
        events_.on_news(news->text);
    }
    return true;
}

// What is lost wakes nobody.
void Watch::look_for_lost() {
    const NewsQueue::Lost lost = queue_.take_lost();
    if (lost.full + lost.flood > 0) {
        events_.on_news(lost_line(lost.full + lost.flood, wall_clock_s()));
    }
    lost_.start_at(ring_.now_ms() + kLostMs);
}

void Watch::stop() {
    tell(std::numeric_limits<std::size_t>::max());
    if (followed_) {
        look_for_lost();
    }
    use(false);
    stopping_ = true;
    ring_.cancel(wake_);
}

}  // namespace portreeve::daemon
