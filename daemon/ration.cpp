#include "daemon/ration.h"

#include <utility>

namespace portreeve::daemon {

bool Ration::allows(const Source& source, std::string_view what, std::int64_t now_ms) {
    const std::lock_guard guard(lock_);
    if (now_ms >= ends_ms_) {
        ends_ms_ = now_ms + kPeriodMs;
        lines_ = 0;
        by_source_.clear();
    }
    if (lines_ < rules_.lines) {
        if (std::uint32_t& from_there = by_source_[source]; from_there < rules_.lines_per_source) {
            ++from_there;
            ++lines_;
            return true;
        }
    }
    ++held_back_[what];
    return false;
}

Ration::HeldBack Ration::take_held_back() {
    const std::lock_guard guard(lock_);
    return std::exchange(held_back_, {});
}

}  // namespace portreeve::daemon
