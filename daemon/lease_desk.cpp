#include "daemon/lease_desk.h"

#include <memory>
#include <utility>

#include "daemon/held_tunnels.h"
#include "daemon/login.h"
#include "daemon/names.h"

namespace portreeve::daemon {

// `call` is made with the keeper, on its own thread.
template <class Call>
void LeaseDesk::post(LeaseKeeper& keeper, Call call) {
    ring_.post(keeper.ring_descriptor(),
               uring::make_message([&keeper, made = std::move(call)]() mutable { made(keeper); }));
}

tl::expected<Leases::Claim, Refusal> LeaseDesk::claim(const Leases::Claimant& who,
                                                      const ssh::ForwardWish& wish,
                                                      const conf::Forward& rules,
                                                      const HttpName* http,
                                                      const std::string& why) {
    std::vector<Leases::Displaced> ended;
    auto claim = leases_.claim(who, wish, rules, http, &ended);
    if (!claim) {
        if (!ended.empty()) {
            tell(ended, {"taken_over", why});
            tell_changed();
        }
        return claim;
    }
    tell(claim->displaced, {"taken_over", why});
    tell_changed();
    return claim;
}

void LeaseDesk::tell(const std::vector<Leases::Displaced>& displaced, const Refusal& why) {
    for (const Leases::Displaced& one : displaced) {
        post(*one.holder.keeper,
             [lease = one.lease, client = one.holder.client, why](LeaseKeeper& keeper) {
                 keeper.on_lease_taken(lease, client, why);
             });
    }
}

std::size_t LeaseDesk::kick(const std::string& owner, const std::string& called,
                            const std::string& why) {
    const Refusal reason{"kicked", why};
    const auto kicked = leases_.kick(owner, called, reason);
    tell(kicked, reason);
    if (!kicked.empty()) {
        tell_changed();
    }
    return kicked.size();
}

std::function<void(uring::Fd)> LeaseDesk::carrier_to(const LeasePtr& lease,
                                                     const uring::Address& from) {
    return [this, lease, from](uring::Fd visitor) {
        std::vector<Arrival> one;
        one.emplace_back(std::move(visitor), from);
        pass_on(lease, std::move(one));
    };
}

void LeaseDesk::reserve(const std::string& name) {
    const auto displaced = leases_.reserve(name);
    if (!displaced.empty()) {
        tell(displaced, {"kicked", servers_own_name(name).sentence});
        tell_changed();
    }
}

bool LeaseDesk::hold(const LeasePtr& lease, std::uint64_t turn, std::int64_t lease_s,
                     std::uint32_t kept_max, const Refusal& why) {
    auto claim = leases_.hold(lease, turn, held_.holder(), wall_clock_s() + lease_s, why);
    if (!claim) {
        return false;
    }
    claim->kept_max = kept_max;
    ring_.post(held_.ring_descriptor(),
               uring::make_message([&held = held_, taken = std::move(*claim)]() mutable {
                   held.take(std::move(taken));
               }));
    return true;
}

void LeaseDesk::note_error(const LeasePtr& lease, const Refusal& error) {
    if (leases_.note_error(lease, error)) {
        tell_changed();
    }
}

bool LeaseDesk::end(const LeasePtr& lease, std::uint64_t turn, const Refusal& why) {
    const bool ended = leases_.end(lease, turn, why);
    if (ended) {
        tell_changed();
    }
    return ended;
}

void LeaseDesk::pass_on(const LeasePtr& lease, std::vector<Arrival> visitors) {
    const auto holder = leases_.holder_of(lease);
    if (!holder) {
        return;
    }
    post(*holder->keeper, [lease, client = holder->client,
                           passed = std::move(visitors)](LeaseKeeper& keeper) mutable {
        keeper.on_lease_visitors(lease, client, std::move(passed));
    });
}

std::vector<LeaseHolder> LeaseDesk::ask_siblings(const Leases::Claimant& who) {
    std::vector<LeaseHolder> siblings = leases_.siblings(who);
    for (const LeaseHolder& sibling : siblings) {
        post(*sibling.keeper, [client = sibling.client, asker = who.holder](LeaseKeeper& keeper) {
            keeper.on_life_asked(client, asker);
        });
    }
    return siblings;
}

void LeaseDesk::show_life(const LeaseHolder& asker, const LeaseHolder& sibling) {
    post(*asker.keeper, [client = asker.client, sibling](LeaseKeeper& keeper) {
        keeper.on_life_shown(client, sibling);
    });
}

void LeaseDesk::tell_changed() {
    if (held_.changed_unheard()) {
        return;  // a message about it is under way already
    }
    ring_.post(held_.ring_descriptor(),
               uring::make_message([&held = held_] { held.hear_changed(); }));
}

}  // namespace portreeve::daemon
