// One granted forward: its listening sockets and the visitors that came through them.
//
// Its address is a lease, of which it has the turn until leave(): then its listeners are closed at
// once, but not the lease, and whoever it could not serve belongs to the next holder. Visitors
// already in go on for as long as their channels do, and the tunnel is done when the last one is.
//
// Owns: listeners and visitors. Called by: Client, on its worker's ring; reports on_tunnel_done(),
// after which the Client destroys it. Bounds: [limits] visitors_per_tunnel.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/leases.h"
#include "daemon/proxy/target.h"
#include "daemon/visitor.h"
#include "ssh/session.h"
#include "uring/listener.h"

namespace portreeve::daemon {

class Tunnel final : private uring::Listener::Events,
                     private Visitor::Events,
                     private Target::Events {
  public:
    class Events {
      public:
        Events() = default;
        Events(const Events&) = delete;
        Events& operator=(const Events&) = delete;
        virtual ~Events() = default;
        // One more visitor: what it may use, or why it has to go.
        [[nodiscard]] virtual tl::expected<Visitor::Share, Refusal> admit_visitor(
            const Tunnel& tunnel) = 0;
        virtual void on_visitor_open(Tunnel& tunnel, const Visitor& visitor) = 0;
        virtual void on_visitor_turned_away(Tunnel& tunnel, const std::string& from, ssh::Code code,
                                            std::string_view why) = 0;
        virtual void on_visitor_closed(Tunnel& tunnel, const Visitor& visitor) = 0;
        // Visitors that the lease's holder of now has to serve.
        virtual void on_visitors_unserved(Tunnel& tunnel, std::vector<Arrival> visitors) = 0;
        virtual void on_accept_trouble(Tunnel& tunnel, int error) = 0;
        // The target of an http name does not do what it is there for, or does again.
        virtual void on_target_health(Tunnel& tunnel, bool is_well) = 0;
        // Neither listener nor visitor is left.
        virtual void on_tunnel_done(Tunnel& tunnel) = 0;
    };

    Tunnel(uring::Ring& ring, uring::Stream::Pools pools, ssh::Session& session, Events& events,
           const ssh::ForwardWish& wish, Leases::Claim claim, Owners::Place place);
    Tunnel(const Tunnel&) = delete;
    Tunnel& operator=(const Tunnel&) = delete;
    Tunnel(Tunnel&&) = delete;
    Tunnel& operator=(Tunnel&&) = delete;
    ~Tunnel() override = default;

    // What the client says about visitors, from now on.
    void set_rules(TunnelRulesPtr rules);
    // What its owner said of visitors before this session had it; nullptr: nothing, or forgotten.
    [[nodiscard]] const TunnelRulesPtr& rules_before() const { return rules_before_; }
    void forget_rules_before() { rules_before_ = nullptr; }
    // No new visitors from now on; the lease is the caller's to hold or to end.
    void leave();
    // One that came to the lease's former holder.
    void take_visitor(Arrival arrival);
    // A former holder accepts no more.
    void look_again();
    [[nodiscard]] const LeasePtr& lease() const { return lease_; }
    [[nodiscard]] std::uint64_t turn() const { return turn_; }
    // … and those that are in are cut off.
    void cut();
    [[nodiscard]] bool closing() const { return closing_; }

    // The address as the client wrote it, and the port it got: what a cancel names.
    [[nodiscard]] const std::string& requested_address() const { return requested_; }
    [[nodiscard]] std::uint32_t requested_port() const { return requested_port_; }
    [[nodiscard]] std::uint16_t port() const { return port_; }
    // "127.0.0.1:20001 and [::1]:20001"
    [[nodiscard]] std::string address_text() const;
    [[nodiscard]] const std::string& note() const { return lease_->terms().note; }
    // The owner has had this address before.
    [[nodiscard]] bool again() const { return again_; }
    [[nodiscard]] std::size_t visitor_count() const {
        return visitors_.size() + (target_ ? target_->busy_count() : 0);
    }
    // The client that had it until now; empty: it was taken from nobody.
    [[nodiscard]] const std::string& taken_from() const { return taken_from_; }
    // Of an http name, what its requests go to; nullptr: it is none.
    [[nodiscard]] Target* target() { return target_.get(); }
    // Of all visitors so far, those that are in and those that have left.
    [[nodiscard]] std::uint64_t visitors_total() const { return visitors_total_; }
    [[nodiscard]] Visitor::Figures figures() const;
    [[nodiscard]] std::int64_t opened_ms() const { return opened_ms_; }

  private:
    void on_accept(uring::Listener& listener, uring::Fd socket) override;
    void on_accept_pause(uring::Listener& listener, int error) override;
    void on_listener_joined(uring::Listener& listener) override;
    void on_visitor_refused(Visitor& visitor, std::string_view reason) override;
    void on_visitor_unserved(Visitor& visitor, Arrival arrival) override;
    void on_visitor_done(Visitor& visitor) override;
    [[nodiscard]] tl::expected<Visitor::Share, Refusal> admit_exchange(
        const uring::Address& visitor) override;
    void on_target_failed(const uring::Address& visitor, const Refusal& why) override;
    void on_target_well() override;
    void on_exchange_over(const Visitor::Figures& figures) override { left_ += figures; }
    void on_target_idle() override { ring_.post(sweep_); }
    void pass_on_unserved();
    void sweep();

    uring::Ring& ring_;
    uring::Stream::Pools pools_;
    ssh::Session& session_;
    Events& events_;
    std::optional<Owners::Place> place_;  // until it closes
    LeasePtr lease_;
    std::uint64_t turn_;
    bool again_;
    std::string taken_from_;
    std::string requested_;
    std::uint32_t requested_port_;
    std::uint16_t port_;
    std::string address_text_;
    std::vector<std::unique_ptr<uring::Listener>> listeners_;
    std::size_t listeners_open_;
    TunnelRulesPtr rules_;
    TunnelRulesPtr rules_before_;
    std::unique_ptr<Target> target_;  // of an http name
    std::vector<std::unique_ptr<Visitor>> visitors_;
    std::vector<std::unique_ptr<Visitor>> done_;  // destroyed outside their own callbacks
    std::vector<Arrival> unserved_;
    uring::Task pass_on_ = uring::Task::to<&Tunnel::pass_on_unserved>(this);
    uring::Task sweep_ = uring::Task::to<&Tunnel::sweep>(this);
    std::int64_t opened_ms_;
    std::uint64_t visitors_total_ = 0;
    Visitor::Figures left_;  // what visitors carried that have left
    bool closing_ = false;
};

}  // namespace portreeve::daemon
