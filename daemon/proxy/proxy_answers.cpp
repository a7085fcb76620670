// What a ProxyVisitor answers without the target: pages, redirects, and who gets which.

#include <algorithm>
#include <utility>

#include "daemon/http/basic_auth.h"
#include "daemon/http/request_writer.h"
#include "daemon/http/text.h"
#include "daemon/login.h"
#include "daemon/proxy/acme.h"
#include "daemon/proxy/proxy_visitor.h"
#include "daemon/source.h"
#include "daemon/time_text.h"

namespace portreeve::daemon {
namespace {

constexpr std::uint32_t kRetryAfterS = 5;

bool is_in(const std::vector<conf::Network>& networks, const uring::Address& address) {
    return std::any_of(networks.begin(), networks.end(),
                       [bytes = address_bytes(address)](const conf::Network& network) {
                           return network.contains(bytes);
                       });
}

bool is_in(const std::vector<conf::Network>& networks, std::string_view text) {
    const auto address = uring::Address::parse(text, 0);
    return address && is_in(networks, *address);
}

bool is_below(std::string_view host, std::string_view domain) {
    return host.ends_with(domain) &&
           (host.size() == domain.size() || host[host.size() - domain.size() - 1] == '.');
}

}  // namespace

// Whether it is a proxy whose word on those before it is taken.
bool ProxyVisitor::is_trusted(const uring::Address& address) const {
    return is_in(events_.proxy_rules().trusted, address);
}

// Who it is: where it comes from, or whom trusted proxies say that they speak for.
uring::Address ProxyVisitor::visitor_of(const http::RequestHead& head) const {
    const std::vector<conf::Network>& trusted = events_.proxy_rules().trusted;
    if (!is_trusted(arrival_.from)) {
        return arrival_.from;
    }
    const std::string_view behind = http::visitor_behind(
        head, [&](std::string_view address) { return is_in(trusted, address); });
    return uring::Address::parse(behind, 0).value_or(arrival_.from);
}

// Whether it came by https to us, or to a trusted proxy before us, which has opened it.
bool ProxyVisitor::is_secure(const http::RequestHead& head) const {
    std::string_view rest = head.fields.first(http::FieldId::x_forwarded_proto);
    std::string_view scheme;
    return stream_.is_tls() || (http::next_element(rest, scheme) &&
                                http::is_word(scheme, "https") && is_trusted(arrival_.from));
}

// What the configuration says, whatever is asked for. False: it says nothing about this.
bool ProxyVisitor::answer_at_once(const http::RequestHead& head, const http::Host& host) {
    const ProxyRules& rules = events_.proxy_rules();
    if (head.path.starts_with(kChallengePath) && !rules.acme_webroot.empty()) {
        const auto content = read_challenge(rules.acme_webroot, head.path);
        // Who has brought a domain may prove at its target that it is his.
        if (content || is_below(host.name(), rules.domain)) {
            answer(content ? http::proof_page(*content) : http::not_found_page());
            return true;
        }
    }
    if (!rules.admitted.admits(visitor_)) {
        answer(http::forbidden_page());
        return true;
    }
    return rules.redirects && answer_https(head, host, false);
}

// … with its address at https. False: it is there, or there is none.
bool ProxyVisitor::answer_https(const http::RequestHead& head, const http::Host& host,
                                bool passes_tls) {
    if (is_secure(head)) {
        return false;
    }
    std::string location = events_.https_origin(host.name(), passes_tls);
    if (location.empty()) {
        return false;
    }
    if (head.form != http::UriForm::asterisk) {
        location.append(head.path);
    }
    answer(http::redirect_page(location));
    return true;
}

// A connection is for the hosts that its certificate is for (RFC 9110, section 7.4), and none of
// ours for a host whose TLS is its target's to open. False: this one is for it.
bool ProxyVisitor::answer_misdirected(const http::RequestHead& head, const http::Host& host) {
    const bool passes_tls = place_.lease.passes_tls;
    if (passes_tls && !is_secure(head)) {
        if (!answer_https(head, host, true)) {
            answer(http::https_only_page());
        }
        return true;
    }
    const bool says_https = head.form == http::UriForm::absolute &&
                            http::is_word(head.uri.substr(0, head.uri.find(':')), "https");
    if (!passes_tls && stream_.is_for(host.name()) && (!says_https || is_secure(head))) {
        return false;
    }
    answer(http::misdirected_page());
    return true;
}

// What is answered instead of the target. False: nothing is.
bool ProxyVisitor::answer_before(const http::RequestHead& head, const http::Host& host,
                                 const Target& target) {
    const TunnelRules& rules = target.rules();
    if (http::has_passed(head, events_.proxy_rules().by)) {
        answer(http::loop_page());
    } else if (!rules.admitted.admits(visitor_)) {
        answer(http::forbidden_page());
    } else if (rules.force_https && !is_secure(head)) {
        if (!answer_https(head, host, rules.passes_tls)) {
            answer(http::https_only_page());
        }
    } else if (!rules.credentials.empty() && !http::has_credentials(head, rules.credentials)) {
        answer(http::credentials_page(host_));
    } else if (http::hops_left(head) == 0U) {
        answer(head.method == "TRACE" ? http::no_trace_page() : http::last_hop_page());
    } else {
        return false;
    }
    return true;
}

// --- answers of our own ---

void ProxyVisitor::answer(http::Page page) {
    if (asked_.as_html) {
        page.html = events_.own_page(page.status);
    }
    std::string& text = events_.scratch().text;
    text.clear();
    http::write_page(
        page, {asked_.is_head, asked_.keeps, asked_.is_old, asked_.as_html, wall_clock_s()}, text);
    stream_.append(std::as_bytes(std::span(text)));
    events_.on_answer(page.status);
    waits_until_ms_ = 0;
    arrival_.repeats = 0;
    if (asked_.keeps) {
        state_ = State::reading;
    } else {
        leave();
    }
}

// Nobody can say where the next request begins.
void ProxyVisitor::answer_fault(const http::Fault& fault) {
    asked_.keeps = false;
    answer(http::fault_page(fault));
}

void ProxyVisitor::answer_held(const Leases::HttpPlace& place) {
    const std::int64_t since_s = place.held ? place.since_s : wall_clock_s();  // it ends just now
    const std::string text = http::held_text(time_text(since_s));
    answer(http::held_page(text, kRetryAfterS));
}

}  // namespace portreeve::daemon
