// A keeper of leases for tests: nobody tells it anything.
#pragma once

#include <vector>

#include "daemon/lease.h"
#include "daemon/proxy/web_arrival.h"

namespace portreeve::daemon::test {

class Keeper final : public LeaseKeeper {
  public:
    [[nodiscard]] int ring_descriptor() const override { return -1; }
    void on_lease_taken(const LeasePtr&, std::uint64_t, const Refusal&) override {}
    void on_lease_visitors(const LeasePtr&, std::uint64_t, std::vector<Arrival>) override {}
    void on_life_asked(std::uint64_t, const LeaseHolder&) override {}
    void on_life_shown(std::uint64_t, const LeaseHolder&) override {}
    void on_web_visitor(WebArrival) override {}
    void on_domain_answer(std::uint64_t, const std::string&,
                          const DomainProofs::Verdict&) override {}
};

}  // namespace portreeve::daemon::test
