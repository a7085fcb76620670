#include "daemon/client.h"

#include <algorithm>

#include "daemon/client_commands.h"
#include "daemon/login_notice.h"
#include "daemon/names.h"
#include "daemon/wish_text.h"

namespace portreeve::daemon {
namespace {

constexpr std::int64_t kClockLookMs = 60'000;  // a clock that is set is noticed that soon

ssh::SessionOptions session_options(const conf::Config& config) {
    return {config.ssh.login_grace.count(), config.ssh.keepalive.count(), config.ssh.banner,
            !config.auth.passwords.empty()};
}

template <class T>
std::unique_ptr<T> take_out(std::vector<std::unique_ptr<T>>& from, const T& item) {
    const auto found =
        std::find_if(from.begin(), from.end(), [&](const auto& one) { return one.get() == &item; });
    std::unique_ptr<T> taken = std::move(*found);
    from.erase(found);
    return taken;
}

}  // namespace

Client::Client(Place place, Events& events, Arrival arrival, Admission::Ticket ticket)
    : place_(place),
      events_(events),
      peer_(arrival.from),
      log_(place.commons.log, place.commons.news, place.ring, place.figures, peer_),
      ticket_(std::move(ticket)),
      authenticator_(place.ring, place.commons.password_checker,
                     {peer_, uring::Address::of_local(arrival.socket.get())}, *this),
      session_(place.ring, place.pools, std::move(arrival.socket),
               session_options(events.policy()->config), *this),
      sibling_probe_(place.ring, *this),
      from_visitors_(place.ring),
      to_visitors_(place.ring),
      reaches_(place.ring, place.pools, place.commons.log, place.figures, log_.client(), *this),
      consoles_(place.ring, *this) {
}

void Client::open(const ssh::Acceptor& acceptor, std::string_view said) {
    log_.session_open();
    if (!session_.open(acceptor, said)) {
        session_.end("failed", "libssh could not take the connection");
    }
}

void Client::use_policy() {
    session_.set_keepalive_ms(policy()->config.ssh.keepalive.count());
    if (!grant_ || session_.ending()) {
        return;
    }
    auto decision = authenticator_.decide_again(*grant_);
    if (decision) {
        use_grant(std::move(*decision));
        return;
    }
    const Refusal& refusal = decision.error();
    const bool keeps = policy()->config.auth.removed_keys == conf::RemovedKeys::keep &&
                       refusal.code != "key_revoked" && refusal.code != "key_expired";
    if (!keeps) {
        forfeit(refusal.code, refusal.sentence);
    }
}

// Its key may not come back, so its addresses are not kept for it either.
void Client::forfeit(ssh::Code reason, const std::string& sentence) {
    for (const auto& tunnel : tunnels_) {
        if (!tunnel->closing()) {
            log_.tunnel_closed(*tunnel, "session");
        }
        end_tunnel(*tunnel, {reason, sentence});
    }
    session_.end(reason, sentence);
}

void Client::drain() {
    if (draining_) {
        return;
    }
    draining_ = true;
    consoles_.tell("portreeve: the server is stopping; open connections may finish\n");
    leave_tunnels({"stopping", "the server is stopping"});
    place_.ring.post(sweep_);
}

void Client::end(ssh::Code reason, std::string_view sentence) {
    for (const auto& tunnel : tunnels_) {
        tunnel->cut();
    }
    reaches_.cut();
    session_.end(reason, std::string(sentence));
}

void Client::on_login_request(const ssh::LoginRequest& request) {
    const bool by_key = request.method() == ssh::LoginRequest::Method::public_key;
    auto shown = std::make_unique<LoginShown>(LoginShown{
        request.user(), by_key ? request.key().fingerprint : "", !by_key || request.proven(), {}});
    if (shown_ && shown_->user == shown->user && shown_->fingerprint == shown->fingerprint) {
        shown->noted = shown_->noted;
    }
    shown_ = std::move(shown);
    authenticator_.decide(request);
}

void Client::on_login_decided(tl::expected<Grant, Refusal> decision) {
    if (decision && shown_->enough) {
        if (auto entered = enter(std::move(*decision)); !entered) {
            decision = tl::unexpected(std::move(entered.error()));
        } else {
            let_in();
            return;
        }
    }
    bool goes_on = decision.has_value();
    if (!decision) {
        refuse_login(decision.error());
        goes_on = !shown_->enough && is_worth_a_proof(decision.error());
    }
    session_.answer_login(goes_on);
}

tl::expected<void, Refusal> Client::enter(Grant grant) {
    if (auto in = ticket_->log_in(grant.owner); !in) {
        return tl::unexpected(in.error());
    }
    usage_ = place_.commons.owners.usage_of(grant.owner);
    session_place_ = usage_->take_session();
    use_grant(std::move(grant));
    log_.login(*grant_);
    shown_.reset();
    return {};
}

// At once, unless the owner is here already: then it is first seen whether he still is.
void Client::let_in() {
    auto siblings = place_.desk.ask_siblings(claimant());
    if (siblings.empty()) {
        welcome();
    } else {
        sibling_probe_.start(std::move(siblings));
    }
}

Leases::Claimant Client::claimant() const {
    return {grant_->owner,           grant_->user, place_.holder, log_.client(),
            sibling_probe_.silent(), name_rules(), is_among()};
}

// Those whom the key's line names, and the words of the session.
NameRules Client::name_rules() const {
    NameRules all{grant_->options.alias_users, grant_->options.alias_share};
    all.reach.add(rules_asked_.reach);
    all.share.add(rules_asked_.share);
    return all;
}

Leases::IsAmong Client::is_among() const {
    return [this](const std::string& owner, const ssh::Audience& audience) {
        return is_in_audience(*grant_, owner, audience, policy()->config.groups);
    };
}

void Client::show_life(const LeaseHolder& asker) {
    life_askers_.push_back(asker);
    if (session_.over()) {
        on_alive();
    } else {
        session_.probe();
    }
}

void Client::on_alive() {
    for (const LeaseHolder& asker : std::exchange(life_askers_, {})) {
        place_.desk.show_life(asker, place_.holder);
    }
}

void Client::use_grant(Grant grant) {
    const NameRules before = grant_ ? name_rules() : NameRules{};
    grant_ = std::move(grant);
    if (name_rules() != before) {
        place_.commons.leases.set_name_rules(place_.holder, name_rules());
    }
    from_visitors_.set_rate(grant_->options.bytes_per_s_max, usage_);
    to_visitors_.set_rate(grant_->options.bytes_per_s_max, usage_);
    check_time();
}

// The key's expiry-time and the session's own deadline, by the wall clock, which may be set: so it
// is looked at now and again.
void Client::check_time() {
    time_.stop();
    const std::int64_t now_s = wall_clock_s();
    if (grant_->options.expired(now_s)) {
        forfeit("key_expired", grant_->source + ": the time of expiry-time has passed");
        return;
    }
    if (deadline_s_ && *deadline_s_ <= now_s) {
        forfeit("deadline", "the time that it asked for with deadline= is over");
        return;
    }
    std::optional<std::int64_t> next_s = deadline_s_;
    if (const auto expiry_s = grant_->options.expiry_s; expiry_s) {
        next_s = std::min(next_s.value_or(*expiry_s + 1), *expiry_s + 1);
    }
    if (next_s) {
        time_.start_at(place_.ring.now_ms() + std::min((*next_s - now_s) * 1000, kClockLookMs));
    }
}

void Client::refuse_login(const Refusal& refusal) {
    const bool our_fault = refusal.code == "auth_command_failed" ||
                           refusal.code == "password_not_checked" ||
                           std::string_view(refusal.code).starts_with("limit_");
    if (our_fault) {
        offence_.reset();
    } else if (offence_) {
        offence_ = Offence::auth_failed;
    }
    const bool is_noted = shown_->enough && shown_->noted == refusal.code;  // at the first try
    if (!is_noted) {
        log_.login_refused(level_for_stranger(refusal.code), shown_->user, shown_->fingerprint,
                           refusal);
    }
    if (!shown_->enough) {
        shown_->noted = refusal.code;
        return;
    }
    shown_->noted.reset();
    // Who guesses a password is not told that it was right.
    if (!shown_->fingerprint.empty() || refusal.code == "limit_sessions_per_key") {
        session_.show_banner(login_notice(refusal));
    }
}

std::uint16_t Client::on_forward(const ssh::ForwardWish& wish) {
    if (asks_proof(wish)) {
        return static_cast<std::uint16_t>(wish.port);
    }
    const auto opened = open_tunnel(wish);
    if (!opened) {
        refuse_forward(wish, opened.error());
        return 0;
    }
    tell_opened(wish, **opened);
    return (*opened)->port();
}

void Client::tell_opened(const ssh::ForwardWish& wish, const Tunnel& tunnel) {
    log_.tunnel_open(wish, tunnel);
    consoles_.tell(describe(tunnel));
    if (!tunnel.note().empty() || tunnel.lease()->kind() != LeaseKind::tcp) {
        session_.say(describe(tunnel));
    }
}

tl::expected<Tunnel*, Refusal> Client::open_tunnel(const ssh::ForwardWish& wish) {
    const conf::Config& config = policy()->config;
    if (draining_) {
        return tl::unexpected(Refusal{"stopping", "the server is stopping"});
    }
    if (open_tunnels() + unproven_.size() >= config.limits.tunnels_per_session) {
        return tl::unexpected(Refusal{"limit_tunnels_per_session",
                                      "this session already has " + std::to_string(open_tunnels()) +
                                          " tunnels ([limits] tunnels_per_session)"});
    }
    const auto http = may_forward(*grant_, config, policy()->authorized_keys, wish);
    if (!http) {
        return tl::unexpected(http.error());
    }
    if (*http) {
        if (auto why =
                why_against_words(LeaseKind::http, (*http)->path, !(*http)->credentials.empty())) {
            return tl::unexpected(std::move(*why));
        }
    }
    auto place = usage_->take_tunnel(grant_->options.tunnels_max);
    Leases::Claimant who = claimant();
    if (!place) {
        who.full = tunnels_are_full();
    }
    auto claim =
        place_.desk.claim(who, wish, config.forward, *http ? &**http : nullptr,
                          "taken over by a newer session of the same key, from " + peer_.host());
    if (!claim) {
        return tl::unexpected(claim.error());
    }
    if (!place) {
        place = usage_->take_tunnel(0);  // instead of the one whose session is about to end
    }
    Tunnel::Events& events = *this;
    auto& tunnel = tunnels_.emplace_back(std::make_unique<Tunnel>(
        place_.ring, place_.pools, session_, events, wish, std::move(*claim), std::move(*place)));
    keep_rules_before(*tunnel);
    tunnel->set_rules(rules_for(*tunnel, *http ? (*http)->credentials : ""));
    return tunnel.get();
}

Refusal Client::tunnels_are_full() const {
    return {"limit_tunnels_per_key", "this key already has " +
                                         std::to_string(grant_->options.tunnels_max) +
                                         " tunnels (max-tunnels, " + grant_->source + ")"};
}

void Client::refuse_forward(const ssh::ForwardWish& wish, const Refusal& refusal) {
    log_.refused(wish, refusal);
    const std::string notice =
        "portreeve: refused " + wish_text(wish.address, wish.port) + ": " + refusal.sentence + "\n";
    consoles_.tell_or_keep(notice);
    session_.say(notice);
}

// Without a reply the client can never learn the port: the tunnel would be open to everybody but
// those it is meant for.
void Client::on_forward_unheard(const ssh::ForwardWish& wish, std::uint16_t port) {
    const Refusal refusal{"reply_not_wanted",
                          "port 0 was asked for without wanting to hear which port it became"};
    for (const auto& tunnel : tunnels_) {
        if (!tunnel->closing() && tunnel->requested_address() == wish.address &&
            tunnel->port() == port) {
            retract(*tunnel, refusal);
            return;
        }
    }
}

void Client::close_if_wanted() {
    if (auto_close_ && open_tunnels() == 0) {
        session_.end("left", "its last forward was taken back, and it said auto-close=true");
    }
}

bool Client::on_cancel_forward(const ssh::ForwardWish& wish) {
    const auto asked = std::find_if(unproven_.begin(), unproven_.end(), [&](const auto& one) {
        return !one.is_cancelled && one.wish.address == wish.address && one.wish.port == wish.port;
    });
    if (asked != unproven_.end()) {
        asked->is_cancelled = true;
        return true;
    }
    for (const auto& tunnel : tunnels_) {
        if (!tunnel->closing() && tunnel->requested_address() == wish.address &&
            tunnel->port() == wish.port) {
            consoles_.tell("portreeve: closed " + tunnel->address_text() + "\n");
            log_.tunnel_closed(*tunnel, "cancelled");
            end_tunnel(*tunnel, {"cancelled", "its client took it back"});
            close_if_wanted();
            return true;
        }
    }
    return false;
}

ssh::Channel::Events* Client::on_session_channel() {
    if (draining_) {
        return nullptr;
    }
    return consoles_.add();
}

void Client::on_session_channel_open(ssh::Channel& channel, ssh::Channel::Events& user) {
    consoles_.attach(channel, user);
}

ssh::Channel::Events* Client::on_direct_wish(const ssh::DirectWish& wish) {
    return reaches_.open(wish);
}

void Client::on_direct_channel_open(ssh::Channel& channel, ssh::Channel::Events& user) {
    reaches_.attach(channel, user);
}

tl::expected<Visitor::Share, Refusal> Client::admit_reach() {
    if (draining_) {
        return tl::unexpected(Refusal{"stopping", "the server is stopping"});
    }
    if (reaches_.count() >= policy()->config.limits.visitors_per_tunnel || channels_full()) {
        return tl::unexpected(Refusal{"limit_visitors_per_tunnel",
                                      "this session has as many connections through this host as "
                                      "[limits] visitors_per_tunnel allows"});
    }
    return take_share(place_.figures.reaches, nullptr);
}

Reaches::Carrier Client::find_name(const std::string& name, std::uint16_t port) {
    const conf::Config& config = policy()->config;
    if (is_metrics_name(name, config) && may_reach_metrics(*grant_, port, config)) {
        return place_.commons.metrics.carrier_from(place_.ring);
    }
    const LeasePtr lease = place_.commons.leases.find_name(name, port, is_among());
    return lease ? place_.desk.carrier_to(lease, peer_) : nullptr;
}

void Client::on_reach_notice(const std::string& line) {
    consoles_.tell(line);
    session_.say(line);
}

void Client::on_reach_left() {
    place_.ring.post(sweep_);
}

std::string Client::tunnels_text() const {
    std::string text;
    for (const auto& tunnel : tunnels_) {
        text += tunnel->closing() ? "" : describe(*tunnel);
    }
    return text;
}

std::string Client::command_refusal() const {
    return !grant_->options.command ? ""
                                    : "portreeve: refused the command of " + grant_->source +
                                          ": this server runs no programs\n";
}

Console::Answer Client::on_console_command(std::string_view line) {
    const auto request = parse_client_request(line, wall_clock_s());
    if (!request) {
        return {{}, request.error(), 2};
    }
    if (request->kind == ClientRequest::Kind::words) {
        return {use_words(request->words), {}, std::nullopt};
    }
    CommandAnswer answer = answer_command(
        *request, {*grant_, *policy(), *usage_, place_.commons.leases, place_.desk, log_.client()});
    return {std::move(answer.text), std::move(answer.error), answer.status};
}

std::string Client::use_words(const SessionWords& words) {
    if (words.alias_users || words.share) {
        rules_asked_ = {words.alias_users.value_or(rules_asked_.reach),
                        words.share.value_or(rules_asked_.share)};
        place_.commons.leases.set_name_rules(place_.holder, name_rules());
    }
    auto_close_ = auto_close_ || words.auto_close;
    use_visitor_words(words);
    if (words.deadline_s) {
        deadline_s_ = words.deadline_s;
        check_time();
    }
    std::string text;
    for (const std::string& notice : words.notices) {
        text += notice;
    }
    return text;
}

std::string Client::describe(const Tunnel& tunnel) const {
    const LeaseKind kind = tunnel.lease()->kind();
    std::string text = kind == LeaseKind::tcp    ? "portreeve: tcp tunnel open "
                       : kind == LeaseKind::name ? "portreeve: private name open "
                                                 : "portreeve: http name open ";
    text += tunnel.again() ? "again at " : "at ";
    text += kind == LeaseKind::http ? place_.commons.leases.url_of(tunnel.lease())
                                    : tunnel.address_text();
    if (!tunnel.note().empty()) {
        text += " (" + tunnel.note() + ")";
    }
    return text + "\n";
}

void Client::on_session_end(ssh::Code reason, std::string_view detail) {
    const bool stranger = !grant_;
    if (stranger) {
        blame(reason);
    }
    const auto level = stranger ? level_for_stranger("session_closed") : Log::Level::info;
    log_.session_closed(level, reason, detail);
    on_alive();  // its tunnels can be claimed: nobody need wait for it
    authenticator_.stop();
    sibling_probe_.stop();
    time_.stop();
    unproven_.clear();
    leave_tunnels({reason, std::string(detail)});
}

void Client::on_authenticator_idle() {
    place_.ring.post(sweep_);
}

// An end that the server decided on is nobody's fault, but for the bounds of a login.
void Client::blame(ssh::Code reason) {
    if (!offence_ || reason == "stopping" || reason == "failed") {
        return;
    }
    Offence offence = *offence_;
    if (reason == "login_grace") {
        offence = Offence::grace_exceeded;
    } else if (reason == "login_attempts") {
        offence = Offence::auth_failed;  // also where no key was tried, but passwords
    }
    ticket_->blame(offence, place_.ring.now_ms());
}

// What strangers make us log has a bound; beyond it only level debug shows it.
Log::Level Client::level_for_stranger(std::string_view what) {
    return ticket_ && ticket_->may_log(what, place_.ring.now_ms()) ? Log::Level::info
                                                                   : Log::Level::debug;
}

// The session is over, or the server stops: the addresses stay the owner's for [forward] lease.
void Client::leave_tunnels(const Refusal& why) {
    const std::int64_t lease_s =
        std::chrono::ceil<std::chrono::seconds>(policy()->config.forward.lease).count();
    for (const auto& tunnel : tunnels_) {
        if (!tunnel->closing()) {
            log_.tunnel_closed(*tunnel, draining_ ? ssh::Code("stopping") : ssh::Code("session"));
        }
        if (lease_s == 0) {
            end_tunnel(*tunnel, why);
        } else {
            tunnel->leave();
            place_.desk.hold(tunnel->lease(), tunnel->turn(), lease_s, grant_->options.tunnels_max,
                             why);
        }
    }
}

void Client::end_tunnel(Tunnel& tunnel, const Refusal& why) {
    place_.desk.end(tunnel.lease(), tunnel.turn(), why);
    tunnel.leave();
}

void Client::lose_lease(const LeasePtr& lease, const Refusal& why) {
    for (const auto& tunnel : tunnels_) {
        if (tunnel->lease() == lease) {
            session_.end(why.code, why.sentence);
        }
    }
}

void Client::take_visitors(const LeasePtr& lease, std::vector<Arrival> visitors) {
    for (const auto& tunnel : tunnels_) {
        if (tunnel->lease() == lease && lease->held_since(tunnel->turn())) {
            for (Arrival& visitor : visitors) {
                tunnel->take_visitor(std::move(visitor));
            }
            tunnel->look_again();
            return;
        }
    }
    place_.desk.pass_on(lease, std::move(visitors));
}

void Client::on_visitors_unserved(Tunnel& tunnel, std::vector<Arrival> visitors) {
    place_.desk.pass_on(tunnel.lease(), std::move(visitors));
}

void Client::on_session_joined() {
    session_joined_ = true;
    ticket_.reset();  // only now is the connection gone
    place_.ring.post(sweep_);
}

void Client::on_tunnel_done(Tunnel& tunnel) {
    done_tunnels_.push_back(take_out(tunnels_, tunnel));
    place_.ring.post(sweep_);
}

void Client::sweep() {
    done_tunnels_.clear();
    if (session_joined_) {
        if (tunnels_.empty() && reaches_.count() == 0 && authenticator_.idle()) {
            events_.on_client_done(*this);
        }
        return;
    }
    const bool visited = std::any_of(tunnels_.begin(), tunnels_.end(), [](const auto& tunnel) {
        return tunnel->visitor_count() > 0;
    });
    if (draining_ && !visited && reaches_.count() == 0) {
        session_.end("stopping", "the server is stopping");
    }
}

std::size_t Client::open_tunnels() const {
    return static_cast<std::size_t>(std::count_if(
        tunnels_.begin(), tunnels_.end(), [](const auto& tunnel) { return !tunnel->closing(); }));
}

}  // namespace portreeve::daemon
