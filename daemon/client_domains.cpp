// Domains that a client brings along: whether they belong to its key is asked of DNS, which takes
// its time, and libssh wants an answer at once. So the client hears that the forward is granted,
// and it is opened when the proof is there. Where there is none, the client is told why; one that
// has nothing else here, and no other way to hear it, by the end of its session.

#include <algorithm>
#include <utility>

#include "daemon/client.h"

namespace portreeve::daemon {

// False: it is no such wish, or is refused for another reason anyway.
bool Client::asks_proof(const ssh::ForwardWish& wish) {
    const conf::Config& config = policy()->config;
    const auto name = may_forward(*grant_, config, policy()->authorized_keys, wish);
    if (draining_ || !name || !*name || !needs_proof((*name)->host, config.http) ||
        open_tunnels() + unproven_.size() >= config.limits.tunnels_per_session) {
        return false;
    }
    const bool is_asked = std::any_of(unproven_.begin(), unproven_.end(), [&](const Unproven& one) {
        return one.domain == (*name)->host;
    });
    unproven_.push_back({wish, (*name)->host, false});
    if (is_asked) {
        return true;
    }
    DomainDesk& desk = place_.commons.domains;
    const LeaseHolder asker = place_.holder;
    place_.ring.post(
        desk.ring().descriptor(),
        uring::make_message([&desk, asker, domain = (*name)->host, owner = grant_->owner] {
            desk.ask(domain, owner, [&desk, asker, domain](const DomainProofs::Verdict& verdict) {
                desk.ring().post(asker.keeper->ring_descriptor(),
                                 uring::make_message([asker, domain, verdict] {
                                     asker.keeper->on_domain_answer(asker.client, domain, verdict);
                                 }));
            });
        }));
    return true;
}

void Client::hear_domain(const std::string& domain, const DomainProofs::Verdict& verdict) {
    const auto first =
        std::stable_partition(unproven_.begin(), unproven_.end(),
                              [&](const Unproven& one) { return one.domain != domain; });
    const std::vector<Unproven> asked(std::make_move_iterator(first),
                                      std::make_move_iterator(unproven_.end()));
    unproven_.erase(first, unproven_.end());
    for (const Unproven& one : asked) {
        if (session_.ending()) {
            return;
        }
        if (one.is_cancelled) {
            continue;
        }
        if (verdict.kind == DomainProofs::Verdict::Kind::proven) {
            open_or_refuse(one.wish);
        } else {
            give_up(one.wish, {"domain_not_proven", verdict.sentence});
        }
    }
}

void Client::open_or_refuse(const ssh::ForwardWish& wish) {
    if (const auto opened = open_tunnel(wish); opened) {
        tell_opened(wish, **opened);
    } else {
        give_up(wish, opened.error());
    }
}

// The client believes that it was granted.
void Client::give_up(const ssh::ForwardWish& wish, const Refusal& refusal) {
    refuse_forward(wish, refusal);
    if (open_tunnels() == 0 && unproven_.empty() && consoles_.empty() && reaches_.count() == 0) {
        session_.end(refusal.code, refusal.sentence);
    }
}

}  // namespace portreeve::daemon
