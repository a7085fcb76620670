// One connection that a client makes through this host (-L, -W, -J): first the dial, then the same
// Visitor that carries a tunnel's, between the target's socket and the client's channel. A private
// name needs no dial: the socket is one end of a pair, whose other end is a visitor of the tunnel.
//
// The channel is open before the target is connected, because libssh 0.10 has to answer at once.
// While it is dialed nothing is taken from the client, so its window stays as libssh opened it;
// a dial that fails closes the channel.
//
// Owns: the dial, then the Visitor. Called by: Reaches, on its worker's ring; reports its end with
// on_reach_done(), after which Reaches destroys it. Bounds: Dialer::kTimeLimitMs, and a Visitor's.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "daemon/refusal.h"
#include "daemon/visitor.h"
#include "uring/dialer.h"

namespace portreeve::daemon {

// The addresses that a host stands for, to be tried in turn: a literal is itself, `localhost` is
// both families' loopback. Any other word is a name, and no name is ever looked up.
[[nodiscard]] tl::expected<std::vector<uring::Address>, Refusal> addresses_to_reach(
    const std::string& host, std::uint16_t port);

class Reach final : public ssh::Channel::Events,
                    private uring::Dialer::Events,
                    private Visitor::Events {
  public:
    class Events {
      public:
        Events() = default;
        Events(const Events&) = delete;
        Events& operator=(const Events&) = delete;
        virtual ~Events() = default;
        virtual void on_reach_open(Reach& reach) = 0;
        // The target cannot be had; on_reach_done() follows at once.
        virtual void on_reach_failed(Reach& reach, int error) = 0;
        virtual void on_reach_done(Reach& reach) = 0;
    };

    // `text` is the target as the client wrote it.
    Reach(uring::Ring& ring, uring::Stream::Pools pools, std::string text,
          std::vector<uring::Address> addresses, Visitor::Share share, Events& events);
    // … for a socket that is connected already.
    Reach(uring::Ring& ring, uring::Stream::Pools pools, std::string text, uring::Fd socket,
          Visitor::Share share, Events& events);
    Reach(const Reach&) = delete;
    Reach& operator=(const Reach&) = delete;
    Reach(Reach&&) = delete;
    Reach& operator=(Reach&&) = delete;
    ~Reach() override = default;

    // Starts to dial for the channel, or joins it to the socket.
    void attach(ssh::Channel& channel);
    // Ends it now, whatever is under way.
    void cut();
    [[nodiscard]] const std::string& text() const { return text_; }
    // nullptr until it is connected.
    [[nodiscard]] const Visitor* visitor() const { return visitor_ ? &*visitor_ : nullptr; }

    std::size_t index = 0;  // in the client's reaches

  private:
    // Channel, while it is dialed: what comes meanwhile is kept for the Visitor.
    [[nodiscard]] std::size_t channel_room() const override { return 0; }
    std::size_t on_channel_data(std::span<const std::byte>) override { return 0; }
    void on_channel_eof() override {}
    void on_channel_refused(std::string_view reason) override;
    void on_channel_closed() override;
    void join(ssh::Channel& channel, uring::Fd socket);
    void join_now();
    // Dialer
    void on_dialed(tl::expected<uring::Fd, int> socket) override;
    // Visitor
    void on_visitor_refused(Visitor&, std::string_view) override {}  // its channel is open
    void on_visitor_unserved(Visitor&, Arrival) override {}          // for the same reason
    void on_visitor_done(Visitor&) override { events_.on_reach_done(*this); }

    uring::Ring& ring_;
    uring::Stream::Pools pools_;
    Events& events_;
    std::string text_;
    std::vector<uring::Address> addresses_;
    uring::Fd socket_;
    Visitor::Share share_;
    ssh::Channel* channel_ = nullptr;  // until it is joined
    uring::Dialer dialer_;
    std::optional<Visitor> visitor_;
    uring::Task join_ = uring::Task::to<&Reach::join_now>(this);
};

}  // namespace portreeve::daemon
