// Why a client did not open a channel, in the numbers of RFC 4254 section 5.1. What it says besides
// is free text.
//
// Owns: nothing. Called by: daemon/, which counts them. Bounds: as many kinds as are here.
#pragma once

#include <array>
#include <string_view>

namespace portreeve::ssh {

enum class OpenFailure { prohibited, connect_failed, unknown_type, resource_shortage, other };

inline constexpr std::array<std::string_view, 5> kOpenFailures = {
    "prohibited", "connect_failed", "unknown_type", "resource_shortage", "other"};

// From what libssh says of a channel that was refused: the only place where it keeps the number.
[[nodiscard]] OpenFailure open_failure_in(std::string_view libssh_error);

}  // namespace portreeve::ssh
