// The times that expiry-time= takes: YYYYMMDD[HHMM[SS]], in the host's time zone, or in UTC with a
// Z (or UTC) behind.
//
// Owns: nothing. Called by: key_options. Bounds: the text is at most 17 characters.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace portreeve::ssh {

// Unix time; nullopt: not such a time, or a day that no month has.
[[nodiscard]] std::optional<std::int64_t> parse_expiry_time(std::string_view text);

}  // namespace portreeve::ssh
