// The first bytes of a connection to an http port, where they say how it goes on: a PROXY header
// before everything else, the name in a ClientHello where some tunnel wants its TLS unopened, and
// whether it is ssh, where https and ssh share a port.
//
//   (header) -> (what it speaks) -> (hello) -> known
//
// Nothing is taken out of what is passed on but the PROXY header.
//
// Owns: the socket until it is known. Called by: ProxyFront, on its worker's ring; reports
// on_knock_gone(), after which it is destroyed. Bounds: http::kProxyHeaderBytesMax and
// http::kHelloBytesMax with its records; [http] head_timeout, and kSshSilenceMs for ssh clients,
// some of which wait for the server to speak.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "daemon/http/client_hello.h"
#include "daemon/http/host.h"
#include "daemon/proxy/web_arrival.h"
#include "uring/stream.h"

namespace portreeve::daemon {

class WebKnock final : private uring::Stream::Events {
  public:
    static constexpr std::int64_t kSshSilenceMs = 2'000;

    // What has to be known.
    struct Wants {
        bool proxy_header = false;
        bool ssh = false;  // it may be that
        bool hello = false;
        [[nodiscard]] bool any() const { return proxy_header || ssh || hello; }
    };

    class Events {
      public:
        Events() = default;
        Events(const Events&) = delete;
        Events& operator=(const Events&) = delete;
        virtual ~Events() = default;
        // Everything wanted is known; on_knock_gone() follows. `hello`: the name that TLS asks for.
        virtual void on_knock_known(WebArrival arrival, const std::optional<http::Host>& hello) = 0;
        virtual void on_knock_ssh(WebArrival arrival) = 0;
        virtual void on_knock_gone(WebKnock& knock) = 0;
    };

    WebKnock(uring::Ring& ring, uring::Stream::Pools pools, WebArrival arrival, Wants wants,
             std::int64_t patience_ms, Events& events);
    WebKnock(const WebKnock&) = delete;
    WebKnock& operator=(const WebKnock&) = delete;
    WebKnock(WebKnock&&) = delete;
    WebKnock& operator=(WebKnock&&) = delete;
    ~WebKnock() override = default;

    void open();
    void cut();

    std::size_t index = 0;  // in the front's knocks

  private:
    static constexpr std::size_t kReadBytes = std::size_t{4} * 1024;
    static constexpr std::size_t kBytesMax =
        http::kHelloBytesMax + std::size_t{5} * http::kHelloRecordsMax + kReadBytes;

    void on_input(std::span<const std::byte> bytes) override;
    void on_input_end(int) override { cut(); }
    void on_output_sent() override {}
    void on_output_failed(int) override { cut(); }
    void on_receive_stopped() override { events_.on_knock_ssh(give_up()); }
    void on_stream_joined() override { events_.on_knock_gone(*this); }
    void look();
    [[nodiscard]] bool take_proxy_header();
    void silent();
    [[nodiscard]] WebArrival give_up();

    Events& events_;
    WebArrival arrival_;  // without its socket, which the stream has
    uring::Stream stream_;
    Wants wants_;
    std::int64_t due_ms_;
    uring::Timer patience_ = uring::Timer::to<&WebKnock::silent>(this, stream_.ring().timers());
};

}  // namespace portreeve::daemon
