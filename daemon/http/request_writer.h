// The head of a request as the target gets it: what is between a visitor and this proxy alone is
// taken out, who the visitor is and how it came is written in, and nothing that a stranger says of
// that is left.
//
// No `Via` is written, against RFC 9110, section 7.6.3: servers take it for a reason not to
// compress (nginx's gzip_proxied is off by default), and what the target sends goes through an SSH
// channel. What Via is good for, seeing a request come round again, `by` in `Forwarded` (RFC 7239)
// does.
//
// Owns: nothing. Called by: the proxy, once a head is taken and routed. Bounds: the head it was
// given and about 1 KiB, twice for what `X-Forwarded-For` of a trusted proxy held.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/http/framing.h"
#include "daemon/http/head.h"

namespace portreeve::http {

struct RequestPlan {
    std::string_view visitor;  // its address, as it is written shortest, without brackets
    std::uint16_t port = 0;    // that the visitor came to
    bool is_tls = false;
    // The visitor is a proxy whose word on those before it is taken.
    bool is_trusted = false;
    // Whom the first `X-Real-IP` names: the visitor, or whoever is behind the trusted ones.
    std::string_view real_ip;
    // This proxy's name for itself: "_" and letters, digits, "-", "_", "."; empty: none.
    std::string_view by;
    std::string_view host;        // what stands in for the visitor's Host; empty: nothing does
    std::string_view strip_path;  // taken off the path where it begins with it; empty: nothing is
    bool drops_authorization = false;
};

// Appends the head to `out`; its fields must still lie where they were parsed.
void write_request(const RequestHead& head, const Framing& framing, const RequestPlan& plan,
                   std::string& out);

// Over how many hops it may still go (RFC 9110, section 7.6.2), which only TRACE and OPTIONS limit;
// 0: to no other one. write_request() writes one less.
[[nodiscard]] std::optional<std::uint64_t> hops_left(const RequestHead& head);

// Whether a path is `prefix` or below it, as it is written: nothing is decoded or resolved.
[[nodiscard]] bool is_below(std::string_view path, std::string_view prefix);

// Whether a target could take it for another path: by a segment "." or "..", as it is or encoded,
// between slashes or what some take for such.
[[nodiscard]] bool has_dot_segment(std::string_view path);

// Whether the request has been through the proxy of that name already.
[[nodiscard]] bool has_passed(const RequestHead& head, std::string_view by);

// The address of the visitor behind trusted proxies: the last in `X-Forwarded-For` for which not
// `is_trusted(address)`; the first, if all are; nothing, if there is none. It is as the proxies
// wrote it, so maybe no address.
template <class IsTrusted>
[[nodiscard]] std::string_view visitor_behind(const RequestHead& head, IsTrusted is_trusted);

// The next element of `X-Forwarded-For` from its end, over all its lines; `from` is where to go on,
// at first a fresh one. False: there are no more.
struct ForwardedPlace {
    std::size_t fields_left = kFieldsMax;
    std::string_view rest;
};
[[nodiscard]] bool previous_forwarded(const RequestHead& head, ForwardedPlace& from,
                                      std::string_view& address);

template <class IsTrusted>
std::string_view visitor_behind(const RequestHead& head, IsTrusted is_trusted) {
    std::string_view found;
    ForwardedPlace place;
    for (std::string_view address; previous_forwarded(head, place, address);) {
        found = address;
        if (!is_trusted(address)) {
            break;
        }
    }
    return found;
}

}  // namespace portreeve::http
