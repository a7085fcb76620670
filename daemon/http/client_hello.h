// What a TLS client says before anything is encrypted: the name it wants to reach (RFC 6066,
// section 3; RFC 8446, section 4.1.2). Looked at where it was received, so that the connection can
// be passed on as if nobody had looked.
//
// Owns: nothing. Called by: whoever routes TLS connections by name. Bounds: kHelloBytesMax,
// kHelloRecordsMax; the parser is given all bytes so far each time, and keeps none.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include <tl/expected.hpp>

#include "daemon/http/fault.h"
#include "daemon/http/host.h"

namespace portreeve::http {

// Without the records' own bytes. Browsers with keys against quantum computers send 2 KiB.
inline constexpr std::size_t kHelloBytesMax = std::size_t{16} * 1024;
// Some clients send it in pieces, so that a censor does not see the name.
inline constexpr std::size_t kHelloRecordsMax = 64;

struct ClientHello {
    std::optional<Host> server_name;  // nothing: it names none
};

// Nothing: call again with the same bytes and more. A fault: it is not TLS, or malformed.
[[nodiscard]] tl::expected<std::optional<ClientHello>, Fault> parse_client_hello(
    std::string_view bytes);

}  // namespace portreeve::http
