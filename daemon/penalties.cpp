#include "daemon/penalties.h"

#include <algorithm>

namespace portreeve::daemon {
namespace {

// How many that are over one blame forgets: more than the one that it may add, so that the table
// shrinks when offences get rare, and few, so that no blame takes long.
constexpr int kForgottenMax = 4;

}  // namespace

std::string_view name_of(Offence offence) {
    switch (offence) {
        case Offence::auth_failed:
            return "auth_failed";
        case Offence::no_auth:
            return "no_auth";
        case Offence::grace_exceeded:
            return "grace_exceeded";
    }
    return "no_auth";
}

void Penalties::Table::erase_first() {
    by_source.erase(by_end.begin()->second);
    by_end.erase(by_end.begin());
}

std::int64_t Penalties::length_ms(Offence offence) const {
    switch (offence) {
        case Offence::auth_failed:
            return rules_.auth_failed.count();
        case Offence::no_auth:
            return rules_.no_auth.count();
        case Offence::grace_exceeded:
            return rules_.grace_exceeded.count();
    }
    return 0;
}

void Penalties::set_rules(const conf::Penalties& rules) {
    rules_ = rules;
    const std::size_t sources_max = rules.max.count() == 0 ? 0 : rules.sources;
    make_room(v4_, sources_max);
    make_room(v6_, sources_max);
}

void Penalties::make_room(Table& table, std::size_t sources_max) {
    while (table.by_source.size() > sources_max) {
        table.erase_first();
    }
}

bool Penalties::exempts(const conf::AddressBytes& address) const {
    return std::any_of(rules_.exempt.begin(), rules_.exempt.end(),
                       [&](const conf::Network& network) { return network.contains(address); });
}

void Penalties::blame(const Source& source, Offence offence, std::int64_t now_ms) {
    const std::int64_t added_ms = length_ms(offence);
    if (added_ms == 0 || rules_.max.count() == 0) {
        return;
    }
    Table& table = source.is_v4() ? v4_ : v6_;
    for (int count = 0;
         count < kForgottenMax && !table.by_end.empty() && table.by_end.begin()->first <= now_ms;
         ++count) {
        table.erase_first();
    }
    Penalty penalty;
    if (const auto found = table.by_source.find(source); found != table.by_source.end()) {
        table.by_end.erase({found->second.ends_ms, source});
        if (found->second.ends_ms > now_ms) {
            penalty = found->second;
        }
    } else {
        make_room(table, rules_.sources - 1);
    }
    const std::int64_t before_ms = std::max(penalty.ends_ms, now_ms);
    penalty.ends_ms = std::min(before_ms + added_ms, now_ms + rules_.max.count());
    penalty.active = penalty.active || penalty.ends_ms - now_ms > rules_.min.count();
    penalty.last = offence;
    table.by_source[source] = penalty;
    table.by_end.emplace(penalty.ends_ms, source);
}

std::optional<Penalties::Standing> Penalties::refuses(const Source& source,
                                                      std::int64_t now_ms) const {
    const Table& table = this->table(source.is_v4());
    const auto found = table.by_source.find(source);
    if (found == table.by_source.end() || !found->second.active ||
        found->second.ends_ms <= now_ms) {
        return std::nullopt;
    }
    return Standing{found->second.ends_ms - now_ms, found->second.last};
}

}  // namespace portreeve::daemon
