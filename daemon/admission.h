// Who may come in: how many sessions there are, in all, from one source, with one key, how many of
// them have not logged in yet, and who is refused for what earlier connections did.
//
// A Ticket is the right to one session; giving it up, which its destructor does, frees the place.
// Control plane only: a lock is taken when a session starts, logs in and ends, never for its data.
//
// Owns: the counts. Called by: the main thread (admit) and workers (tickets). It outlives all
// tickets. Bounds: one map entry per source and per key with a live session, so at most [limits]
// sessions; penalties by [penalties] sources.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include <tl/expected.hpp>

#include "conf/config.h"
#include "daemon/penalties.h"
#include "daemon/ration.h"
#include "daemon/refusal.h"
#include "daemon/source.h"

namespace portreeve::daemon {

class Admission {
  public:
    class Ticket {
      public:
        Ticket(Ticket&& other) noexcept
            : admission_(std::exchange(other.admission_, nullptr)),
              source_(other.source_),
              exempt_(other.exempt_),
              key_(std::move(other.key_)),
              starting_(other.starting_) {}
        Ticket& operator=(Ticket&&) = delete;
        Ticket(const Ticket&) = delete;
        Ticket& operator=(const Ticket&) = delete;
        ~Ticket();

        // The session logs in with this key. Refused: too many sessions with it.
        [[nodiscard]] tl::expected<void, Refusal> log_in(const std::string& fingerprint);
        // The session ends without a login, and this is why.
        void blame(Offence offence, std::int64_t now_ms);
        // Whether a line about `what`, a literal, may be logged of who has not logged in.
        [[nodiscard]] bool may_log(std::string_view what, std::int64_t now_ms);

      private:
        friend class Admission;
        Ticket(Admission& admission, const Source& source, bool exempt)
            : admission_(&admission), source_(source), exempt_(exempt) {}

        Admission* admission_;
        Source source_;
        bool exempt_;  // from penalties
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
    void set_penalties(const conf::Penalties& rules);
    // A connection from `peer` wants in.
    [[nodiscard]] tl::expected<Ticket, Refusal> admit(const uring::Address& peer,
                                                      std::int64_t now_ms);
    [[nodiscard]] Counts counts() const;
    // For lines about who is not admitted.
    [[nodiscard]] Ration& ration() { return ration_; }

  private:
    struct PerSource {
        std::uint32_t sessions = 0;
        std::uint32_t startups = 0;
    };
    [[nodiscard]] tl::expected<void, Refusal> room_for(const Source& source) const;

    mutable std::mutex lock_;
    conf::Limits limits_;
    Counts counts_;
    std::map<Source, PerSource> by_source_;
    std::map<std::string, std::uint32_t> by_key_;
    Penalties penalties_;
    Ration ration_;
};

}  // namespace portreeve::daemon
