// What the proxy needs of an http tunnel: channels to the client's target. A channel carries one
// exchange at a time and the next one after it, so that most requests need not wait for a channel
// to be opened.
//
// A channel that waits for its next exchange is closed as soon as the target says anything on it:
// whatever that is, no request asked for it.
//
// Owns: the channels that wait. Called by: Exchange, for one request; Tunnel, which owns it. All on
// the session's ring. Bounds: kIdleMax channels that wait, each for kIdleMs; those in use by
// [limits] visitors_per_tunnel.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

#include "daemon/proxy/rules.h"
#include "daemon/refusal.h"
#include "daemon/visitor.h"
#include "ssh/channel.h"
#include "ssh/session.h"
#include "uring/ring.h"
#include "uring/socket.h"

namespace portreeve::daemon {

class Target {
  public:
    static constexpr std::size_t kIdleMax = 64;
    static constexpr std::int64_t kIdleMs = 30'000;
    // For a request that cannot be sent twice: many a target closes what has waited for some
    // seconds, and such a request may be on its way then.
    static constexpr std::int64_t kFreshMs = 1'000;

    // One exchange, from its request to the end of its response.
    class User {
      public:
        User() = default;
        User(const User&) = delete;
        User& operator=(const User&) = delete;
        virtual ~User() = default;
        // Ends now, whatever is under way.
        virtual void cut() = 0;

        std::size_t index = 0;  // in the target's users
    };

    class Events {
      public:
        Events() = default;
        Events(const Events&) = delete;
        Events& operator=(const Events&) = delete;
        virtual ~Events() = default;
        // One more exchange: what it may use, or why there is none.
        [[nodiscard]] virtual tl::expected<Visitor::Share, Refusal> admit_exchange(
            const uring::Address& visitor) = 0;
        // The target does not do what it is there for.
        virtual void on_target_failed(const uring::Address& visitor, const Refusal& why) = 0;
        // … and after it did not: it does again.
        virtual void on_target_well() = 0;
        virtual void on_exchange_over(const Visitor::Figures& figures) = 0;
        // No exchange is under way any more.
        virtual void on_target_idle() = 0;
    };

    // `requested` is the forward's address as the client wrote it.
    Target(uring::Ring& ring, ssh::Session& session, std::string requested, std::uint16_t port,
           Events& events);
    Target(const Target&) = delete;
    Target& operator=(const Target&) = delete;
    Target(Target&&) = delete;
    Target& operator=(Target&&) = delete;
    ~Target();

    // The right to one exchange; end() follows. Refused: there are too many, or the tunnel closes.
    [[nodiscard]] tl::expected<Visitor::Share, Refusal> begin(User& user,
                                                              const uring::Address& visitor);
    void end(User& user, const Visitor::Figures& figures);

    // A channel that has carried an exchange before, and has waited for no longer than this;
    // nullptr: there is none.
    [[nodiscard]] ssh::Channel* take_idle(ssh::Channel::Events& user, std::int64_t waited_ms_max);
    // One that opens; nullptr: the session has none to give.
    [[nodiscard]] ssh::Channel* open(const uring::Address& visitor, ssh::Channel::Events& user);
    // It can carry another exchange. Not from inside one of its events.
    void give_back(ssh::Channel& channel);

    // What the client says about its visitors.
    [[nodiscard]] const TunnelRules& rules() const { return rules_of(rules_); }
    void set_rules(TunnelRulesPtr rules) { rules_ = std::move(rules); }

    void failed(const uring::Address& visitor, const Refusal& why);
    void answered();

    // No more exchanges; those that are under way go on.
    void leave();
    // … and those are cut off.
    void cut();
    [[nodiscard]] std::size_t busy_count() const { return users_.size(); }

  private:
    class Idle;

    void drop(Idle& idle);
    void close_old();
    void sweep();

    uring::Ring& ring_;
    ssh::Session& session_;
    std::string requested_;
    std::uint16_t port_;
    Events& events_;
    TunnelRulesPtr rules_;
    std::vector<User*> users_;
    std::vector<std::unique_ptr<Idle>> idle_;     // who has waited the longest is first
    std::vector<std::unique_ptr<Idle>> dropped_;  // destroyed outside their own callbacks
    uring::Task sweep_ = uring::Task::to<&Target::sweep>(this);
    uring::Timer old_ = uring::Timer::to<&Target::close_old>(this, ring_.timers());
    bool is_ill_ = false;
    bool leaving_ = false;
};

}  // namespace portreeve::daemon
