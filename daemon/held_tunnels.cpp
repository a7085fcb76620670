#include "daemon/held_tunnels.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "daemon/login.h"
#include "daemon/proxy/web_arrival.h"
#include "daemon/source.h"
#include "daemon/systemd.h"
#include "uring/reset.h"

namespace portreeve::daemon {

void HeldTunnels::use(const conf::Config& config) {
    rules_ = {config.forward.hold.count(), config.limits.visitors_waiting};
    per_owner_max_ = config.limits.leases_per_key;
}

void HeldTunnels::take(Leases::Claim claim, std::vector<Arrival> visitors) {
    const LeasePtr held = claim.lease;
    const Lease& lease = *held;
    if (!lease.held_since(claim.turn)) {
        return;  // its owner was back before this message
    }
    const std::int64_t left_s = std::max<std::int64_t>(0, claim.until_s - wall_clock_s());
    log_.info("tunnel_held", {{"address", lease.address_text()},
                              {"fingerprint", lease.terms().owner},
                              {"user", leases_.label_of(claim.lease)},
                              {"left_s", std::to_string(left_s)},
                              {"why", claim.sockets.empty() && lease.kind() == LeaseKind::tcp
                                          ? "it could not be bound again; who connects there does "
                                            "not reach this server"
                                          : ""}});
    if (draining_) {
        stop_listening(claim);
        part_with(held, std::move(visitors));
    } else {
        make_room(lease.terms().owner, claim.kept_max);
        HeldTunnel::Events& self = *this;
        tunnels_.push_back(
            std::make_unique<HeldTunnel>(ring_, std::move(claim), left_s * 1000, self));
        for (Arrival& visitor : visitors) {
            tunnels_.back()->wait(std::move(visitor));
        }
    }
    events_.on_leases_changed();
}

// Whoever has been away the longest is the least likely to come back.
void HeldTunnels::make_room(const std::string& owner, std::uint32_t kept_max) {
    const bool by_key = kept_max != 0 && kept_max <= per_owner_max_;
    const std::size_t most = by_key ? kept_max : per_owner_max_;
    std::vector<HeldTunnel*> own;
    for (const auto& held : tunnels_) {
        if (!held->leaving() && held->lease()->terms().owner == owner) {
            own.push_back(held.get());
        }
    }
    for (std::size_t at = 0; at + most <= own.size() && at < own.size(); ++at) {
        end(*own[at], {"limit_leases_per_key",
                       by_key ? "the key has more addresses than its max-tunnels lets it keep"
                              : "the key has more addresses than [limits] leases_per_key keeps"});
    }
}

// It went to a worker that had the tunnel when it was sent: none of those is this thread.
void HeldTunnels::on_web_visitor(WebArrival) {
}

HeldTunnel* HeldTunnels::find(const LeasePtr& lease) {
    const auto found = std::find_if(tunnels_.begin(), tunnels_.end(), [&](const auto& held) {
        return held->lease() == lease && !held->leaving();
    });
    return found == tunnels_.end() ? nullptr : found->get();
}

void HeldTunnels::on_lease_taken(const LeasePtr& lease, std::uint64_t, const Refusal&) {
    if (HeldTunnel* held = find(lease); held != nullptr) {
        forward(lease, held->leave());
    }
}

void HeldTunnels::on_lease_visitors(const LeasePtr& lease, std::uint64_t,
                                    std::vector<Arrival> visitors) {
    if (draining_ && leases_.holder_of(lease) == holder()) {
        part_with(lease, std::move(visitors));
        return;
    }
    HeldTunnel* held = find(lease);
    if (held == nullptr || !lease->held_since(held->turn())) {
        forward(lease, std::move(visitors));
        return;
    }
    for (Arrival& visitor : visitors) {
        held->wait(std::move(visitor));
    }
    held->look_again();
}

// To whoever has the lease now; to nobody where that is this thread, which would only be asked
// again.
void HeldTunnels::forward(const LeasePtr& lease, std::vector<Arrival> visitors) {
    if (leases_.holder_of(lease) != holder()) {
        desk_.pass_on(lease, std::move(visitors));
    }
}

void HeldTunnels::on_held_stray(HeldTunnel& held, Arrival visitor) {
    std::vector<Arrival> one;
    one.push_back(std::move(visitor));
    forward(held.lease(), std::move(one));
}

void HeldTunnels::on_held_refused(HeldTunnel& held, Arrival visitor, ssh::Code code) {
    refuse(*held.lease(), std::move(visitor), code);
}

// By RST: whoever waited must not take the end for an answer.
void HeldTunnels::refuse(const Lease& lease, Arrival visitor, ssh::Code code) {
    uring::reset_at_close(visitor.socket.get());
    const std::string_view why =
        code == "owner_away" ? "the tunnel's owner is away ([forward] hold, lease)"
        : code == "stopping" ? "the server is stopping, and the tunnel's owner is away"
                             : "as many visitors wait for the tunnel's owner as [limits] "
                               "visitors_waiting allows";
    refusals_.count(code);
    const bool allowed = ration_.allows(Source(visitor.from), code, ring_.now_ms());
    log_.at(allowed ? Log::Level::info : Log::Level::debug, "visitor_refused",
            {{"code", std::string(code)},
             {"tunnel", lease.address_text()},
             {"visitor", visitor.from.text()},
             {"fingerprint", lease.terms().owner},
             {"why", std::string(why)}});
}

void HeldTunnels::on_held_over(HeldTunnel& held) {
    end(held, {"lease_over", "its owner did not come back in time ([forward] lease)"});
}

void HeldTunnels::end(HeldTunnel& held, const Refusal& why) {
    if (!leases_.end(held.lease(), held.turn(), why)) {
        return;  // its owner is back; on_lease_taken() is under way
    }
    log_.info("lease_ended", {{"address", held.lease()->address_text()},
                              {"fingerprint", held.lease()->terms().owner},
                              {"reason", std::string(why.code)},
                              {"why", why.sentence}});
    for (Arrival& visitor : held.leave()) {
        refuse(*held.lease(), std::move(visitor), "owner_away");
    }
    events_.on_leases_changed();
}

void HeldTunnels::on_held_done(HeldTunnel& held) {
    forward(held.lease(), {});
    std::erase_if(tunnels_, [&](const auto& one) { return one.get() == &held; });
    if (draining_ && tunnels_.empty()) {
        events_.on_held_tunnels_idle();
    }
}

void HeldTunnels::drain(bool sockets_kept) {
    draining_ = true;
    sockets_kept_ = sockets_kept;
    for (const auto& held : tunnels_) {
        if (!sockets_kept && !held->leaving()) {
            leases_.unbind(held->lease());
        }
        part_with(held->lease(), held->leave());
    }
}

// Given to systemd they wait on, and may even be served by the next start.
void HeldTunnels::part_with(const LeasePtr& lease, std::vector<Arrival> visitors) {
    const std::string name = std::string(kVisitorsPrefix) + lease->terms().id;
    std::vector<int> sockets;
    if (lease->kind() == LeaseKind::tcp) {  // else their other ends are in this process too
        for (const Arrival& visitor : visitors) {
            sockets.push_back(visitor.socket.get());
        }
    }
    if (!sockets.empty() && sockets_kept_ && notify::keep_sockets(name, sockets)) {
        return;
    }
    for (Arrival& visitor : visitors) {
        refuse(*lease, std::move(visitor), "stopping");
    }
}

void HeldTunnels::stop_listening(const Leases::Claim& claim) const {
    if (!sockets_kept_) {
        leases_.unbind(claim.lease);
    }
}

std::size_t HeldTunnels::visitors_waiting() const {
    return std::accumulate(tunnels_.begin(), tunnels_.end(), std::size_t{0},
                           [](std::size_t sum, const auto& held) { return sum + held->waiting(); });
}

void HeldTunnels::hear_changed() {
    changed_.store(false);
    events_.on_leases_changed();
}

}  // namespace portreeve::daemon
