// The visitors of a client's tunnels: who is let in, what they may use, and what the client said
// about them behind the host.

#include <utility>

#include "daemon/client.h"

namespace portreeve::daemon {

// A channel outlives its visitor until the client has closed it too, so channels are bounded as
// well: as if what the client reaches were the visitors of one tunnel more.
bool Client::channels_full() const {
    const std::size_t maximum = policy()->config.limits.visitors_per_tunnel;
    return session_.channel_count() >=
           maximum * (tunnels_.size() + 1) + ssh::Session::kSessionChannelsMax;
}

tl::expected<Visitor::Share, Refusal> Client::admit_visitor(const Tunnel& tunnel) {
    if (tunnel.visitor_count() >= policy()->config.limits.visitors_per_tunnel || channels_full()) {
        return tl::unexpected(Refusal{"limit_visitors_per_tunnel",
                                      "the tunnel has as many visitors as [limits] "
                                      "visitors_per_tunnel allows"});
    }
    Lease& lease = *tunnel.lease();
    KindFigures& kind = lease.kind() == LeaseKind::tcp    ? place_.figures.tcp
                        : lease.kind() == LeaseKind::name ? place_.figures.names
                                                          : place_.figures.http;
    return take_share(kind, &lease.traffic());
}

tl::expected<Visitor::Share, Refusal> Client::take_share(KindFigures& kind, Traffic* tunnel) {
    auto place = usage_->take_visitor(grant_->options.visitors_max);
    if (!place) {
        return tl::unexpected(Refusal{
            "limit_visitors_per_key",
            "the key has as many visitors as its max-visitors allows (" + grant_->source + ")"});
    }
    return Visitor::Share{std::move(*place), from_visitors_, to_visitors_, kind, tunnel};
}

void Client::on_visitor_open(Tunnel& tunnel, const Visitor& visitor) {
    log_.visitor_open(tunnel, visitor);
}

void Client::on_visitor_turned_away(Tunnel& tunnel, const std::string& from, ssh::Code code,
                                    std::string_view why) {
    const Refusal refusal{code, std::string(why)};
    const bool is_limit = std::string_view(code).starts_with("limit_");
    if (is_limit || code == "target_refused" || code == "target_failed") {
        place_.desk.note_error(tunnel.lease(), refusal);
    }
    if (is_limit) {
        tell_limit(tunnel, refusal);
    }
    log_.visitor_refused(level_for_stranger("visitor_refused"), tunnel, from, refusal);
}

// Strangers can cause it as often as they like.
void Client::tell_limit(const Tunnel& tunnel, const Refusal& refusal) {
    constexpr std::int64_t kPeriodMs = 60'000;
    const std::int64_t now_ms = place_.ring.now_ms();
    if (now_ms < limit_told_until_ms_) {
        return;
    }
    limit_told_until_ms_ = now_ms + kPeriodMs;
    const std::string line =
        "portreeve: refused a visitor of " + tunnel.address_text() + ": " + refusal.sentence + "\n";
    consoles_.tell(line);
    session_.say(line);
}

void Client::on_visitor_closed(Tunnel& tunnel, const Visitor& visitor) {
    log_.visitor_closed(tunnel, visitor);
}

void Client::on_accept_trouble(Tunnel& tunnel, int error) {
    log_.accept_paused(tunnel, error);
}

void Client::on_target_health(Tunnel& tunnel, bool is_well) {
    constexpr std::int64_t kAsideMs = 10'000;
    place_.commons.leases.set_aside(tunnel.lease(), is_well ? 0 : place_.ring.now_ms() + kAsideMs);
}

Target* Client::find_target(const LeasePtr& lease) const {
    if (session_.ending()) {
        return nullptr;
    }
    for (const auto& tunnel : tunnels_) {
        if (tunnel->lease() == lease && lease->held_since(tunnel->turn())) {
            return tunnel->target();
        }
    }
    return nullptr;
}

// A name that is made from the owner is known before it is asked for, and a client with -N hears
// of nothing else.
void Client::welcome() {
    constexpr std::uint32_t kHttpPort = 80;
    const conf::Config& config = policy()->config;
    if (!config.http.domain.empty()) {
        const auto name = may_forward(*grant_, config, policy()->authorized_keys, {"", kHttpPort});
        const std::string url =
            name && *name ? place_.commons.leases.url_for(claimant(), **name) : "";
        if (!url.empty()) {
            session_.show_banner("portreeve: -R 80:localhost:PORT is " + url + "\r\n");
        }
    }
    session_.answer_login(true);
}

// What was said holds for all tunnels of the session; credentials and the path are a tunnel's own.
// Of what an earlier session said, who may visit.
TunnelRulesPtr Client::rules_for(const Tunnel& tunnel, const std::string& credentials) const {
    const std::string& path = tunnel.lease()->terms().path;
    if (!rules_said_ && !tunnel.rules_before() && credentials.empty() && path.empty()) {
        return nullptr;
    }
    auto rules = std::make_shared<TunnelRules>(rules_of(rules_said_));
    if (!rules_said_) {
        rules->admitted = rules_of(tunnel.rules_before()).admitted;
    }
    rules->credentials = credentials;
    rules->strip_path = rules->strips_path ? path : "";
    return rules;
}

void Client::use_rules() {
    for (const auto& tunnel : tunnels_) {
        const Target* const target = tunnel->target();
        tunnel->set_rules(rules_for(*tunnel, target != nullptr ? target->rules().credentials : ""));
    }
    tell_leases_rules();
}

void Client::tell_leases_rules() {
    place_.commons.leases.set_pass_tls(place_.holder, rules_of(rules_said_).passes_tls);
    place_.commons.leases.say_rules(place_.holder, rules_said_);
}

// Words come after the forwards they are about: until then who was kept out is kept out, and for as
// long as a client takes that means to say something.
void Client::keep_rules_before(Tunnel& tunnel) {
    constexpr std::int64_t kSilenceMs = 5'000;
    if (has_spoken_) {
        tunnel.forget_rules_before();
        tell_leases_rules();
    } else if (tunnel.rules_before() && !silence_.running()) {
        silence_.start_at(place_.ring.now_ms() + kSilenceMs);
    }
}

void Client::forget_rules_before() {
    silence_.stop();
    if (!std::exchange(has_spoken_, true)) {
        for (const auto& tunnel : tunnels_) {
            tunnel->forget_rules_before();
        }
        use_rules();
    }
}

void Client::use_visitor_words(const SessionWords& words) {
    const bool any = words.proxy_header || words.allow || words.deny || words.host_header ||
                     words.strip_path || words.force_https || words.sni_proxy;
    if (any) {
        auto rules = std::make_shared<TunnelRules>(rules_of(rules_said_));
        rules->proxy_header = words.proxy_header.value_or(rules->proxy_header);
        rules->admitted.allow = words.allow.value_or(rules->admitted.allow);
        rules->admitted.deny = words.deny.value_or(rules->admitted.deny);
        rules->host_header = words.host_header.value_or(rules->host_header);
        rules->strips_path = words.strip_path.value_or(rules->strips_path);
        rules->force_https = words.force_https.value_or(rules->force_https);
        rules->passes_tls = words.sni_proxy.value_or(rules->passes_tls);
        rules_said_ = std::move(rules);
        use_rules();
    }
    wants_private_ = words.tcp_alias.value_or(wants_private_);
    forget_rules_before();
    for (const auto& tunnel : tunnels_) {
        const Lease& lease = *tunnel->lease();
        const Target* const target = tunnel->target();
        if (tunnel->closing() || target == nullptr) {
            continue;
        }
        const bool has_credentials = !target->rules().credentials.empty();
        if (const auto why = why_against_words(lease.kind(), lease.terms().path, has_credentials)) {
            retract(*tunnel, *why);
        }
    }
}

// Why words of this session and an http name do not go together; nullopt: they do.
std::optional<Refusal> Client::why_against_words(LeaseKind kind, std::string_view path,
                                                 bool has_credentials) const {
    if (kind != LeaseKind::http) {
        return std::nullopt;
    }
    if (wants_private_) {
        return Refusal{"against_words",
                       "tcp-alias=true asks for a private name, and with port 80 or 443 a name is "
                       "on the web; the port of a private name is a label: write another one"};
    }
    if (rules_of(rules_said_).passes_tls && (has_credentials || !path.empty())) {
        return Refusal{"against_words",
                       "sni-proxy=true passes TLS on unopened, where neither a password can be "
                       "asked for nor a path be seen; leave them out"};
    }
    return std::nullopt;
}

// It was granted, and is not to be had after all.
void Client::retract(Tunnel& tunnel, const Refusal& why) {
    const ssh::ForwardWish wish{tunnel.requested_address(), tunnel.port()};
    log_.tunnel_closed(tunnel, why.code);
    end_tunnel(tunnel, why);
    refuse_forward(wish, why);
    close_if_wanted();
}

}  // namespace portreeve::daemon
