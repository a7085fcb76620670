#include "daemon/owners.h"

namespace portreeve::daemon {

std::optional<Owners::Place> Owners::Usage::take(std::atomic<std::uint32_t>& count,
                                                 std::uint32_t maximum) {
    if (count.fetch_add(1, std::memory_order_relaxed) >= maximum && maximum != 0) {
        count.fetch_sub(1, std::memory_order_relaxed);
        return std::nullopt;
    }
    return Place(count);
}

std::shared_ptr<Owners::Usage> Owners::usage_of(const std::string& owner) {
    const std::lock_guard guard(lock_);
    std::weak_ptr<Usage>& entry = live_[owner];
    std::shared_ptr<Usage> usage = entry.lock();
    if (!usage) {
        usage = {new Usage, [this, owner](Usage* last) { forget(owner, last); }};
        entry = usage;
    }
    return usage;
}

// Another session of the same owner may have begun, and made a new one, before we had the lock.
void Owners::forget(const std::string& owner, Usage* usage) {
    const std::unique_ptr<Usage> gone(usage);
    const std::lock_guard guard(lock_);
    if (const auto entry = live_.find(owner); entry != live_.end() && entry->second.expired()) {
        live_.erase(entry);
    }
}

std::size_t Owners::count() {
    const std::lock_guard guard(lock_);
    return live_.size();
}

}  // namespace portreeve::daemon
