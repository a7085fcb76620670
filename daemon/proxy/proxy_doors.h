// Where http visitors knock: the listeners of [http] and [https] listen, or those that systemd
// passed. The main thread accepts and gives each connection to a worker in turn, because rings that
// accept from one socket are not woken in turn.
//
// Owns: the listeners. Called by: Server, on the main thread's ring. Joined after close();
// destroyed only then. Bounds: WebAdmission.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "conf/config.h"
#include "daemon/log.h"
#include "daemon/proxy/web_arrival.h"
#include "daemon/proxy/web_commons.h"
#include "daemon/startup.h"
#include "daemon/systemd.h"
#include "uring/listener.h"
#include "uring/ring.h"

namespace portreeve::daemon {

class ProxyDoors final : private uring::Listener::Events {
  public:
    class Events {
      public:
        Events() = default;
        Events(const Events&) = delete;
        Events& operator=(const Events&) = delete;
        virtual ~Events() = default;
        virtual void on_web_arrival(WebArrival arrival) = 0;
        virtual void on_web_refused(const uring::Address& peer, const Refusal& refusal) = 0;
        // After close(): nothing is in the kernel's hands any more.
        virtual void on_doors_joined() = 0;
    };

    // Of one place, configured by its endpoint, or passed by systemd.
    struct Door {
        conf::Endpoint endpoint;
        bool is_https = false;
        uring::Fd socket;  // until the listener has it
        std::unique_ptr<uring::Listener> listener;
        bool is_told = false;  // that it has no use
    };
    using Doors = std::vector<std::unique_ptr<Door>>;

    ProxyDoors(uring::Ring& ring, WebCommons& commons, const Log& log, Events& events)
        : ring_(ring), commons_(commons), log_(log), events_(events) {}
    ProxyDoors(const ProxyDoors&) = delete;
    ProxyDoors& operator=(const ProxyDoors&) = delete;
    ProxyDoors(ProxyDoors&&) = delete;
    ProxyDoors& operator=(ProxyDoors&&) = delete;
    ~ProxyDoors() override = default;

    void take_passed(PassedSockets& passed);
    // What the configuration names and is not open yet; `serves_tls`: there are certificates.
    [[nodiscard]] tl::expected<Doors, Failure> prepare(const conf::Config& config,
                                                       bool serves_tls) const;
    // Opens those, and closes what the configuration does not name any more.
    void use(Doors prepared, const conf::Config& config, bool serves_tls);
    void close();
    [[nodiscard]] bool joined() const { return doors_.empty() && closed_.empty(); }
    // Of the first door of its kind; 0: there is none.
    [[nodiscard]] std::uint16_t port(bool is_https) const;

  private:
    void on_accept(uring::Listener& listener, uring::Fd socket) override;
    void on_accept_pause(uring::Listener& listener, int error) override;
    void on_listener_joined(uring::Listener& listener) override;
    void open(std::unique_ptr<Door> door);
    void shut(std::unique_ptr<Door> door);
    void keep(std::unique_ptr<Door> door, const conf::Config& config);
    void sweep();

    uring::Ring& ring_;
    WebCommons& commons_;
    const Log& log_;
    Events& events_;
    Doors doors_;
    Doors closed_;
    Doors passed_;  // by systemd, until they are opened
    bool http_passed_ = false;
    bool https_passed_ = false;
    bool closing_ = false;
    uring::Task sweep_ = uring::Task::to<&ProxyDoors::sweep>(this);
};

}  // namespace portreeve::daemon
