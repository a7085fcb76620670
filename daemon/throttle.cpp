#include "daemon/throttle.h"

#include <algorithm>
#include <limits>

namespace portreeve::daemon {

void Throttle::set_rate(std::uint64_t bytes_per_s, std::shared_ptr<const Owners::Usage> usage) {
    constexpr std::uint64_t kRateMax = std::uint64_t{1} << 40;  // so that no product overflows
    const bool begins = rate_ == 0;
    rate_ = std::min(bytes_per_s, kRateMax);
    usage_ = std::move(usage);
    if (begins) {
        filled_ms_ = ring_.now_ms() - kBurstMs;  // a full bucket
        millibytes_ = 0;
    }
    wake();
}

std::int64_t Throttle::bytes_per_s() const {
    const std::uint64_t sessions = usage_ ? std::max(usage_->sessions(), 1U) : 1;
    return static_cast<std::int64_t>(std::max<std::uint64_t>(rate_ / sessions, 1));
}

void Throttle::refill() {
    const std::int64_t rate = bytes_per_s();
    const std::int64_t now_ms = ring_.now_ms();
    const std::int64_t full = std::max<std::int64_t>(rate * kBurstMs, 1000);
    millibytes_ += rate * std::min<std::int64_t>(now_ms - filled_ms_, 3'600'000);
    millibytes_ = std::min(millibytes_, full);
    filled_ms_ = now_ms;
}

std::size_t Throttle::allowance() {
    if (rate_ == 0) {
        return std::numeric_limits<std::size_t>::max();
    }
    refill();
    return millibytes_ > 0 ? static_cast<std::size_t>(millibytes_ / 1000) : 0;
}

void Throttle::spend(std::size_t bytes) {
    if (rate_ != 0) {
        millibytes_ -= static_cast<std::int64_t>(bytes) * 1000;
    }
}

void Throttle::wait(uring::Task& task) {
    if (std::find(waiting_.begin(), waiting_.end(), &task) == waiting_.end()) {
        waiting_.push_back(&task);
    }
    if (!timer_.running()) {
        const std::int64_t owed = std::max<std::int64_t>(1000 - millibytes_, 1);
        const std::int64_t repaid_ms = owed / bytes_per_s() + 1;
        timer_.start_at(ring_.now_ms() + std::max(repaid_ms, kRefillMs));
    }
}

void Throttle::leave(const uring::Task& task) {
    std::erase(waiting_, &task);
}

void Throttle::wake() {
    for (uring::Task* task : std::exchange(waiting_, {})) {
        ring_.post(*task);
    }
}

}  // namespace portreeve::daemon
