// One connection to a tunnel, joined to the channel that carries it.
//
// The two directions are kept apart, as in OpenSSH's nchan.c. Each has one state, and only these
// moves:
//   input  (visitor -> client):  open -> ended (EOF sent on) ; open -> ended (visitor reset)
//   output (client -> visitor):  open -> ending (client's EOF; what is queued still goes out) ->
//   ended
// When both have ended, the channel is closed and the socket too. When the client is gone first,
// what is queued still goes out, then the visitor gets FIN; if it goes on sending, RST tells it
// that nobody reads. Back-pressure is exact: the visitor is read only while the channel can take
// it, and the client's window stays shut while kSendBytesMax are queued for the visitor. A throttle
// that is used up is the same back-pressure.
//
// Owns: the socket. Called by: Tunnel, on its worker's ring; reports its end with
// on_visitor_done(), after which the Tunnel destroys it. Bounds: kSendBytesMax queued; a visitor
// that takes nothing for kLingerMs after its client is gone is cut off.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/arrival.h"
#include "daemon/owners.h"
#include "daemon/throttle.h"
#include "daemon/worker_figures.h"
#include "ssh/channel.h"
#include "ssh/code.h"
#include "ssh/session.h"
#include "uring/socket.h"
#include "uring/stream.h"

namespace portreeve::daemon {

class Visitor final : private uring::Stream::Events, private ssh::Channel::Events {
  public:
    static constexpr std::size_t kSendBytesMax = std::size_t{128} * 1024;
    static constexpr std::size_t kReceiveBytesMax = std::size_t{64} * 1024;
    static constexpr std::int64_t kLingerMs = 30'000;

    struct Figures {
        std::uint64_t from_visitor_bytes = 0;
        std::uint64_t to_visitor_bytes = 0;

        Figures& operator+=(const Figures& more) {
            from_visitor_bytes += more.from_visitor_bytes;
            to_visitor_bytes += more.to_visitor_bytes;
            return *this;
        }
    };

    class Events {
      public:
        Events() = default;
        Events(const Events&) = delete;
        Events& operator=(const Events&) = delete;
        virtual ~Events() = default;
        // The client would not take it (its target refuses), with the client's words.
        virtual void on_visitor_refused(Visitor& visitor, std::string_view reason) = 0;
        // The session ended before the client had answered: nothing was read from the visitor, and
        // nothing sent to it.
        virtual void on_visitor_unserved(Visitor& visitor, Arrival arrival) = 0;
        virtual void on_visitor_done(Visitor& visitor) = 0;
    };

    // What it may use of its owner's: the place it takes, and how fast its bytes may pass; and
    // where they are counted.
    struct Share {
        Owners::Place place;
        Throttle& from_visitor;
        Throttle& to_visitor;
        KindFigures& kind;          // with all others of its kind
        Traffic* tunnel = nullptr;  // nullptr: it is a reach
    };

    Visitor(uring::Ring& ring, uring::Stream::Pools pools, Arrival arrival, Share share,
            Events& events);
    Visitor(const Visitor&) = delete;
    Visitor& operator=(const Visitor&) = delete;
    Visitor(Visitor&&) = delete;
    Visitor& operator=(Visitor&&) = delete;
    ~Visitor() override;

    // The client gets `header` first.
    void set_header(std::string_view header);
    // Asks the client for a channel; `requested` is the forward's address as the client wrote it.
    void open(ssh::Session& session, const std::string& requested, std::uint16_t port);
    // Takes over a channel that is open already, with all that has come on it so far.
    void attach(ssh::Channel& channel);
    // Ends it now, whatever is under way.
    void cut();
    [[nodiscard]] const uring::Address& peer() const { return peer_; }
    [[nodiscard]] int descriptor() const { return stream_.descriptor(); }
    [[nodiscard]] const Figures& figures() const { return figures_; }
    [[nodiscard]] std::int64_t opened_ms() const { return opened_ms_; }
    // Once it is done: who ended first, and how.
    [[nodiscard]] std::string_view end_reason() const {
        return end_.value_or(ssh::Code("session"));
    }

    std::size_t index = 0;  // in the tunnel's visitors

  private:
    // Stream: the visitor's socket.
    void on_input(std::span<const std::byte> bytes) override;
    void on_input_end(int error) override;
    void on_output_sent() override;
    void on_output_failed(int error) override;
    void on_stream_joined() override { events_.on_visitor_done(*this); }
    // Channel: the client.
    void on_channel_open() override { serve(); }
    void on_channel_refused(std::string_view reason) override;
    [[nodiscard]] std::size_t channel_room() const override;
    std::size_t on_channel_data(std::span<const std::byte> bytes) override;
    void on_channel_eof() override;
    void on_channel_writable() override { pull(); }
    void on_channel_closing() override;
    void on_channel_closed() override;

    void serve();
    void send_first();
    template <class Counting>
    void count(Counting counting);
    void note_end(ssh::Code reason);
    void pull();
    void unserved();
    void finish_output();
    void check_done();
    void watch_abandoned();
    void hang_up();

    void resume();

    Events& events_;
    Share share_;
    uring::Stream stream_;
    uring::Address peer_;
    ssh::Channel* channel_ = nullptr;  // nullptr: not yet, or gone
    std::string first_;  // what the client gets before what comes now: a header, what was said
    std::shared_ptr<const void> counted_;  // as it arrived with it
    std::size_t header_bytes_ = 0;
    Figures figures_;
    std::int64_t opened_ms_;
    std::optional<ssh::Code> end_;
    uring::Task resume_ = uring::Task::to<&Visitor::resume>(this);  // a throttle has opened
    bool served_ = false;                                           // the client has taken it
    bool unheard_ = false;  // it sent something after its client had gone
    uring::Timer linger_ = uring::Timer::to<&Visitor::cut>(this, stream_.ring().timers());
};

}  // namespace portreeve::daemon
