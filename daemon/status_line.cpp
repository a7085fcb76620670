#include "daemon/status_line.h"

#include <utility>

namespace portreeve::daemon {

void StatusLine::look() {
    if (stopped_ || pause_.running()) {
        return;
    }
    const std::int64_t next_ms = told_ms_ + kPauseMs;
    if (ring_.now_ms() >= next_ms) {
        say();
    } else {
        pause_.start_at(next_ms);
    }
}

const std::string& StatusLine::tell() {
    told_ = events_.status();
    told_ms_ = ring_.now_ms();
    return told_;
}

void StatusLine::say() {
    if (events_.status() != told_) {
        events_.on_status_changed(tell());
    }
}

void StatusLine::stop() {
    stopped_ = true;
    pause_.stop();
}

}  // namespace portreeve::daemon
