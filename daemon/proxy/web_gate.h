// The main thread's part of the proxy: where http visitors knock, and the certificates that they
// are shown, read again when their folder changes.
//
// Owns: doors, certificates, the keys of tickets. Called by: Server, on the main thread's ring.
// Joined after close(); destroyed only then. Bounds: those of its parts.
#pragma once

#include <memory>
#include <string>

#include <tl/expected.hpp>

#include "daemon/key_watch.h"
#include "daemon/proxy/proxy_doors.h"
#include "daemon/proxy/web_parts.h"
#include "daemon/tls/context.h"
#include "daemon/tls/ticket_keys.h"

namespace portreeve::daemon {

class WebGate final : private ProxyDoors::Events, private KeyWatch::Events {
  public:
    class Events {
      public:
        Events() = default;
        Events(const Events&) = delete;
        Events& operator=(const Events&) = delete;
        virtual ~Events() = default;
        virtual void on_web_arrival(WebArrival arrival) = 0;
        virtual void on_web_refused(const uring::Address& peer, const Refusal& refusal) = 0;
        // parts() are others now.
        virtual void on_web_parts_changed() = 0;
        // After close(): nothing is in the kernel's hands any more.
        virtual void on_web_gate_joined() = 0;
    };
    // What use() needs, made before anything changes.
    struct Prepared {
        tls::Certificates certificates;
        std::shared_ptr<const tls::Context> tls;  // nullptr: there are no certificates
        Pages pages;
        ProxyDoors::Doors doors;
    };

    WebGate(uring::Ring& ring, WebCommons& commons, const Log& log, Events& events)
        : ring_(ring),
          log_(log),
          events_(events),
          doors_(ring, commons, log, static_cast<ProxyDoors::Events&>(*this)) {}
    WebGate(const WebGate&) = delete;
    WebGate& operator=(const WebGate&) = delete;
    WebGate(WebGate&&) = delete;
    WebGate& operator=(WebGate&&) = delete;
    ~WebGate() override = default;

    void take_passed(PassedSockets& passed) { doors_.take_passed(passed); }
    [[nodiscard]] tl::expected<Prepared, Failure> prepare(const conf::Config& config);
    void use(Prepared prepared, const conf::Config& config);
    void close();
    [[nodiscard]] bool joined() const { return doors_.joined() && watch_.idle(); }
    // For connections from now on.
    [[nodiscard]] WebParts parts() const { return {tls_, doors_.port(true), pages_}; }
    // That visitors come to: 0 where there is none.
    [[nodiscard]] std::uint16_t port(bool is_https) const { return doors_.port(is_https); }

  private:
    void on_web_arrival(WebArrival arrival) override { events_.on_web_arrival(std::move(arrival)); }
    void on_web_refused(const uring::Address& peer, const Refusal& refusal) override {
        events_.on_web_refused(peer, refusal);
    }
    void on_doors_joined() override { events_.on_web_gate_joined(); }
    void on_keys_touched() override;
    void on_key_watch_joined() override { events_.on_web_gate_joined(); }
    void tell_of(const tls::Certificates& certificates);
    void rotate();

    uring::Ring& ring_;
    const Log& log_;
    Events& events_;
    ProxyDoors doors_;
    conf::Config config_;  // as it is now
    tls::Certificates certificates_;
    std::shared_ptr<tls::TicketKeys> tickets_;
    std::shared_ptr<const tls::Context> tls_;
    std::shared_ptr<const Pages> pages_;
    KeyWatch watch_{ring_, static_cast<KeyWatch::Events&>(*this)};
    std::string unwatched_;  // what was last said of it
    uring::Timer rotate_ = uring::Timer::to<&WebGate::rotate>(this, ring_.timers());
    bool closed_ = false;
};

}  // namespace portreeve::daemon
