#include "daemon/tunnel_sockets.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

namespace portreeve::daemon {
namespace {

constexpr int kBacklog = 512;

// What a client is told of where such a visitor comes from: RFC 4254 has nothing but IP addresses.
uring::Address here() {
    return *uring::Address::parse("127.0.0.1", 0);
}

}  // namespace

bool TunnelSockets::use(const std::optional<Rules>& rules) {
    if (rules_ == rules) {
        return false;
    }
    rules_ = rules;
    update({});
    return true;
}

void TunnelSockets::update(const std::vector<NamedTunnel>& tunnels) {
    std::map<std::string, const NamedTunnel*> missing;
    for (const NamedTunnel& tunnel : tunnels) {
        if (rules_) {
            missing.emplace(tunnel.entry.id, &tunnel);
        }
    }
    for (auto at = sockets_.begin(); at != sockets_.end();) {
        if (missing.erase(at->first) == 0) {
            shut(std::move(at->second));
            at = sockets_.erase(at);
        } else {
            ++at;
        }
    }
    if (missing.empty()) {
        return;
    }
    for (const LeasePtr& lease : leases_.all()) {
        if (const auto found = missing.find(lease->terms().id); found != missing.end()) {
            open(*found->second, lease);
        }
    }
}

void TunnelSockets::open(const NamedTunnel& tunnel, const LeasePtr& lease) {
    const UnixListenerPlace place{folder_, tunnel.name + ".sock", rules_->mode, rules_->group};
    auto made = listen_at(place, kBacklog);
    if (!made) {
        if (std::exchange(failure_, made.error()) != made.error()) {
            log_.warning("socket_not_served", {{"why", made.error()}});
        }
        return;
    }
    uring::Listener::Events& self = *this;
    auto listener = std::make_unique<uring::Listener>(ring_, std::move(*made), self);
    listener->open();
    sockets_.emplace(tunnel.entry.id, Socket{lease, place.path(), std::move(listener)});
}

void TunnelSockets::shut(Socket socket) {
    ::unlink(socket.path.c_str());
    socket.listener->close();
    closing_.push_back(std::move(socket));
}

void TunnelSockets::on_accept(uring::Listener& listener, uring::Fd socket) {
    const auto found = std::find_if(sockets_.begin(), sockets_.end(), [&](const auto& one) {
        return one.second.listener.get() == &listener;
    });
    if (found == sockets_.end()) {
        return;  // its tunnel has ended
    }
    std::vector<Arrival> one;
    one.emplace_back(std::move(socket), here());
    desk_.pass_on(found->second.lease, std::move(one));
}

void TunnelSockets::on_listener_joined(uring::Listener& listener) {
    const auto found = std::find_if(closing_.begin(), closing_.end(), [&](const Socket& one) {
        return one.listener.get() == &listener;
    });
    found->path.clear();
    ring_.post(sweep_);
}

void TunnelSockets::sweep() {
    std::erase_if(closing_, [](const Socket& socket) { return socket.path.empty(); });
    if (joined()) {
        events_.on_tunnel_sockets_joined();
    }
}

void TunnelSockets::close() {
    rules_.reset();
    update({});
}

}  // namespace portreeve::daemon
