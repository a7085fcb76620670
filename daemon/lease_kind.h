// What an address can be that somebody has a lease of.
//
// Called by: Leases, and whoever shows tunnels. Bounds: none needed.
#pragma once

#include <string_view>

namespace portreeve::daemon {

enum class LeaseKind {
    tcp,   // addresses and a port, with sockets that listen there
    name,  // a private name, which only this server knows
    http,  // a host and a path, for which requests come through this server's proxy
};

// As lists, files and metrics have it.
[[nodiscard]] constexpr std::string_view name_of(LeaseKind kind) {
    return kind == LeaseKind::tcp ? "tcp" : kind == LeaseKind::name ? "private" : "http";
}

}  // namespace portreeve::daemon
