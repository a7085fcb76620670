#include "daemon/tunnel.h"

#include <sys/socket.h>

#include <algorithm>
#include <utility>

namespace portreeve::daemon {

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
      requested_(wish.address),
      requested_port_(wish.port),
      port_(lease_->kind() == LeaseKind::http ? static_cast<std::uint16_t>(wish.port)
                                              : lease_->terms().port),
      listeners_open_(claim.sockets.size()),
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

void Tunnel::leave() {
    if (closing_) {
        return;
    }
    closing_ = true;
    place_.reset();
    for (const auto& listener : listeners_) {
        listener->close();
    }
    if (listeners_open_ == 0) {
        ring_.post(pass_on_);
    }
}

void Tunnel::cut() {
    leave();
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
    auto share = events_.admit_visitor(*this);
    if (!share) {
        events_.on_visitor_turned_away(*this, arrival.from.text(), share.error().code,
                                       share.error().sentence);
        return;
    }
    Visitor::Events& self = *this;
    auto& visitor = visitors_.emplace_back(
        std::make_unique<Visitor>(ring_, pools_, std::move(arrival), std::move(*share), self));
    visitor->index = visitors_.size() - 1;
    ++visitors_total_;
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
    const std::size_t index = visitor.index;
    done_.push_back(std::exchange(visitors_[index], nullptr));
    if (index + 1 < visitors_.size()) {
        visitors_[index] = std::move(visitors_.back());
        visitors_[index]->index = index;
    }
    visitors_.pop_back();
    ring_.post(sweep_);
}

void Tunnel::sweep() {
    done_.clear();
    if (closing_ && listeners_open_ == 0 && visitors_.empty() && unserved_.empty()) {
        events_.on_tunnel_done(*this);
    }
}

}  // namespace portreeve::daemon
