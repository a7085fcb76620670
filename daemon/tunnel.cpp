#include "daemon/tunnel.h"

#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "daemon/indexed.h"
#include "daemon/proxy/endpoints.h"
#include "uring/reset.h"

namespace portreeve::daemon {
namespace {

tl::expected<Visitor::Share, Refusal> not_allowed(const uring::Address& visitor) {
    return tl::unexpected(Refusal{"visitor_not_allowed",
                                  visitor.host() +
                                      " is not among those whom the tunnel's client lets visit it "
                                      "(allow=, deny=)"});
}

}  // namespace

Tunnel::Tunnel(uring::Ring& ring, uring::Stream::Pools pools, ssh::Session& session, Events& events,
               const ssh::ForwardWish& wish, Leases::Claim claim, Owners::Place place)
    : ring_(ring),
      pools_(pools),
      session_(session),
      events_(events),
      place_(std::move(place)),
      lease_(std::move(claim.lease)),
      turn_(claim.turn),
      again_(claim.again),
      taken_from_(std::move(claim.taken_from)),
      requested_(wish.address),
      requested_port_(wish.port),
      port_(lease_->kind() == LeaseKind::http ? static_cast<std::uint16_t>(wish.port)
                                              : lease_->terms().port),
      listeners_open_(claim.sockets.size()),
      rules_before_(std::move(claim.rules)),
      opened_ms_(ring.now_ms()) {
    uring::Listener::Events& self = *this;
    for (uring::Fd& socket : claim.sockets) {
        auto& listener = listeners_.emplace_back(
            std::make_unique<uring::Listener>(ring, std::move(socket), self));
        address_text_ += (address_text_.empty() ? "" : " and ") + listener->address().text();
        listener->open();
    }
    if (listeners_.empty()) {
        address_text_ = lease_->address_text();
    }
    if (lease_->kind() == LeaseKind::http) {
        Target::Events& target_events = *this;
        target_ = std::make_unique<Target>(ring_, session_, requested_, port_, target_events);
    }
}

std::string Tunnel::address_text() const {
    return address_text_;
}

Visitor::Figures Tunnel::figures() const {
    Visitor::Figures sum = left_;
    for (const auto& visitor : visitors_) {
        sum += visitor->figures();
    }
    return sum;
}

void Tunnel::set_rules(TunnelRulesPtr rules) {
    rules_ = std::move(rules);
    if (target_) {
        target_->set_rules(rules_);
    }
}

void Tunnel::leave() {
    if (closing_) {
        return;
    }
    closing_ = true;
    place_.reset();
    if (target_) {
        target_->leave();
    }
    for (const auto& listener : listeners_) {
        listener->close();
    }
    if (listeners_open_ == 0) {
        ring_.post(pass_on_);
    }
}

void Tunnel::cut() {
    leave();
    if (target_) {
        target_->cut();
    }
    for (const auto& visitor : visitors_) {
        visitor->cut();
    }
}

void Tunnel::on_accept(uring::Listener&, uring::Fd socket) {
    if (closing_ || !lease_->held_since(turn_)) {
        unserved_.emplace_back(std::move(socket));
        ring_.post(pass_on_);
        return;
    }
    take_visitor(Arrival(std::move(socket)));
}

void Tunnel::take_visitor(Arrival arrival) {
    auto share = rules_of(rules_).admitted.admits(arrival.from) ? events_.admit_visitor(*this)
                                                                : not_allowed(arrival.from);
    if (!share) {
        uring::reset_at_close(arrival.socket.get());  // it must not take the end for an answer
        events_.on_visitor_turned_away(*this, arrival.from.text(), share.error().code,
                                       share.error().sentence);
        return;
    }
    Visitor::Events& self = *this;
    auto& visitor = visitors_.emplace_back(
        std::make_unique<Visitor>(ring_, pools_, std::move(arrival), std::move(*share), self));
    visitor->index = visitors_.size() - 1;
    ++visitors_total_;
    const TunnelRules::ProxyHeader header = rules_of(rules_).proxy_header;
    if (header != TunnelRules::ProxyHeader::none) {
        const uring::Address at = uring::Address::of_local(visitor->descriptor());
        visitor->set_header(portreeve::daemon::proxy_header(header, visitor->peer(), at));
    }
    events_.on_visitor_open(*this, *visitor);
    visitor->open(session_, requested_, port_);
}

// Passed on in a turn of its own: the session that ends has told the visitor, and not yet us.
void Tunnel::on_visitor_unserved(Visitor&, Arrival arrival) {
    unserved_.push_back(std::move(arrival));
    ring_.post(pass_on_);
}

void Tunnel::pass_on_unserved() {
    events_.on_visitors_unserved(*this, std::exchange(unserved_, {}));
    ring_.post(sweep_);
}

tl::expected<Visitor::Share, Refusal> Tunnel::admit_exchange(const uring::Address& visitor) {
    auto share = events_.admit_visitor(*this);
    if (share) {
        ++visitors_total_;
    } else {
        events_.on_visitor_turned_away(*this, visitor.text(), share.error().code,
                                       share.error().sentence);
    }
    return share;
}

void Tunnel::on_target_failed(const uring::Address& visitor, const Refusal& why) {
    events_.on_visitor_turned_away(*this, visitor.text(), why.code, why.sentence);
    events_.on_target_health(*this, false);
}

void Tunnel::on_target_well() {
    events_.on_target_health(*this, true);
}

void Tunnel::on_accept_pause(uring::Listener&, int error) {
    events_.on_accept_trouble(*this, error);
}

void Tunnel::on_listener_joined(uring::Listener&) {
    if (--listeners_open_ == 0) {
        ring_.post(pass_on_);
    }
}

void Tunnel::look_again() {
    for (const auto& listener : listeners_) {
        listener->look_again();
    }
}

void Tunnel::on_visitor_refused(Visitor& visitor, std::string_view reason) {
    events_.on_visitor_turned_away(*this, visitor.peer().text(), "target_refused", reason);
}

void Tunnel::on_visitor_done(Visitor& visitor) {
    events_.on_visitor_closed(*this, visitor);
    left_ += visitor.figures();
    done_.push_back(take_indexed(visitors_, visitor.index));
    ring_.post(sweep_);
}

void Tunnel::sweep() {
    done_.clear();
    if (closing_ && listeners_open_ == 0 && visitor_count() == 0 && unserved_.empty()) {
        events_.on_tunnel_done(*this);
    }
}

}  // namespace portreeve::daemon
