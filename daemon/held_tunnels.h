// All tunnels whose owners are away. Their leases are the main thread's until the owner asks for
// one again, or its time is over.
//
// Owns: the held tunnels. Called by: workers, by message through their LeaseDesk; Server, on the
// main thread. Idle once drained; destroyed only then. Bounds: [limits] leases_per_key, of which
// the one that ends first goes to make room; each by HeldTunnel::Rules.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "conf/config.h"
#include "daemon/held_tunnel.h"
#include "daemon/lease_desk.h"
#include "daemon/leases.h"
#include "daemon/log.h"
#include "daemon/ration.h"
#include "daemon/worker_figures.h"

namespace portreeve::daemon {

class HeldTunnels final : public LeaseKeeper, private HeldTunnel::Events {
  public:
    class Events {
      public:
        Events() = default;
        Events(const Events&) = delete;
        Events& operator=(const Events&) = delete;
        virtual ~Events() = default;
        // Something about a lease is not as it was, and has to be kept elsewhere too.
        virtual void on_leases_changed() = 0;
        // After drain(): nothing is in the kernel's hands any more.
        virtual void on_held_tunnels_idle() = 0;
    };

    HeldTunnels(uring::Ring& ring, Leases& leases, const Log& log, Ration& ration,
                CodeCounts& refusals, Events& events)
        : ring_(ring),
          leases_(leases),
          log_(log),
          ration_(ration),
          refusals_(refusals),
          events_(events),
          desk_(leases, ring, *this) {}
    HeldTunnels(const HeldTunnels&) = delete;
    HeldTunnels& operator=(const HeldTunnels&) = delete;
    HeldTunnels(HeldTunnels&&) = delete;
    HeldTunnels& operator=(HeldTunnels&&) = delete;
    ~HeldTunnels() override = default;

    void use(const conf::Config& config);
    // A lease whose client is gone, and who waits for it already.
    void take(Leases::Claim claim, std::vector<Arrival> visitors = {});
    // The server is stopping: nobody is accepted any more. Who connects waits in the kernel where
    // `sockets_kept` (systemd has them, and gives them to the next start), and who waits here is
    // given to systemd too; otherwise all of them are refused at once.
    void drain(bool sockets_kept);
    [[nodiscard]] bool idle() const { return tunnels_.empty(); }
    [[nodiscard]] std::size_t visitors_waiting() const;

    // Any thread.
    [[nodiscard]] LeaseHolder holder() { return {this, 0}; }
    [[nodiscard]] int ring_descriptor() const override { return ring_.descriptor(); }
    // Whether hear_changed() is on its way; if not, the caller sends it.
    [[nodiscard]] bool changed_unheard() { return changed_.exchange(true); }
    void hear_changed();

  private:
    void on_lease_taken(const LeasePtr& lease, std::uint64_t client, const Refusal& why) override;
    void on_lease_visitors(const LeasePtr& lease, std::uint64_t client,
                           std::vector<Arrival> visitors) override;
    // It is nobody's sibling, and asks for none.
    void on_life_asked(std::uint64_t, const LeaseHolder&) override {}
    void on_life_shown(std::uint64_t, const LeaseHolder&) override {}
    void on_web_visitor(WebArrival visitor) override;
    void on_domain_answer(std::uint64_t, const std::string&,
                          const DomainProofs::Verdict&) override {}  // nor does it ask that
    [[nodiscard]] const HeldTunnel::Rules& held_rules() const override { return rules_; }
    void on_held_stray(HeldTunnel& held, Arrival visitor) override;
    void on_held_refused(HeldTunnel& held, Arrival visitor, ssh::Code code) override;
    void on_held_over(HeldTunnel& held) override;
    void on_held_done(HeldTunnel& held) override;

    [[nodiscard]] HeldTunnel* find(const LeasePtr& lease);
    void forward(const LeasePtr& lease, std::vector<Arrival> visitors);
    void refuse(const Lease& lease, Arrival visitor, ssh::Code code);
    void make_room(const std::string& owner, std::uint32_t kept_max);
    void end(HeldTunnel& held, const Refusal& why);
    void stop_listening(const Leases::Claim& claim) const;
    void part_with(const LeasePtr& lease, std::vector<Arrival> visitors);

    uring::Ring& ring_;
    Leases& leases_;
    const Log& log_;
    Ration& ration_;
    CodeCounts& refusals_;
    Events& events_;
    LeaseDesk desk_;
    HeldTunnel::Rules rules_;
    std::size_t per_owner_max_ = 100;
    std::vector<std::unique_ptr<HeldTunnel>> tunnels_;  // who came first is first
    std::atomic<bool> changed_{false};
    bool draining_ = false;
    bool sockets_kept_ = false;
};

}  // namespace portreeve::daemon
