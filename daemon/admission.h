// Who may come in: how many sessions there are, in all, from one address, with one key, and how
// many of them have not logged in yet.
//
// A Ticket is the right to one session; giving it up, which its destructor does, frees the place.
// Control plane only: a lock is taken when a session starts, logs in and ends, never for its data.
//
// Owns: the counts. Called by: the main thread (admit) and workers (tickets). It outlives all
// tickets. Bounds: one map entry per address and per key with a live session, so at most [limits]
// sessions.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include <tl/expected.hpp>

#include "conf/config.h"
#include "daemon/refusal.h"

namespace portreeve::daemon {

class Admission {
  public:
    class Ticket {
      public:
        Ticket(Ticket&& other) noexcept
            : admission_(std::exchange(other.admission_, nullptr)),
              address_(std::move(other.address_)),
              key_(std::move(other.key_)),
              starting_(other.starting_) {}
        Ticket& operator=(Ticket&&) = delete;
        Ticket(const Ticket&) = delete;
        Ticket& operator=(const Ticket&) = delete;
        ~Ticket();

        // The session logs in with this key. Refused: too many sessions with it.
        [[nodiscard]] tl::expected<void, Refusal> log_in(const std::string& fingerprint);

      private:
        friend class Admission;
        Ticket(Admission& admission, std::string address)
            : admission_(&admission), address_(std::move(address)) {}

        Admission* admission_;
        std::string address_;
        std::string key_;
        bool starting_ = true;
    };

    struct Counts {
        std::uint64_t sessions = 0;
        std::uint64_t startups = 0;
        std::uint64_t admitted = 0;
        std::uint64_t refused = 0;
    };

    void set_limits(const conf::Limits& limits);
    // A connection from `address` (without port) wants in.
    [[nodiscard]] tl::expected<Ticket, Refusal> admit(const std::string& address);
    [[nodiscard]] Counts counts() const;

  private:
    struct PerAddress {
        std::uint32_t sessions = 0;
        std::uint32_t startups = 0;
    };
    [[nodiscard]] tl::expected<void, Refusal> room_for(const std::string& address) const;

    mutable std::mutex lock_;
    conf::Limits limits_;
    Counts counts_;
    std::map<std::string, PerAddress> by_address_;
    std::map<std::string, std::uint32_t> by_key_;
};

}  // namespace portreeve::daemon
