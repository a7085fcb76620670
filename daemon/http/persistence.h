// Whether a connection carries another message after this one, and when it stops being HTTP
// (RFC 9112, section 9; RFC 9110, section 7.8).
//
// Owns: nothing. Called by: the proxy, for each exchange. Bounds: none needed.
#pragma once

#include <string_view>

#include "daemon/http/framing.h"
#include "daemon/http/head.h"

namespace portreeve::http {

// Whether the one who sent this wants the connection to go on.
[[nodiscard]] bool wants_more(Version version, const ConnectionOptions& connection);

// Whether the visitor, who sent a request of that version with these options, may send another one
// after a response that is framed as `response`.
[[nodiscard]] bool keeps_visitor(Version version, const ConnectionOptions& connection,
                                 const Framing& response);

// Whether the target may be sent another request once this response is there.
[[nodiscard]] bool keeps_target(const ResponseHead& response, const Framing& framing);

// A body in chunks cannot be passed to HTTP/1.0: the content alone goes there, and ends with the
// connection.
[[nodiscard]] bool loses_chunks(Version visitor, const Framing& response);

// Which protocols a request wants to go on with, as a list; nothing: none. HTTP/2 is not passed on:
// what came over it to the target would get past all that is checked here.
[[nodiscard]] std::string_view asked_protocols(const RequestHead& request);

// Whether this is an answer 101 that picks from what was asked for. Any other 101 is a fault of the
// target.
[[nodiscard]] bool switches_protocol(const ResponseHead& response, std::string_view asked);

}  // namespace portreeve::http
