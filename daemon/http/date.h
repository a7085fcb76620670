// The time in a head.
//
// Owns: nothing. Called by: what writes heads of responses. Bounds: none needed.
#pragma once

#include <cstdint>
#include <string>

namespace portreeve::http {

// Appends "Date: …" (RFC 9110, section 5.6.7), whatever the locale; nothing, if the time is 0.
void append_date(std::string& out, std::int64_t time_s);

}  // namespace portreeve::http
