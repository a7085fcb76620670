// A moment as people and programs read it.
//
// Owns: nothing. Called by: whoever shows one. Bounds: none needed.
#pragma once

#include <cstdint>
#include <string>

namespace portreeve::daemon {

// RFC 3339 in UTC: "2026-01-31T09:05:00Z".
[[nodiscard]] std::string time_text(std::int64_t time_s);

}  // namespace portreeve::daemon
