#include "daemon/admission.h"

namespace portreeve::daemon {
namespace {

tl::unexpected<Refusal> too_many(std::string_view code, const std::string& what, const char* limit,
                                 std::uint32_t maximum) {
    return tl::unexpected(Refusal{code, "there are already " + std::to_string(maximum) + " " +
                                            what + " ([limits] " + limit + ")"});
}

}  // namespace

void Admission::set_limits(const conf::Limits& limits) {
    const std::lock_guard guard(lock_);
    limits_ = limits;
}

tl::expected<void, Refusal> Admission::room_for(const std::string& address) const {
    const auto found = by_address_.find(address);
    const PerAddress from_there = found == by_address_.end() ? PerAddress{} : found->second;
    if (counts_.sessions >= limits_.sessions) {
        return too_many("limit_sessions", "sessions", "sessions", limits_.sessions);
    }
    if (counts_.startups >= limits_.startups) {
        return too_many("limit_startups", "connections that have not logged in", "startups",
                        limits_.startups);
    }
    if (from_there.sessions >= limits_.sessions_per_ip) {
        return too_many("limit_sessions_per_ip", "sessions from this address", "sessions_per_ip",
                        limits_.sessions_per_ip);
    }
    if (from_there.startups >= limits_.startups_per_ip) {
        return too_many("limit_startups_per_ip",
                        "connections from this address that have not logged in", "startups_per_ip",
                        limits_.startups_per_ip);
    }
    return {};
}

tl::expected<Admission::Ticket, Refusal> Admission::admit(const std::string& address) {
    const std::lock_guard guard(lock_);
    if (auto room = room_for(address); !room) {
        ++counts_.refused;
        return tl::unexpected(std::move(room.error()));
    }
    PerAddress& from_there = by_address_[address];
    ++from_there.sessions;
    ++from_there.startups;
    ++counts_.sessions;
    ++counts_.startups;
    ++counts_.admitted;
    return Ticket(*this, address);
}

tl::expected<void, Refusal> Admission::Ticket::log_in(const std::string& fingerprint) {
    const std::lock_guard guard(admission_->lock_);
    std::uint32_t& with_key = admission_->by_key_[fingerprint];
    const std::uint32_t maximum = admission_->limits_.sessions_per_key;
    if (with_key >= maximum) {
        if (with_key == 0) {
            admission_->by_key_.erase(fingerprint);
        }
        ++admission_->counts_.refused;
        return too_many("limit_sessions_per_key", "sessions with this key", "sessions_per_key",
                        maximum);
    }
    ++with_key;
    key_ = fingerprint;
    starting_ = false;
    --admission_->counts_.startups;
    --admission_->by_address_[address_].startups;
    return {};
}

Admission::Ticket::~Ticket() {
    if (admission_ == nullptr) {
        return;
    }
    const std::lock_guard guard(admission_->lock_);
    --admission_->counts_.sessions;
    const auto from_there = admission_->by_address_.find(address_);
    --from_there->second.sessions;
    if (starting_) {
        --admission_->counts_.startups;
        --from_there->second.startups;
    }
    if (from_there->second.sessions == 0) {
        admission_->by_address_.erase(from_there);
    }
    if (const auto with_key = admission_->by_key_.find(key_);
        !key_.empty() && --with_key->second == 0) {
        admission_->by_key_.erase(with_key);
    }
}

Admission::Counts Admission::counts() const {
    const std::lock_guard guard(lock_);
    return counts_;
}

}  // namespace portreeve::daemon
