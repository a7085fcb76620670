#include "daemon/admission.h"

namespace portreeve::daemon {
namespace {

tl::unexpected<Refusal> too_many(ssh::Code code, const std::string& what, const char* limit,
                                 std::uint32_t maximum) {
    return tl::unexpected(Refusal{code, "there are already " + std::to_string(maximum) + " " +
                                            what + " ([limits] " + limit + ")"});
}

// Why connections of a source end before they begin, and for how long.
Refusal penalised(const Source& source, const Penalties::Standing& penalty) {
    const auto left_s = std::to_string((penalty.left_ms + 999) / 1000);
    return {"penalty", "connections from " + source.text() + " are refused for " + left_s +
                           " s more, because earlier ones did not log in ([penalties] " +
                           std::string(name_of(penalty.last)) + ")"};
}

}  // namespace

void Admission::set_penalties(const conf::Penalties& rules) {
    const std::lock_guard guard(lock_);
    penalties_.set_rules(rules);
}

void Admission::set_limits(const conf::Limits& limits) {
    const std::lock_guard guard(lock_);
    limits_ = limits;
}

tl::expected<void, Refusal> Admission::room_for(const Source& source) const {
    const auto found = by_source_.find(source);
    const PerSource from_there = found == by_source_.end() ? PerSource{} : found->second;
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

tl::expected<Admission::Ticket, Refusal> Admission::admit(const uring::Address& peer,
                                                          std::int64_t now_ms) {
    const Source source(peer);
    const std::lock_guard guard(lock_);
    const bool exempt = !source.known() || penalties_.exempts(address_bytes(peer));
    if (const auto penalty = penalties_.refuses(source, now_ms); penalty && !exempt) {
        ++counts_.refused;
        return tl::unexpected(penalised(source, *penalty));
    }
    if (auto room = room_for(source); !room) {
        ++counts_.refused;
        return tl::unexpected(std::move(room.error()));
    }
    PerSource& from_there = by_source_[source];
    ++from_there.sessions;
    ++from_there.startups;
    ++counts_.sessions;
    ++counts_.startups;
    ++counts_.admitted;
    return Ticket(*this, source, exempt);
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
    --admission_->by_source_[source_].startups;
    return {};
}

void Admission::Ticket::blame(Offence offence, std::int64_t now_ms) {
    const std::lock_guard guard(admission_->lock_);
    if (!exempt_) {
        admission_->penalties_.blame(source_, offence, now_ms);
    }
}

bool Admission::Ticket::may_log(std::string_view what, std::int64_t now_ms) {
    return admission_->ration_.allows(source_, what, now_ms);
}

Admission::Ticket::~Ticket() {
    if (admission_ == nullptr) {
        return;
    }
    const std::lock_guard guard(admission_->lock_);
    --admission_->counts_.sessions;
    const auto from_there = admission_->by_source_.find(source_);
    --from_there->second.sessions;
    if (starting_) {
        --admission_->counts_.startups;
        --from_there->second.startups;
    }
    if (from_there->second.sessions == 0) {
        admission_->by_source_.erase(from_there);
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
