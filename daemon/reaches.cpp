#include "daemon/reaches.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "daemon/indexed.h"
#include "daemon/wish_text.h"

namespace portreeve::daemon {

Reaches::Reaches(uring::Ring& ring, uring::Stream::Pools pools, const Log& log,
                 WorkerFigures& figures, std::string client, Events& events)
    : ring_(ring),
      pools_(pools),
      log_(log),
      figures_(figures),
      client_(std::move(client)),
      events_(events) {
}

ssh::Channel::Events* Reaches::open(const ssh::DirectWish& wish) {
    const auto opened = try_open(wish);
    if (!opened) {
        refuse(wish_text(wish.host, wish.port), opened.error());
        return nullptr;
    }
    return *opened;
}

tl::expected<Reach*, Refusal> Reaches::try_open(const ssh::DirectWish& wish) {
    if (auto may = may_reach(events_.reach_grant(), wish.host, wish.port); !may) {
        return tl::unexpected(may.error());
    }
    auto addresses = addresses_to_reach(wish.host, wish.port);
    if (!addresses) {  // it is a name
        const Carrier carrier = events_.find_name(wish.host, wish.port);
        return carrier ? open_name(wish, carrier)
                       : tl::expected<Reach*, Refusal>(tl::unexpected(addresses.error()));
    }
    auto share = events_.admit_reach();
    if (!share) {
        return tl::unexpected(share.error());
    }
    Reach::Events& self = *this;
    return add(std::make_unique<Reach>(ring_, pools_, wish_text(wish.host, wish.port),
                                       std::move(*addresses), std::move(*share), self));
}

tl::expected<Reach*, Refusal> Reaches::open_name(const ssh::DirectWish& wish,
                                                 const Carrier& carrier) {
    auto share = events_.admit_reach();
    if (!share) {
        return tl::unexpected(share.error());
    }
    std::array<int, 2> ends{-1, -1};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
        return tl::unexpected(
            Refusal{"target_unreachable",
                    std::string("two sessions cannot be joined: ") + std::strerror(errno)});
    }
    uring::Fd near(ends[0]);
    carrier(uring::Fd(ends[1]));
    Reach::Events& self = *this;
    return add(std::make_unique<Reach>(ring_, pools_, wish_text(wish.host, wish.port),
                                       std::move(near), std::move(*share), self));
}

Reach* Reaches::add(std::unique_ptr<Reach> reach) {
    reach->index = reaches_.size();
    return reaches_.emplace_back(std::move(reach)).get();
}

void Reaches::attach(ssh::Channel& channel, ssh::Channel::Events& user) {
    static_cast<Reach&>(user).attach(channel);
}

void Reaches::refuse(const std::string& wish, const Refusal& refusal) {
    const Grant& grant = events_.reach_grant();
    figures_.refusals.count(refusal.code);
    log_.info("refused", {{"code", std::string(refusal.code)},
                          {"requested", wish},
                          {"client", client_},
                          {"user", grant.user},
                          {"fingerprint", grant.owner},
                          {"why", refusal.sentence}});
    events_.on_reach_notice("portreeve: refused " + wish + ": " + refusal.sentence + "\n");
}

void Reaches::on_reach_failed(Reach& reach, int error) {
    figures_.dial_failures[static_cast<std::size_t>(dial_failure_of(error))].add(1);
    refuse(reach.text(), {"target_unreachable",
                          std::string("this host cannot connect to it: ") + std::strerror(-error)});
}

void Reaches::on_reach_open(Reach& reach) {
    if (log_.shows(Log::Level::debug, "reach_open")) {
        log_.debug("reach_open", {{"target", reach.text()},
                                  {"address", reach.visitor()->peer().text()},
                                  {"client", client_},
                                  {"user", events_.reach_grant().user}});
    }
}

void Reaches::on_reach_done(Reach& reach) {
    const Visitor* visitor = reach.visitor();
    if (visitor != nullptr && log_.shows(Log::Level::debug, "reach_closed")) {
        log_.debug("reach_closed",
                   {{"target", reach.text()},
                    {"client", client_},
                    {"user", events_.reach_grant().user},
                    {"reason", std::string(visitor->end_reason())},
                    {"duration_ms", std::to_string(ring_.now_ms() - visitor->opened_ms())},
                    {"bytes_in", std::to_string(visitor->figures().from_visitor_bytes)},
                    {"bytes_out", std::to_string(visitor->figures().to_visitor_bytes)}});
    }
    done_.push_back(take_indexed(reaches_, reach.index));
    ring_.post(sweep_);
}

void Reaches::sweep() {
    done_.clear();
    events_.on_reach_left();
}

void Reaches::cut() {
    for (const auto& reach : reaches_) {
        reach->cut();
    }
}

}  // namespace portreeve::daemon
