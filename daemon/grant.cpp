#include "daemon/grant.h"

#include <algorithm>
#include <iterator>

#include "daemon/binding.h"
#include "daemon/http/basic_auth.h"
#include "daemon/names.h"
#include "daemon/wish_text.h"
#include "ssh/text.h"

namespace portreeve::daemon {
namespace {

constexpr std::uint32_t kPrivilegedPortMax = 1023;
constexpr std::size_t kAddressMax = 255;  // a DNS name is no longer
// … but what may stand around one is.
constexpr std::size_t kHttpAddressMax =
    http::kCredentialsBytesMax + 1 + kAddressMax + kHttpPathBytesMax + 1;

std::string text_of(const ssh::ForwardWish& wish) {
    return "\"" + without_credentials(wish.address) + "\" port " + std::to_string(wish.port);
}

Refusal no_forwarding(const Grant& grant) {
    const bool by_certificate = !grant.certificate.empty();
    return {"forwarding_not_allowed",
            by_certificate
                ? grant.certificate + " and " + grant.source + " do not both permit port forwarding"
                : grant.source +
                      " does not permit port forwarding (restrict or "
                      "no-port-forwarding)"};
}

Refusal not_permitted(const Grant& grant, const ssh::ForwardWish& wish) {
    return {"listen_not_permitted",
            "no permitlisten of " + grant.source + " allows " + text_of(wish)};
}

tl::expected<void, Refusal> may_listen(const Grant& grant, const conf::Config& config,
                                       const ssh::ForwardWish& wish) {
    const auto& permits = grant.options.permit_listen;
    const bool wants_name = is_name(wish.address);
    bool permitted = permits.empty();
    bool named = false;  // by number, which `*` is not
    for (const ssh::ListenPattern& permit : permits) {
        if (permit.matches(wish.address, wish.port, wants_name)) {
            permitted = true;
            named = named || permit.names_port(wish.port);
        }
    }
    if (!permitted) {
        return tl::unexpected(not_permitted(grant, wish));
    }
    if (wants_name) {
        return check_name(wish, config);
    }
    if (wish.port == 0) {
        return {};  // it comes out of the pool
    }
    const std::vector<conf::PortRange>& ports = config.forward.ports;
    const bool privileged = wish.port <= kPrivilegedPortMax;
    if ((privileged && named) ||
        std::any_of(ports.begin(), ports.end(),
                    [&](const conf::PortRange& range) { return range.contains(wish.port); })) {
        return {};
    }
    if (privileged) {
        return tl::unexpected(
            Refusal{"port_privileged",
                    "port " + std::to_string(wish.port) +
                        " is privileged: [forward] ports or a permitlisten of the key must name "
                        "it"});
    }
    return tl::unexpected(Refusal{
        "port_not_allowed", "port " + std::to_string(wish.port) + " is outside [forward] ports"});
}

// Whether this very name is on a line of the grant's, without a glob.
bool is_written_out_for(const Grant& grant, const ssh::ForwardWish& wish, const HttpName& name,
                        const conf::Http& http) {
    const auto& permits = grant.options.permit_listen;
    return std::any_of(permits.begin(), permits.end(), [&](const ssh::ListenPattern& permit) {
        return permit.is_written_out() && permits_http(permit, wish, name, http);
    });
}

// Whether it is on anybody's.
bool is_written_out(const ssh::AuthorizedKeys& keys, const std::string& host,
                    const conf::Http& http) {
    return std::any_of(kHttpPorts.begin(), kHttpPorts.end(), [&](std::uint32_t port) {
        return keys.writes_out(host, port) || keys.writes_out(http_urls(http).name(host), port);
    });
}

Refusal kept_for_another(const std::string& host) {
    return {"name_reserved", "\"" + ssh::shown(host) +
                                 "\" is kept for another key, whose permitlisten names it; ask for "
                                 "another name, or for one of your own: -R 80:HOST:PORT"};
}

// What is made from an owner is not what others were promised.
tl::expected<std::optional<HttpName>, Refusal> without_anothers(HttpName name,
                                                                const conf::Http& http,
                                                                const ssh::AuthorizedKeys& keys) {
    std::vector<std::string> hosts = std::move(name.other_hosts);
    hosts.insert(hosts.begin(), std::move(name.host));
    std::erase_if(hosts, [&](const std::string& host) {
        return is_written_out(keys, host, http) || is_reserved_host(host, http);
    });
    if (hosts.empty()) {
        return tl::unexpected(kept_for_another("a name made from your key"));
    }
    name.host = std::move(hosts.front());
    name.other_hosts.assign(std::next(hosts.begin()), hosts.end());
    return name;
}

tl::expected<std::optional<HttpName>, Refusal> may_have_http_name(const Grant& grant,
                                                                  const conf::Http& http,
                                                                  const ssh::AuthorizedKeys& keys,
                                                                  const ssh::ForwardWish& wish) {
    auto name = http_name_of(wish, grant.owner, grant.user, http);
    if (!name) {
        return tl::unexpected(name.error());
    }
    const auto& permits = grant.options.permit_listen;
    if (!permits.empty() &&
        std::none_of(permits.begin(), permits.end(), [&](const ssh::ListenPattern& permit) {
            return permits_http(permit, wish, *name, http);
        })) {
        return tl::unexpected(not_permitted(grant, wish));
    }
    if (name->is_derived) {
        return without_anothers(std::move(*name), http, keys);
    }
    if (is_written_out_for(grant, wish, *name, http)) {
        return std::move(*name);
    }
    if (is_written_out(keys, name->host, http)) {
        return tl::unexpected(kept_for_another(name->host));
    }
    if (is_reserved_host(name->host, http)) {
        return tl::unexpected(Refusal{
            "name_reserved", "\"" + ssh::shown(name->host) +
                                 "\" is kept for this server itself, since visitors would take it "
                                 "for the server's own ([http] reserved, or one of the words that "
                                 "always are); ask for another name"});
    }
    return std::move(*name);
}

}  // namespace

tl::expected<std::optional<HttpName>, Refusal> may_forward(const Grant& grant,
                                                           const conf::Config& config,
                                                           const ssh::AuthorizedKeys& keys,
                                                           const ssh::ForwardWish& wish) {
    const bool is_http = is_http_wish(wish, config.http);
    const std::size_t address_max = is_http ? kHttpAddressMax : kAddressMax;
    if (wish.address.size() > address_max) {
        return tl::unexpected(
            Refusal{"address_too_long",
                    "the address has more than " + std::to_string(address_max) + " characters"});
    }
    if (!grant.options.port_forwarding) {
        return tl::unexpected(no_forwarding(grant));
    }
    if (is_http) {
        return may_have_http_name(grant, config.http, keys, wish);
    }
    if (auto may = may_listen(grant, config, wish); !may) {
        return tl::unexpected(may.error());
    }
    return std::nullopt;
}

tl::expected<void, Refusal> may_reach(const Grant& grant, const std::string& host,
                                      std::uint32_t port) {
    if (!grant.options.port_forwarding) {
        return tl::unexpected(no_forwarding(grant));
    }
    const auto& permits = grant.options.permit_open;
    if (permits.empty() && is_name(ssh::lower_case(host))) {
        return {};
    }
    if (std::none_of(permits.begin(), permits.end(),
                     [&](const ssh::OpenPattern& permit) { return permit.matches(host, port); })) {
        return tl::unexpected(Refusal{"open_not_permitted", "no permitopen of " + grant.source +
                                                                " allows \"" + host + "\" port " +
                                                                std::to_string(port)});
    }
    return {};
}

bool is_in_audience(const Grant& grant, const std::string& owner, const ssh::Audience& audience,
                    const conf::Groups& groups) {
    if (grant.owner == owner || audience.anyone) {
        return true;
    }
    const auto is_me = [&](const std::string& identity) {
        constexpr std::string_view kPrincipal = "principal:";
        return identity == grant.owner ||
               (identity.starts_with(kPrincipal) &&
                std::find(grant.principals.begin(), grant.principals.end(),
                          identity.substr(kPrincipal.size())) != grant.principals.end());
    };
    return std::any_of(audience.members.begin(), audience.members.end(),
                       [&](const std::string& member) {
                           const auto group = groups.find(member);
                           return is_me(member) ||
                                  (group != groups.end() &&
                                   std::any_of(group->second.begin(), group->second.end(), is_me));
                       });
}

bool may_reach_metrics(const Grant& grant, std::uint16_t port, const conf::Config& config) {
    const std::vector<std::string>& users = config.metrics.alias_users;
    const bool anyone = std::find(users.begin(), users.end(), "any") != users.end();
    return port == kMetricsPort && is_in_audience(grant, "", {anyone, users}, config.groups);
}

}  // namespace portreeve::daemon
