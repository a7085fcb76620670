// One client on its worker: the SSH session, its login, the tunnels it was granted, what it reaches
// through this host, and its console. It answers what the session asks: may this key log in, is
// this forward granted.
//
// Owns: session, authenticator, tunnels, reaches, console, the admission ticket. Called by: Worker,
// on its ring. It is done when the session is joined, the last tunnel and reach have gone and no
// login is being decided; the Worker then destroys it. Bounds: [limits] tunnels_per_session and
// visitors_per_tunnel (which is also how many targets a session may reach at once), and those of
// the key's own line; consoles by the session.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/admission.h"
#include "daemon/authenticator.h"
#include "daemon/client_log.h"
#include "daemon/client_request.h"
#include "daemon/consoles.h"
#include "daemon/domain_desk.h"
#include "daemon/grant.h"
#include "daemon/lease_desk.h"
#include "daemon/log.h"
#include "daemon/metrics.h"
#include "daemon/owners.h"
#include "daemon/password_check.h"
#include "daemon/policy.h"
#include "daemon/proxy/web_commons.h"
#include "daemon/reaches.h"
#include "daemon/sibling_probe.h"
#include "daemon/throttle.h"
#include "daemon/tunnel.h"
#include "daemon/worker_figures.h"
#include "ssh/session.h"

namespace portreeve::daemon {

class Client final : private ssh::Session::Events,
                     private Authenticator::Events,
                     private SiblingProbe::Events,
                     private Tunnel::Events,
                     private Reaches::Events,
                     private Consoles::Events {
  public:
    class Events {
      public:
        Events() = default;
        Events(const Events&) = delete;
        Events& operator=(const Events&) = delete;
        virtual ~Events() = default;
        [[nodiscard]] virtual const PolicyPtr& policy() const = 0;
        virtual void on_client_done(Client& client) = 0;
    };

    // What all clients of all workers share.
    struct Commons {
        const Log& log;
        Owners& owners;
        PasswordChecker& password_checker;
        Leases& leases;
        HeldTunnels& held;
        Metrics& metrics;
        NewsBoard& news;
        WebCommons& web;
        DomainDesk& domains;
    };
    // What a client needs of its worker.
    struct Place {
        uring::Ring& ring;
        uring::Stream::Pools pools;
        const Commons& commons;
        LeaseDesk& desk;
        LeaseHolder holder;  // this client, as leases know it
        WorkerFigures& figures;
    };

    Client(Place place, Events& events, Arrival arrival, Admission::Ticket ticket);
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    Client(Client&&) = delete;
    Client& operator=(Client&&) = delete;
    ~Client() override = default;

    // `said`: what it has sent already.
    void open(const ssh::Acceptor& acceptor, std::string_view said);
    // A new policy holds: what of it touches a live session. A key that is no longer granted ends
    // it, if [auth] removed_keys says so.
    void use_policy();
    // The server is stopping: no new visitors; ends when those that are in have left.
    void drain();
    // Ends now.
    void end(ssh::Code reason, std::string_view sentence);
    // What this one had is not its own any more.
    void lose_lease(const LeasePtr& lease, const Refusal& why);
    // Visitors of a lease that it holds; the others are passed on.
    void take_visitors(const LeasePtr& lease, std::vector<Arrival> visitors);
    // A newer session of the same owner wants to know whether this one still answers.
    void show_life(const LeaseHolder& asker);
    // What requests for an http name that it holds go to; nullptr: it does not any more.
    [[nodiscard]] Target* find_target(const LeasePtr& lease) const;
    // Whether a domain that it asked for belongs to its key.
    void hear_domain(const std::string& domain, const DomainProofs::Verdict& verdict);
    void hear_life(const LeaseHolder& sibling) { sibling_probe_.on_life(sibling); }
    [[nodiscard]] std::uint64_t number() const { return place_.holder.client; }

    std::size_t index = 0;  // in the worker's clients

  private:
    // Session
    void on_login_request(const ssh::LoginRequest& request) override;
    std::uint16_t on_forward(const ssh::ForwardWish& wish) override;
    void on_forward_unheard(const ssh::ForwardWish& wish, std::uint16_t port) override;
    bool on_cancel_forward(const ssh::ForwardWish& wish) override;
    ssh::Channel::Events* on_session_channel() override;
    void on_session_channel_open(ssh::Channel& channel, ssh::Channel::Events& user) override;
    ssh::Channel::Events* on_direct_wish(const ssh::DirectWish& wish) override;
    void on_direct_channel_open(ssh::Channel& channel, ssh::Channel::Events& user) override;
    void on_alive() override;
    void on_session_end(ssh::Code reason, std::string_view detail) override;
    void on_session_joined() override;
    // Authenticator
    [[nodiscard]] const PolicyPtr& policy() const override { return events_.policy(); }
    void on_login_decided(tl::expected<Grant, Refusal> decision) override;
    void on_authenticator_idle() override;
    // SiblingProbe
    void on_siblings_probed() override { welcome(); }
    // Tunnel
    [[nodiscard]] tl::expected<Visitor::Share, Refusal> admit_visitor(
        const Tunnel& tunnel) override;
    void on_visitor_open(Tunnel& tunnel, const Visitor& visitor) override;
    void on_visitor_turned_away(Tunnel& tunnel, const std::string& from, ssh::Code code,
                                std::string_view why) override;
    void on_visitor_closed(Tunnel& tunnel, const Visitor& visitor) override;
    void on_visitors_unserved(Tunnel& tunnel, std::vector<Arrival> visitors) override;
    void on_accept_trouble(Tunnel& tunnel, int error) override;
    void on_target_health(Tunnel& tunnel, bool is_well) override;
    void on_tunnel_done(Tunnel& tunnel) override;
    // Reaches
    [[nodiscard]] const Grant& reach_grant() const override { return *grant_; }
    [[nodiscard]] tl::expected<Visitor::Share, Refusal> admit_reach() override;
    [[nodiscard]] Reaches::Carrier find_name(const std::string& name, std::uint16_t port) override;
    void on_reach_notice(const std::string& line) override;
    void on_reach_left() override;
    // Consoles
    [[nodiscard]] std::string tunnels_text() const override;
    [[nodiscard]] std::string command_refusal() const override;
    [[nodiscard]] bool pty_permitted() const override { return grant_->options.pty; }
    [[nodiscard]] LiveScreen::Scene screen_scene() const override {
        return {place_.ring, place_.commons.leases, place_.commons.owners, grant_->owner};
    }
    [[nodiscard]] Console::Answer on_console_command(std::string_view line) override;

    [[nodiscard]] tl::expected<void, Refusal> enter(Grant grant);
    void let_in();
    void welcome();
    [[nodiscard]] Leases::Claimant claimant() const;
    [[nodiscard]] NameRules name_rules() const;
    [[nodiscard]] Leases::IsAmong is_among() const;
    void use_grant(Grant grant);
    void check_time();
    [[nodiscard]] std::string use_words(const SessionWords& words);
    void forfeit(ssh::Code reason, const std::string& sentence);
    void refuse_login(const Refusal& refusal);
    [[nodiscard]] bool asks_proof(const ssh::ForwardWish& wish);
    void open_or_refuse(const ssh::ForwardWish& wish);
    void give_up(const ssh::ForwardWish& wish, const Refusal& refusal);
    void tell_opened(const ssh::ForwardWish& wish, const Tunnel& tunnel);
    [[nodiscard]] tl::expected<Tunnel*, Refusal> open_tunnel(const ssh::ForwardWish& wish);
    [[nodiscard]] Refusal tunnels_are_full() const;
    [[nodiscard]] bool channels_full() const;
    [[nodiscard]] TunnelRulesPtr rules_for(const Tunnel& tunnel,
                                           const std::string& credentials) const;
    void use_rules();
    void tell_leases_rules();
    void keep_rules_before(Tunnel& tunnel);
    void forget_rules_before();
    void use_visitor_words(const SessionWords& words);
    [[nodiscard]] std::optional<Refusal> why_against_words(LeaseKind kind, std::string_view path,
                                                           bool has_credentials) const;
    void retract(Tunnel& tunnel, const Refusal& why);
    void close_if_wanted();
    void tell_limit(const Tunnel& tunnel, const Refusal& refusal);
    [[nodiscard]] tl::expected<Visitor::Share, Refusal> take_share(KindFigures& kind,
                                                                   Traffic* tunnel);
    void refuse_forward(const ssh::ForwardWish& wish, const Refusal& refusal);
    void leave_tunnels(const Refusal& why);
    void end_tunnel(Tunnel& tunnel, const Refusal& why);
    void blame(ssh::Code reason);
    [[nodiscard]] Log::Level level_for_stranger(std::string_view what);
    void sweep();
    [[nodiscard]] std::string describe(const Tunnel& tunnel) const;
    [[nodiscard]] std::size_t open_tunnels() const;

    // What the client shows of itself when it asks to be let in.
    struct LoginShown {
        std::string user;
        std::string fingerprint;
        bool enough = false;             // if it is granted, the client is in
        std::optional<ssh::Code> noted;  // why it was refused before it was proven
    };

    Place place_;
    Events& events_;
    uring::Address peer_;
    ClientLog log_;
    std::optional<Admission::Ticket> ticket_;
    Authenticator authenticator_;
    ssh::Session session_;
    std::unique_ptr<LoginShown> shown_;  // until it is logged in
    std::optional<Grant> grant_;         // once logged in
    SiblingProbe sibling_probe_;
    std::vector<LeaseHolder> life_askers_;  // one for each session of this key at most
    std::shared_ptr<Owners::Usage> usage_;
    std::optional<Owners::Place> session_place_;
    Throttle from_visitors_;
    Throttle to_visitors_;
    // What an end without a login is; nullopt: no fault of the client's.
    std::optional<Offence> offence_ = Offence::no_auth;
    std::vector<std::unique_ptr<Tunnel>> tunnels_;
    std::vector<std::unique_ptr<Tunnel>> done_tunnels_;
    // Of domains whose proof is being asked for: granted as far as the client knows.
    struct Unproven {
        ssh::ForwardWish wish;
        std::string domain;
        bool is_cancelled = false;  // but asked for until the answer is there: that is the bound
    };
    std::vector<Unproven> unproven_;
    Reaches reaches_;
    Consoles consoles_;
    uring::Task sweep_ = uring::Task::to<&Client::sweep>(this);
    uring::Timer time_ = uring::Timer::to<&Client::check_time>(this, place_.ring.timers());
    std::optional<std::int64_t> deadline_s_;  // by the words of the session
    NameRules rules_asked_;                   // by the words of the session
    TunnelRulesPtr rules_said_;               // likewise
    bool has_spoken_ = false;                 // or was silent for long enough
    uring::Timer silence_ =
        uring::Timer::to<&Client::forget_rules_before>(this, place_.ring.timers());
    std::int64_t limit_told_until_ms_ = 0;  // no other line about visitors too many
    bool wants_private_ = false;            // tcp-alias=true
    bool auto_close_ = false;               // it ends with its last forward
    bool draining_ = false;
    bool session_joined_ = false;
};

}  // namespace portreeve::daemon
