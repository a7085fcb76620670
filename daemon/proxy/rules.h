// What the configuration, and what a client, say about visitors.
//
// Owns: values only. Called by: ProxyFront and ProxyVisitor for http names, Tunnel for all. Bounds:
// kNetworksMax of a client's.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "conf/config.h"
#include "daemon/source.h"
#include "uring/socket.h"

namespace portreeve::daemon {

// Who may visit: whoever is not denied; if anybody is allowed by name, those alone.
struct Admitted {
    static constexpr std::size_t kNetworksMax = 64;

    std::vector<conf::Network> allow;
    std::vector<conf::Network> deny;

    [[nodiscard]] bool admits(const uring::Address& address) const {
        if (allow.empty() && deny.empty()) {
            return true;
        }
        const auto is_in = [bytes = address_bytes(address)](const conf::Network& network) {
            return network.contains(bytes);
        };
        return std::none_of(deny.begin(), deny.end(), is_in) &&
               (allow.empty() || std::any_of(allow.begin(), allow.end(), is_in));
    }
    bool operator==(const Admitted&) const = default;
};

// As a client writes them: with "," between them. The error is the end of a sentence.
[[nodiscard]] tl::expected<std::vector<conf::Network>, std::string> parse_networks(
    std::string_view list);
[[nodiscard]] std::string text_of(const std::vector<conf::Network>& networks);

// By the configuration, for all http names.
struct ProxyRules {
    std::int64_t head_ms = 30'000;
    std::int64_t idle_ms = 75'000;
    std::int64_t hold_ms = 0;
    std::uint32_t waiting_max = 1'000;   // for one owner
    std::vector<conf::Network> trusted;  // proxies whose word on those before them is taken
    std::string by;                      // this server's name for itself, in `Forwarded`
    Admitted admitted;
    bool redirects = false;                     // http to https, where there is a certificate
    std::string acme_webroot;                   // empty: none
    std::vector<conf::Network> proxy_protocol;  // who say first for whom they come
    bool ssh_too = false;                       // at https ports
    std::string domain;  // that names without a domain of their own are below
};

// By a client, for the tunnels of its session.
struct TunnelRules {
    enum class ProxyHeader : std::uint8_t { none, v1, v2 };

    ProxyHeader proxy_header = ProxyHeader::none;  // what the target gets first
    Admitted admitted;
    // Of http names:
    std::string credentials;  // "user:password" that a visitor needs; empty: none
    std::string host_header;  // instead of the visitor's Host; empty: that
    std::string strip_path;   // taken off the path before the target sees it
    bool strips_path = true;  // … if the name has one
    bool force_https = false;
    bool passes_tls = false;  // what comes by TLS is not opened
};

// nullptr: the client has said nothing.
using TunnelRulesPtr = std::shared_ptr<const TunnelRules>;
inline const TunnelRules& rules_of(const TunnelRulesPtr& rules) {
    static const TunnelRules kNone;
    return rules ? *rules : kNone;
}

}  // namespace portreeve::daemon
