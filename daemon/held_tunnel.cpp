#include "daemon/held_tunnel.h"

#include <utility>

namespace portreeve::daemon {

HeldTunnel::HeldTunnel(uring::Ring& ring, Leases::Claim claim, std::int64_t left_ms, Events& events)
    : ring_(ring),
      events_(events),
      lease_(std::move(claim.lease)),
      turn_(claim.turn),
      listeners_open_(claim.sockets.size()) {
    uring::Listener::Events& self = *this;
    for (uring::Fd& socket : claim.sockets) {
        listeners_.push_back(std::make_unique<uring::Listener>(ring, std::move(socket), self));
        listeners_.back()->open();
    }
    over_.start_at(ring_.now_ms() + left_ms);
}

void HeldTunnel::on_accept(uring::Listener&, uring::Fd socket) {
    if (leaving_ || !lease_->held_since(turn_)) {
        events_.on_held_stray(*this, Arrival(std::move(socket)));
    } else {
        wait(Arrival(std::move(socket)));
    }
}

void HeldTunnel::look_again() {
    for (const auto& listener : listeners_) {
        listener->look_again();
    }
}

void HeldTunnel::wait(Arrival visitor) {
    const Rules& rules = events_.held_rules();
    if (rules.hold_ms == 0) {
        events_.on_held_refused(*this, std::move(visitor), "owner_away");
    } else if (waiting_.size() >= rules.waiting_max) {
        events_.on_held_refused(*this, std::move(visitor), "limit_visitors_waiting");
    } else {
        waiting_.push_back({std::move(visitor), ring_.now_ms() + rules.hold_ms});
        if (!patience_.running()) {
            patience_.start_at(waiting_.front().due_ms);
        }
    }
}

void HeldTunnel::patience_over() {
    while (!waiting_.empty() && waiting_.front().due_ms <= ring_.now_ms()) {
        events_.on_held_refused(*this, std::move(waiting_.front().visitor), "owner_away");
        waiting_.pop_front();
    }
    if (!waiting_.empty()) {
        patience_.start_at(waiting_.front().due_ms);
    }
}

void HeldTunnel::lease_over() {
    events_.on_held_over(*this);
}

std::vector<Arrival> HeldTunnel::leave() {
    std::vector<Arrival> visitors;
    for (Waiting& one : waiting_) {
        visitors.push_back(std::move(one.visitor));
    }
    waiting_.clear();
    if (!std::exchange(leaving_, true)) {
        patience_.stop();
        over_.stop();
        for (const auto& listener : listeners_) {
            listener->close();
        }
        if (listeners_open_ == 0) {
            ring_.post(joined_);
        }
    }
    return visitors;
}

void HeldTunnel::on_listener_joined(uring::Listener&) {
    if (--listeners_open_ == 0) {
        ring_.post(joined_);
    }
}

void HeldTunnel::joined() {
    events_.on_held_done(*this);
}

}  // namespace portreeve::daemon
