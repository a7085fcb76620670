// Which protocol a connection speaks, told by its first bytes: ssh, https and http on one port.
//
// Owns: nothing. Called by: whoever accepts on such a port, until it is known; somebody who says
// nothing is the caller's to time out (some ssh clients wait for the server to speak). Bounds: no
// more than kFirstBytesMax are needed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace portreeve::http {

inline constexpr std::size_t kFirstBytesMax = 33;

enum class Protocol : std::uint8_t {
    need_more,  // call again with the same bytes and more
    ssh,
    tls,
    http,   // of version 1
    http2,  // without TLS, by a client that knows already
    unknown,
};

[[nodiscard]] Protocol classify(std::string_view bytes);

}  // namespace portreeve::http
