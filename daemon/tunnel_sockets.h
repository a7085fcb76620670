// A Unix socket for each tunnel, beside its file in the directory (`[forward] sockets`): what
// connects to it on this host is a visitor of the tunnel, wherever it is held. A private name has
// one too, and whoever the socket's mode lets in reaches it.
//
// Owns: the listeners and their files. Called by: Directory, on the main thread; calls back when
// all are closed. Bounds: one a tunnel; the visitors by the tunnel's own limits.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "conf/config.h"
#include "daemon/lease_desk.h"
#include "daemon/log.h"
#include "daemon/tunnel_entry.h"
#include "daemon/unix_listener.h"
#include "uring/listener.h"

namespace portreeve::daemon {

class TunnelSockets final : private uring::Listener::Events {
  public:
    // Which there are to be; nullopt: none.
    struct Rules {
        mode_t mode = 0;
        std::optional<gid_t> group;
        bool operator==(const Rules&) const = default;
    };
    class Events {
      public:
        Events() = default;
        Events(const Events&) = delete;
        Events& operator=(const Events&) = delete;
        virtual ~Events() = default;
        // After close(): nothing is in the kernel's hands any more.
        virtual void on_tunnel_sockets_joined() = 0;
    };

    TunnelSockets(uring::Ring& ring, Leases& leases, LeaseDesk& desk, const Log& log,
                  std::string folder, Events& events)
        : ring_(ring),
          leases_(leases),
          desk_(desk),
          log_(log),
          folder_(std::move(folder)),
          events_(events) {}
    TunnelSockets(const TunnelSockets&) = delete;
    TunnelSockets& operator=(const TunnelSockets&) = delete;
    TunnelSockets(TunnelSockets&&) = delete;
    TunnelSockets& operator=(TunnelSockets&&) = delete;
    ~TunnelSockets() override = default;

    // They hold at the next update(). True: they are others than before.
    bool use(const std::optional<Rules>& rules);
    // One for each of these, and no other.
    void update(const std::vector<NamedTunnel>& tunnels);
    void close();
    [[nodiscard]] bool joined() const { return sockets_.empty() && closing_.empty(); }

  private:
    struct Socket {
        LeasePtr lease;
        std::string path;
        std::unique_ptr<uring::Listener> listener;
    };

    void open(const NamedTunnel& tunnel, const LeasePtr& lease);
    void shut(Socket socket);
    void on_accept(uring::Listener& listener, uring::Fd socket) override;
    void on_accept_pause(uring::Listener&, int) override {}
    void on_listener_joined(uring::Listener& listener) override;
    void sweep();

    uring::Ring& ring_;
    Leases& leases_;
    LeaseDesk& desk_;
    const Log& log_;
    std::string folder_;
    Events& events_;
    std::optional<Rules> rules_;
    std::map<std::string, Socket> sockets_;  // by the tunnel's id
    std::vector<Socket> closing_;
    std::string failure_;  // and said so
    uring::Task sweep_ = uring::Task::to<&TunnelSockets::sweep>(this);
};

}  // namespace portreeve::daemon
