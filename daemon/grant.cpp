#include "daemon/grant.h"

#include <algorithm>

#include "daemon/binding.h"
#include "daemon/names.h"
#include "ssh/text.h"

namespace portreeve::daemon {
namespace {

constexpr std::uint32_t kPrivilegedPortMax = 1023;
constexpr std::size_t kAddressMax = 255;  // a DNS name is no longer

std::string text_of(const ssh::ForwardWish& wish) {
    return "\"" + wish.address + "\" port " + std::to_string(wish.port);
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

}  // namespace

tl::expected<void, Refusal> may_forward(const Grant& grant, const conf::Config& config,
                                        const ssh::ForwardWish& wish) {
    if (wish.address.size() > kAddressMax) {
        return tl::unexpected(
            Refusal{"address_too_long",
                    "the address has more than " + std::to_string(kAddressMax) + " characters"});
    }
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
    if (!grant.options.port_forwarding) {
        return tl::unexpected(no_forwarding(grant));
    }
    if (!permitted) {
        return tl::unexpected(Refusal{"listen_not_permitted", "no permitlisten of " + grant.source +
                                                                  " allows " + text_of(wish)});
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
