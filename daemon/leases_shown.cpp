// Leases as others see them: the records that are kept of them, the entries that are shown, the
// news that are told.

#include <set>
#include <tuple>

#include "daemon/leases.h"
#include "daemon/wish_text.h"

namespace portreeve::daemon {
namespace {

// One that is too long to be kept names nobody after a restart.
std::string kept_text(const ssh::Audience& audience) {
    std::string text = audience.text();
    return text.size() > kLeaseAudienceBytesMax ? std::string() : text;
}

}  // namespace

void Leases::tell(conf::EventKind kind, const Lease& lease, const Refusal* why,
                  const std::string& former_client) const {
    if (news_ != nullptr && news_->wants(kind)) {
        news_->tell({kind, entry_of(lease), why, former_client});
    }
}

std::vector<LeaseRecord> Leases::records() const {
    const Lock guard(lock_);
    std::vector<LeaseRecord> records;
    records.reserve(leases_.size());
    std::set<
        std::tuple<std::string, std::string, std::string, std::uint16_t, std::string, std::string>>
        claims;
    for (const LeasePtr& lease : leases_) {
        const Lease::Terms& terms = lease->terms();
        LeaseRecord record{terms.id,
                           terms.owner,
                           lease->label_,
                           terms.requested,
                           terms.requested_port,
                           terms.port,
                           terms.hosts,
                           terms.note,
                           lease->held_until_s_,
                           kept_text(lease->name_rules_.reach),
                           kept_text(lease->name_rules_.share),
                           text_of(rules_of(lease->rules_said_).admitted.allow),
                           text_of(rules_of(lease->rules_said_).admitted.deny),
                           terms.host,
                           terms.path};
        if (lease->kind() == LeaseKind::http) {
            record.requested_port = record.port = lease->asked_port_;
        }
        // Or none of the others could be kept either.
        const bool is_new = claims
                                .emplace(record.owner, record.label, record.requested, record.port,
                                         record.host, record.path)
                                .second;
        if (is_new && records.size() < kLeasesMax && why_not_storable(record).empty()) {
            records.push_back(std::move(record));
        }
    }
    return records;
}

TunnelEntry Leases::entry_of(const Lease& lease) const {
    const Lease::Terms& terms = lease.terms();
    TunnelEntry entry{terms.id,
                      lease.label_,
                      lease.kind(),
                      lease.label_,
                      terms.owner,
                      wish_text(terms.requested, terms.requested_port),
                      "",
                      terms.hosts,
                      terms.port,
                      "",
                      lease.client_,
                      lease.since_s_,
                      lease.held_until_s_ != 0,
                      lease.error_,
                      lease.error_s_,
                      lease.traffic_.figures()};
    switch (lease.kind()) {
        case LeaseKind::tcp:
            entry.address = terms.hosts.front();
            break;
        case LeaseKind::name:
            entry.name = entry.address = terms.requested;
            break;
        case LeaseKind::http:
            entry.name = urls_.name(terms.host);
            entry.address = terms.host;
            entry.requested = wish_text(terms.requested, lease.asked_port_);
            entry.port = lease.asked_port_;
            entry.url = urls_.text(terms.host, terms.path);
            break;
    }
    return entry;
}

std::vector<LeasePtr> Leases::all() const {
    const Lock guard(lock_);
    return {leases_.begin(), leases_.end()};
}

std::vector<TunnelEntry> Leases::entries(const std::string& owner) const {
    const Lock guard(lock_);
    std::vector<TunnelEntry> entries;
    entries.reserve(owner.empty() ? leases_.size() : 0);
    for (const LeasePtr& lease : leases_) {
        if (owner.empty() || lease->terms().owner == owner) {
            entries.push_back(entry_of(*lease));
        }
    }
    return entries;
}

std::vector<Leases::Displaced> Leases::kick(const std::string& owner, const std::string& called,
                                            const Refusal& why) {
    const Lock guard(lock_);
    std::vector<Displaced> kicked;
    for (const LeasePtr& lease : leases_) {
        if ((owner.empty() || lease->terms().owner == owner) &&
            entry_of(*lease).is_called(called)) {
            kicked.push_back({lease, lease->holder_});
        }
    }
    for (const Displaced& one : kicked) {
        drop(one.lease, why);
    }
    return kicked;
}

}  // namespace portreeve::daemon
