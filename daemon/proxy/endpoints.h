// Addresses of sockets and those of PROXY headers.
//
// Owns: nothing. Called by: whoever reads or writes such headers. Bounds: none needed.
#pragma once

#include <string>

#include "daemon/http/proxy_protocol.h"
#include "daemon/proxy/rules.h"
#include "uring/socket.h"

namespace portreeve::daemon {

[[nodiscard]] uring::Address address_of(const http::Endpoint& endpoint);
[[nodiscard]] http::Endpoint endpoint_of(const uring::Address& address);

// The header that a target gets first; empty: none.
[[nodiscard]] std::string proxy_header(TunnelRules::ProxyHeader version,
                                       const uring::Address& visitor, const uring::Address& at);

}  // namespace portreeve::daemon
