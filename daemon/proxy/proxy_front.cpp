#include "daemon/proxy/proxy_front.h"

#include <algorithm>
#include <string>
#include <utility>

#include "daemon/indexed.h"

namespace portreeve::daemon {

void ProxyFront::use(const conf::Config& config) {
    const conf::Http& http = config.http;
    rules_ = {http.head_timeout.count(),
              http.idle_timeout.count(),
              http.hold.count(),
              config.limits.visitors_waiting,
              http.trusted,
              commons_.by,
              {http.allow, http.deny},
              http.redirect,
              http.acme_webroot,
              http.proxy_protocol,
              config.https.ssh,
              http.domain};
}

std::string ProxyFront::https_origin(std::string_view host, bool passes_tls) const {
    constexpr std::uint16_t kHttpsPort = 443;
    if (parts_.tls == nullptr || parts_.https_port == 0 ||
        (!passes_tls && !parts_.tls->serves(host))) {
        return {};
    }
    const std::string port =
        parts_.https_port == kHttpsPort ? std::string() : ":" + std::to_string(parts_.https_port);
    return std::string("https://").append(host).append(port);
}

void ProxyFront::take(WebArrival arrival) {
    const WebKnock::Wants wants = wants_of(arrival);
    if (!wants.any()) {
        serve(std::move(arrival));
        return;
    }
    if (draining_) {
        return;
    }
    WebKnock::Events& self = *this;
    auto& knock = knocks_.emplace_back(std::make_unique<WebKnock>(
        ring_, *pools_, std::move(arrival), wants, rules_.head_ms, self));
    knock->index = knocks_.size() - 1;
    knock->open();
}

WebKnock::Wants ProxyFront::wants_of(const WebArrival& arrival) const {
    if (arrival.is_known) {
        return {};
    }
    const auto is_in = [bytes = address_bytes(arrival.from)](const conf::Network& network) {
        return network.contains(bytes);
    };
    const std::vector<conf::Network>& listed = rules_.proxy_protocol;
    return {std::any_of(listed.begin(), listed.end(), is_in), arrival.is_https && rules_.ssh_too,
            arrival.is_https && leases_.pass_tls()};
}

void ProxyFront::on_knock_known(WebArrival arrival, const std::optional<http::Host>& hello) {
    if (!renew_ticket(arrival)) {
        return;
    }
    if (hello && leases_.may_pass_tls(hello->name())) {
        const auto place = leases_.find_http(hello->name(), "/", ring_.now_ms());
        if (place && place->passes_tls) {
            if (!rules_.admitted.admits(arrival.from)) {
                return;  // TLS that is not ours to open cannot say so
            }
            std::vector<Arrival> one;
            one.emplace_back(std::move(arrival.socket), arrival.from, std::move(arrival.raw));
            one.back().counted =
                std::make_shared<const WebAdmission::Ticket>(std::move(arrival.ticket));
            desk_.pass_on(place->lease, std::move(one));
            return;
        }
    }
    serve(std::move(arrival));
}

// Whom a balancer comes for is counted, and not the balancer. False: there are too many of those.
bool ProxyFront::renew_ticket(WebArrival& arrival) {
    if (!arrival.is_proxied) {
        return true;
    }
    auto ticket = commons_.admission.admit(Source(arrival.from));
    if (!ticket) {
        return false;
    }
    arrival.ticket = std::move(*ticket);
    return true;
}

void ProxyFront::on_knock_ssh(WebArrival arrival) {
    events_.on_front_ssh({std::move(arrival.socket), arrival.from, std::move(arrival.raw)});
}

void ProxyFront::on_knock_gone(WebKnock& knock) {
    gone_knocks_.push_back(take_indexed(knocks_, knock.index));
    ring_.post(sweep_);
}

void ProxyFront::serve(WebArrival arrival) {
    arrival.is_known = true;
    if (arrival.is_https && arrival.tls == nullptr) {
        if (parts_.tls == nullptr) {
            return;
        }
        arrival.tls = std::make_unique<WebTls>(parts_.tls);
    }
    ProxyVisitor::Events& self = *this;
    auto& visitor = visitors_.emplace_back(
        std::make_unique<ProxyVisitor>(ring_, *pools_, std::move(arrival), self));
    visitor->index = visitors_.size() - 1;
    ProxyVisitor& taken = *visitor;
    taken.open();
    if (draining_) {
        taken.drain();
    }
}

ProxyVisitor::Place ProxyFront::find_place(std::string_view host, std::string_view path,
                                           const LeasePtr& chosen) {
    using Kind = ProxyVisitor::Place::Kind;
    auto found = leases_.find_http(host, path, ring_.now_ms(), chosen);
    if (!found) {
        return {};
    }
    if (found->held) {
        return {Kind::held, std::move(*found), nullptr};
    }
    if (!events_.is_here(found->holder)) {
        return {Kind::elsewhere, std::move(*found), nullptr};
    }
    Target* const target = events_.find_target(found->lease, found->holder);
    return {target != nullptr ? Kind::here : Kind::held, std::move(*found), target};
}

std::string_view ProxyFront::own_page(std::uint16_t status) const {
    if (parts_.pages == nullptr) {
        return {};
    }
    const auto found = parts_.pages->find(status);
    return found == parts_.pages->end() ? std::string_view() : found->second;
}

void ProxyFront::on_visitor_waits(ProxyVisitor& visitor, bool waits) {
    if (waits) {
        waiting_.push_back(&visitor);
        commons_.waiting.fetch_add(1);
    } else {
        std::erase(waiting_, &visitor);
        commons_.waiting.fetch_sub(1);
    }
}

void ProxyFront::look_again() {
    for (ProxyVisitor* const visitor : std::vector(waiting_)) {
        visitor->look_again();
    }
}

void ProxyFront::on_visitor_moves(WebArrival arrival, const LeaseHolder& to) {
    ring_.post(to.keeper->ring_descriptor(),
               uring::make_message([keeper = to.keeper, moved = std::move(arrival)]() mutable {
                   keeper->on_web_visitor(std::move(moved));
               }));
}

void ProxyFront::on_visitor_gone(ProxyVisitor& visitor) {
    gone_.push_back(take_indexed(visitors_, visitor.index));
    ring_.post(sweep_);
}

void ProxyFront::sweep() {
    gone_.clear();
    gone_knocks_.clear();
    if (empty()) {
        events_.on_front_empty();
    }
}

void ProxyFront::on_request_over(const ProxyVisitor& visitor, const Exchange& exchange) {
    if (!log_.shows(Log::Level::debug, "request")) {
        return;
    }
    log_.debug("request", {{"host", visitor.host()},
                           {"visitor", visitor.peer().text()},
                           {"method", exchange.method()},
                           {"status", std::to_string(exchange.status())},
                           {"duration_ms", std::to_string(ring_.now_ms() - exchange.opened_ms())},
                           {"bytes_in", std::to_string(exchange.figures().from_visitor_bytes)},
                           {"bytes_out", std::to_string(exchange.figures().to_visitor_bytes)},
                           {"why", exchange.is_whole() ? "" : exchange.why().sentence}});
}

void ProxyFront::drain() {
    draining_ = true;
    for (std::size_t at = 0; at < visitors_.size(); ++at) {
        visitors_[at]->drain();
    }
    for (const auto& knock : knocks_) {
        knock->cut();
    }
    ring_.post(sweep_);
}

void ProxyFront::cut() {
    for (std::size_t at = 0; at < visitors_.size(); ++at) {
        visitors_[at]->cut();
    }
    for (const auto& knock : knocks_) {
        knock->cut();
    }
}

}  // namespace portreeve::daemon
