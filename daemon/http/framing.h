// How long the body of a message is (RFC 9112, section 6), and refusing every message for which two
// readers could come to two answers: that is what request smuggling is made of.
//
// Owns: nothing, it is a value. Called by: whoever has parsed a head, before anything is passed on.
#pragma once

#include <cstdint>
#include <string_view>

#include <tl/expected.hpp>

#include "daemon/http/fault.h"
#include "daemon/http/head.h"

namespace portreeve::http {

struct Framing {
    enum class Kind : std::uint8_t { none, length, chunked, until_close };
    Kind kind = Kind::none;
    std::uint64_t length_bytes = 0;  // of Kind::length, where it is never 0
    // The head itself says that there is no body, but its fields tell of one, and some targets
    // then send it: what follows cannot be trusted to be another response.
    bool is_doubtful = false;

    bool operator==(const Framing&) const = default;
};

[[nodiscard]] tl::expected<Framing, Fault> framing_of(const RequestHead& head);

// `method` is that of the request it answers; the fault's status is 502.
[[nodiscard]] tl::expected<Framing, Fault> framing_of(const ResponseHead& head,
                                                      std::string_view method);

}  // namespace portreeve::http
