// A session's socket on the ring: what arrives is lent to libssh, what libssh sends is queued and
// goes out as one large send at a time.
//
// Owns: the stream. Called by: Session. Bounds: no new receive is asked for while more than
// kOutputPauseBytes wait to be sent, so a client that asks without reading cannot grow the queue;
// while paused, the rest of one receive is kept.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "ssh/wire.h"
#include "uring/stream.h"

namespace portreeve::ssh {

class Link final : public Wire, private uring::Stream::Events {
  public:
    class Events {
      public:
        Events() = default;
        Events(const Events&) = delete;
        Events& operator=(const Events&) = delete;
        virtual ~Events() = default;
        // readable() now; what is not taken during the call is lost, unless pause() is called.
        virtual void on_link_input() = 0;
        virtual void on_link_sent() = 0;
        // The peer is gone: error 0 for an orderly end, else -errno.
        virtual void on_link_end(int error) = 0;
        virtual void on_link_joined() = 0;
    };

    static constexpr std::size_t kOutputPauseBytes = std::size_t{1024} * 1024;

    Link(uring::Ring& ring, uring::Stream::Pools pools, uring::Fd socket, Events& events)
        : stream_(ring, pools, std::move(socket), *this), events_(events) {}

    void open() { listen(); }
    // As if it had just come.
    void hand_in(std::string_view bytes) { deliver(std::as_bytes(std::span(bytes))); }
    // Nothing more is received, and what on_link_input() left is kept, until resume() delivers it.
    void pause() { paused_ = true; }
    void resume();
    [[nodiscard]] bool paused() const { return paused_; }
    void set_patience_ms(std::int64_t patience_ms) { stream_.set_patience_ms(patience_ms); }
    [[nodiscard]] std::size_t output_bytes() const { return stream_.output_bytes(); }
    // Sends what is queued, then FIN; the peer's end or close() follows.
    void finish() { stream_.end_output(); }
    void close() { stream_.close(); }

  private:
    void listen();
    void deliver(std::span<const std::byte> bytes);
    void on_output(std::span<const std::byte> bytes) override { stream_.append(bytes); }
    void on_input(std::span<const std::byte> bytes) override { deliver(bytes); }
    void on_input_end(int error) override { events_.on_link_end(error); }
    void on_output_sent() override;
    void on_output_failed(int error) override { events_.on_link_end(error); }
    void on_stream_joined() override { events_.on_link_joined(); }

    uring::Stream stream_;
    Events& events_;
    std::vector<std::byte> kept_;  // while paused: what was left of the last receive
    bool paused_ = false;
};

}  // namespace portreeve::ssh
