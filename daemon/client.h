// One client on its worker: the SSH session, the tunnels it was granted, and its console. It
// answers what the session asks: may this key log in, is this forward granted.
//
// Owns: session, tunnels, console, the admission ticket. Called by: Worker, on its ring. It is done
// when the session is joined and the last tunnel has gone; the Worker then destroys it. Bounds:
// [limits] tunnels_per_session; consoles by the session.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/admission.h"
#include "daemon/console.h"
#include "daemon/log.h"
#include "daemon/policy.h"
#include "daemon/tunnel.h"
#include "ssh/session.h"

namespace portreeve::daemon {

class Client final : private ssh::Session::Events, private Tunnel::Events, private Console::Events {
  public:
    class Events {
      public:
        Events() = default;
        Events(const Events&) = delete;
        Events& operator=(const Events&) = delete;
        virtual ~Events() = default;
        [[nodiscard]] virtual const Policy& policy() const = 0;
        virtual void on_client_done(Client& client) = 0;
    };

    // What a client needs of its worker.
    struct Place {
        uring::Ring& ring;
        uring::Stream::Pools pools;
        const Log& log;
    };

    Client(Place place, Events& events, uring::Fd socket, Admission::Ticket ticket);
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    Client(Client&&) = delete;
    Client& operator=(Client&&) = delete;
    ~Client() override = default;

    void open(const ssh::Acceptor& acceptor);
    // A new policy holds: what of it touches a live session.
    void use_policy();
    // The server is stopping: no new visitors; ends when those that are in have left.
    void drain();
    // Ends now.
    void end(std::string_view reason, std::string_view sentence);

    std::size_t index = 0;  // in the worker's clients

  private:
    // Session
    void on_login_request(const ssh::LoginRequest& request) override;
    std::uint16_t on_forward(const ssh::ForwardWish& wish) override;
    void on_forward_unheard(const ssh::ForwardWish& wish, std::uint16_t port) override;
    bool on_cancel_forward(const ssh::ForwardWish& wish) override;
    ssh::Channel::Events* on_session_channel() override;
    void on_session_channel_open(ssh::Channel& channel, ssh::Channel::Events& user) override;
    void on_session_end(std::string_view reason, std::string_view detail) override;
    void on_session_joined() override;
    // Tunnel
    [[nodiscard]] bool room_for_visitor(const Tunnel& tunnel) const override;
    void on_visitor_open(Tunnel& tunnel, const Visitor& visitor) override;
    void on_visitor_turned_away(Tunnel& tunnel, const std::string& from, std::string_view code,
                                std::string_view why) override;
    void on_visitor_closed(Tunnel& tunnel, const Visitor& visitor) override;
    void on_accept_trouble(Tunnel& tunnel, int error) override;
    void on_tunnel_done(Tunnel& tunnel) override;
    // Console
    [[nodiscard]] std::string summary() const override;
    void on_console_closed(Console& console) override;

    [[nodiscard]] bool may_login(const std::string& user, const ssh::PublicKey& key, bool proven);
    [[nodiscard]] tl::expected<Tunnel*, Refusal> open_tunnel(const ssh::ForwardWish& wish);
    void refuse_forward(const ssh::ForwardWish& wish, const Refusal& refusal);
    void close_tunnels();
    void sweep();
    void tell(std::string_view text);
    [[nodiscard]] std::string describe(const Tunnel& tunnel) const;
    [[nodiscard]] std::size_t open_tunnels() const;

    Place place_;
    Events& events_;
    uring::Address peer_;
    std::string peer_text_;
    std::optional<Admission::Ticket> ticket_;
    ssh::Session session_;
    std::string user_;
    std::string fingerprint_;
    std::vector<std::unique_ptr<Tunnel>> tunnels_;
    std::vector<std::unique_ptr<Tunnel>> done_tunnels_;
    std::vector<std::unique_ptr<Console>> consoles_;
    std::vector<std::unique_ptr<Console>> done_consoles_;
    std::vector<std::string> notices_;  // what the client should see once there is a console
    uring::Task sweep_ = uring::Task::to<&Client::sweep>(this);
    bool draining_ = false;
    bool session_joined_ = false;
};

}  // namespace portreeve::daemon
