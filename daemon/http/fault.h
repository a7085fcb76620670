// Why something that a stranger sent is not taken: the status that says so to a visitor, and a
// sentence for the log, which is a literal and so costs nothing.
//
// Owns: nothing, it is a value. Called by: every part of http/. Bounds: it holds nothing of what
// was sent.
#pragma once

#include <cstdint>
#include <string_view>

namespace portreeve::http {

struct Fault {
    std::uint16_t status = 0;
    std::string_view why;

    bool operator==(const Fault&) const = default;
};

}  // namespace portreeve::http
