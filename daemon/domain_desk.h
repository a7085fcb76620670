// The main thread's part of domains that their owners bring along: workers ask here whether one
// belongs to a key, and whoever has a tunnel by such a proof loses it when the proof is gone.
//
// Owns: the resolver, the proofs. Called by: workers, by message (ask()); Server. All on the main
// thread's ring; joined after close(), destroyed only then. Bounds: those of DomainProofs.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "conf/config.h"
#include "daemon/dns/resolver.h"
#include "daemon/domain_proofs.h"
#include "uring/ring.h"

namespace portreeve::daemon {

class DomainDesk final : private dns::Resolver::Events, private DomainProofs::Events {
  public:
    // A domain, and the key that it is to be of.
    using Claimed = std::pair<std::string, std::string>;

    class Events {
      public:
        Events() = default;
        Events(const Events&) = delete;
        Events& operator=(const Events&) = delete;
        virtual ~Events() = default;
        virtual void on_domain_lost(const std::string& domain, const std::string& owner,
                                    const std::string& why) = 0;
        // After close(), if it was not joined then.
        virtual void on_domain_desk_joined() = 0;
    };

    DomainDesk(uring::Ring& ring, Events& events)
        : ring_(ring),
          events_(events),
          resolver_(ring, static_cast<dns::Resolver::Events&>(*this)),
          proofs_(ring, resolver_, static_cast<DomainProofs::Events&>(*this)) {}
    DomainDesk(const DomainDesk&) = delete;
    DomainDesk& operator=(const DomainDesk&) = delete;
    DomainDesk(DomainDesk&&) = delete;
    DomainDesk& operator=(DomainDesk&&) = delete;
    ~DomainDesk() override = default;

    void use(const conf::Http& http) {
        resolver_.use_server(http.resolver ? http.resolver->text() : std::string());
    }
    // `answer` is called once, in a later turn.
    void ask(const std::string& domain, const std::string& owner, DomainProofs::Answer answer);
    // Those that tunnels live by, all of them.
    void follow(const std::set<Claimed>& used);
    void close();
    [[nodiscard]] bool joined() const { return resolver_.idle(); }
    [[nodiscard]] uring::Ring& ring() { return ring_; }

  private:
    void on_resolver_joined() override { events_.on_domain_desk_joined(); }
    void on_proof_lost(const std::string& domain, const std::string& owner,
                       const std::string& why) override {
        events_.on_domain_lost(domain, owner, why);
    }

    uring::Ring& ring_;
    Events& events_;
    dns::Resolver resolver_;
    DomainProofs proofs_;
    std::set<Claimed> used_;
};

}  // namespace portreeve::daemon
