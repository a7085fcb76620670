// A worker's part of the proxy for http names: the visitors that are on it, from the time that the
// main thread gives them to it, or another worker does, until they leave or go to the worker that
// has the tunnel they ask for.
//
// Owns: the visitors. Called by: Worker, on its ring. Idle once drained and all have left;
// destroyed only then. Bounds: visitors by WebAdmission, each by ProxyVisitor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/lease_desk.h"
#include "daemon/leases.h"
#include "daemon/log.h"
#include "daemon/policy.h"
#include "daemon/proxy/proxy_visitor.h"
#include "daemon/proxy/web_arrival.h"
#include "daemon/proxy/web_commons.h"
#include "daemon/proxy/web_knock.h"
#include "daemon/proxy/web_parts.h"
#include "daemon/worker_figures.h"
#include "uring/ring.h"

namespace portreeve::daemon {

class ProxyFront final : private ProxyVisitor::Events, private WebKnock::Events {
  public:
    class Events {
      public:
        Events() = default;
        Events(const Events&) = delete;
        Events& operator=(const Events&) = delete;
        virtual ~Events() = default;
        // Of a lease whose holder is a client of this worker; nullptr: it is not any more.
        [[nodiscard]] virtual Target* find_target(const LeasePtr& lease,
                                                  const LeaseHolder& holder) = 0;
        [[nodiscard]] virtual bool is_here(const LeaseHolder& holder) const = 0;
        // Who came to an https port speaks ssh, and has said this already.
        virtual void on_front_ssh(Arrival client) = 0;
        // The last visitor has left.
        virtual void on_front_empty() = 0;
    };

    ProxyFront(uring::Ring& ring, LeaseDesk& desk, Leases& leases, WebCommons& commons,
               const Log& log, WorkerFigures& figures, Events& events)
        : ring_(ring),
          desk_(desk),
          leases_(leases),
          commons_(commons),
          log_(log),
          figures_(figures),
          events_(events) {}
    ProxyFront(const ProxyFront&) = delete;
    ProxyFront& operator=(const ProxyFront&) = delete;
    ProxyFront(ProxyFront&&) = delete;
    ProxyFront& operator=(ProxyFront&&) = delete;
    ~ProxyFront() override = default;

    // Before the first visitor.
    void set_pools(uring::Stream::Pools pools) { pools_.emplace(pools); }
    void use(const conf::Config& config);
    // For connections from now on; without TLS those to https ports are closed.
    void use_parts(const WebParts& parts) { parts_ = parts; }
    void take(WebArrival arrival);
    // Leases are not as they were.
    void look_again();
    // The server is stopping: what is under way is finished.
    void drain();
    // … and ended now.
    void cut();
    [[nodiscard]] bool empty() const { return visitors_.empty() && knocks_.empty(); }

  private:
    [[nodiscard]] const ProxyRules& proxy_rules() const override { return rules_; }
    [[nodiscard]] ProxyVisitor::Scratch& scratch() override { return *scratch_; }
    [[nodiscard]] ProxyVisitor::Place find_place(std::string_view host, std::string_view path,
                                                 const LeasePtr& chosen) override;
    [[nodiscard]] std::uint64_t places_revision() const override { return leases_.http_revision(); }
    [[nodiscard]] std::string https_origin(std::string_view host, bool passes_tls) const override;
    [[nodiscard]] std::string_view own_page(std::uint16_t status) const override;
    void on_visitor_waits(ProxyVisitor& visitor, bool waits) override;
    void on_visitor_moves(WebArrival arrival, const LeaseHolder& to) override;
    void on_visitor_gone(ProxyVisitor& visitor) override;
    void on_answer(std::uint16_t status) override { figures_.http_answers.count(status); }
    void on_request_over(const ProxyVisitor& visitor, const Exchange& exchange) override;
    void on_knock_known(WebArrival arrival, const std::optional<http::Host>& hello) override;
    void on_knock_ssh(WebArrival arrival) override;
    void on_knock_gone(WebKnock& knock) override;
    [[nodiscard]] WebKnock::Wants wants_of(const WebArrival& arrival) const;
    [[nodiscard]] bool renew_ticket(WebArrival& arrival);
    void serve(WebArrival arrival);
    void sweep();

    uring::Ring& ring_;
    LeaseDesk& desk_;
    Leases& leases_;
    WebCommons& commons_;
    const Log& log_;
    WorkerFigures& figures_;
    Events& events_;
    std::optional<uring::Stream::Pools> pools_;
    ProxyRules rules_;
    WebParts parts_;
    std::unique_ptr<ProxyVisitor::Scratch> scratch_ = std::make_unique<ProxyVisitor::Scratch>();
    std::vector<std::unique_ptr<ProxyVisitor>> visitors_;
    std::vector<std::unique_ptr<ProxyVisitor>> gone_;  // destroyed outside their own callbacks
    std::vector<ProxyVisitor*> waiting_;
    std::vector<std::unique_ptr<WebKnock>> knocks_;
    std::vector<std::unique_ptr<WebKnock>> gone_knocks_;
    uring::Task sweep_ = uring::Task::to<&ProxyFront::sweep>(this);
    bool draining_ = false;
};

}  // namespace portreeve::daemon
