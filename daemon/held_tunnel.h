// A tunnel whose owner is away: its listeners, and the visitors who wait for the owner.
//
// Visitors are accepted, because the kernel's queue could neither be bounded in time nor tell them
// anything; nothing is read from them. When the owner is back they are handed on and served as if
// they had just come. Who has waited for [forward] hold, or comes when too many wait, is cut off.
//
// Owns: listeners, waiting visitors. Called by: HeldTunnels, on the main thread's ring; reports
// on_held_done(), after which it is destroyed. Bounds: Rules, and the lease's own end.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "daemon/leases.h"
#include "ssh/code.h"
#include "uring/listener.h"
#include "uring/ring.h"

namespace portreeve::daemon {

class HeldTunnel final : private uring::Listener::Events {
  public:
    struct Rules {
        std::int64_t hold_ms = 10'000;  // 0: refused at once
        std::size_t waiting_max = 1'000;
    };
    class Events {
      public:
        Events() = default;
        Events(const Events&) = delete;
        Events& operator=(const Events&) = delete;
        virtual ~Events() = default;
        [[nodiscard]] virtual const Rules& held_rules() const = 0;
        // A visitor who came when the owner had it back already.
        virtual void on_held_stray(HeldTunnel& held, Arrival visitor) = 0;
        virtual void on_held_refused(HeldTunnel& held, Arrival visitor, ssh::Code code) = 0;
        // The lease's time is over.
        virtual void on_held_over(HeldTunnel& held) = 0;
        virtual void on_held_done(HeldTunnel& held) = 0;
    };

    HeldTunnel(uring::Ring& ring, Leases::Claim claim, std::int64_t left_ms, Events& events);
    HeldTunnel(const HeldTunnel&) = delete;
    HeldTunnel& operator=(const HeldTunnel&) = delete;
    HeldTunnel(HeldTunnel&&) = delete;
    HeldTunnel& operator=(HeldTunnel&&) = delete;
    ~HeldTunnel() override = default;

    void wait(Arrival visitor);
    // A former holder accepts no more.
    void look_again();
    // Accepts no more; who waits is the caller's. on_held_done() follows, in a later turn.
    [[nodiscard]] std::vector<Arrival> leave();
    [[nodiscard]] const LeasePtr& lease() const { return lease_; }
    [[nodiscard]] std::uint64_t turn() const { return turn_; }
    [[nodiscard]] bool leaving() const { return leaving_; }
    [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }

  private:
    struct Waiting {
        Arrival visitor;
        std::int64_t due_ms;
    };

    void on_accept(uring::Listener& listener, uring::Fd socket) override;
    void on_accept_pause(uring::Listener&, int) override {}
    void on_listener_joined(uring::Listener& listener) override;
    void patience_over();
    void lease_over();
    void joined();

    uring::Ring& ring_;
    Events& events_;
    LeasePtr lease_;
    std::uint64_t turn_;
    std::vector<std::unique_ptr<uring::Listener>> listeners_;
    std::size_t listeners_open_;
    std::deque<Waiting> waiting_;  // who came first is first
    uring::Timer patience_ = uring::Timer::to<&HeldTunnel::patience_over>(this, ring_.timers());
    uring::Timer over_ = uring::Timer::to<&HeldTunnel::lease_over>(this, ring_.timers());
    uring::Task joined_ = uring::Task::to<&HeldTunnel::joined>(this);
    bool leaving_ = false;
};

}  // namespace portreeve::daemon
