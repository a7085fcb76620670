// The PROXY protocol, versions 1 and 2 (haproxy.org, proxy-protocol.txt): what a load balancer says
// before the first byte of a connection about who is at its other end, and what we say to a target
// that asks for it.
//
// Owns: nothing. Called by: whoever accepts from listed networks, and whoever opens channels.
// Bounds: kProxyHeaderBytesMax; the parser is given all bytes so far each time, and keeps none.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "daemon/http/fault.h"

namespace portreeve::http {

// With its TLVs. HAProxy sends less than 100 bytes, cloud balancers less than 1 KiB.
inline constexpr std::size_t kProxyHeaderBytesMax = 4096;

struct Endpoint {
    std::array<std::uint8_t, 16> address{};  // an IPv4 one mapped: ::ffff:192.0.2.1
    std::uint16_t port = 0;

    [[nodiscard]] bool is_v4() const;
    bool operator==(const Endpoint&) const = default;
};

struct Endpoints {
    Endpoint source;
    Endpoint destination;
    bool operator==(const Endpoints&) const = default;
};

struct ProxyHeader {
    std::size_t size_bytes = 0;
    // Nothing: the balancer speaks for itself (a health check), or of what is no TCP connection.
    std::optional<Endpoints> endpoints;
};

// Nothing: call again with the same bytes and more. A fault: these bytes begin no such header.
[[nodiscard]] tl::expected<std::optional<ProxyHeader>, Fault> parse_proxy_header(
    std::string_view bytes);

// Appends a header; without endpoints one that says that they are not known.
void write_proxy_v1(const std::optional<Endpoints>& endpoints, std::string& out);
void write_proxy_v2(const std::optional<Endpoints>& endpoints, std::string& out);

}  // namespace portreeve::http
