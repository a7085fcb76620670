// All that one client reaches through this host, by -L, -W and -J, which are addresses and private
// names: whether it may, who carries it, and what is told of it in the log and to the client.
//
// Owns: the Reaches. Called by: Client, on its worker's ring, which says what its key permits.
// Bounds: Client's admit_reach(), asked for each.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "daemon/grant.h"
#include "daemon/log.h"
#include "daemon/reach.h"
#include "daemon/worker_figures.h"
#include "ssh/session.h"

namespace portreeve::daemon {

class Reaches final : private Reach::Events {
  public:
    using Carrier = std::function<void(uring::Fd visitor)>;

    class Events {
      public:
        Events() = default;
        Events(const Events&) = delete;
        Events& operator=(const Events&) = delete;
        virtual ~Events() = default;
        [[nodiscard]] virtual const Grant& reach_grant() const = 0;
        // One more: what it may use, or why it has to stay out.
        [[nodiscard]] virtual tl::expected<Visitor::Share, Refusal> admit_reach() = 0;
        // What brings the other end of a reach to whoever has the private name; none: there is no
        // such name that the client may reach.
        [[nodiscard]] virtual Carrier find_name(const std::string& name, std::uint16_t port) = 0;
        // A line for the person at the client.
        virtual void on_reach_notice(const std::string& line) = 0;
        // One less than before.
        virtual void on_reach_left() = 0;
    };

    // `client` is the client's address, for the log.
    Reaches(uring::Ring& ring, uring::Stream::Pools pools, const Log& log, WorkerFigures& figures,
            std::string client, Events& events);
    Reaches(const Reaches&) = delete;
    Reaches& operator=(const Reaches&) = delete;
    Reaches(Reaches&&) = delete;
    Reaches& operator=(Reaches&&) = delete;
    ~Reaches() override = default;

    // The user of a channel for the wish, or nullptr: it was refused, and that was told.
    [[nodiscard]] ssh::Channel::Events* open(const ssh::DirectWish& wish);
    // The channel of a user that open() made.
    void attach(ssh::Channel& channel, ssh::Channel::Events& user);
    // Ends all of them now.
    void cut();
    [[nodiscard]] std::size_t count() const { return reaches_.size(); }

  private:
    void on_reach_open(Reach& reach) override;
    void on_reach_failed(Reach& reach, int error) override;
    void on_reach_done(Reach& reach) override;
    [[nodiscard]] tl::expected<Reach*, Refusal> try_open(const ssh::DirectWish& wish);
    [[nodiscard]] tl::expected<Reach*, Refusal> open_name(const ssh::DirectWish& wish,
                                                          const Carrier& carrier);
    Reach* add(std::unique_ptr<Reach> reach);
    void refuse(const std::string& wish, const Refusal& refusal);
    void sweep();

    uring::Ring& ring_;
    uring::Stream::Pools pools_;
    const Log& log_;
    WorkerFigures& figures_;
    std::string client_;
    Events& events_;
    std::vector<std::unique_ptr<Reach>> reaches_;
    std::vector<std::unique_ptr<Reach>> done_;  // destroyed outside their own callbacks
    uring::Task sweep_ = uring::Task::to<&Reaches::sweep>(this);
};

}  // namespace portreeve::daemon
