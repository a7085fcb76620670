// What a client asked for, as logs and sentences show it: "localhost:8080", "[::1]:22".
//
// Owns: nothing. Called by: whoever refuses or reports a wish. Bounds: a line can bear only so
// much of what a client wrote, so a long address is cut.
#pragma once

#include <cstdint>
#include <string>

namespace portreeve::daemon {

// Without the user and password that may stand in front of a name: "user:pass@blog" is "blog".
[[nodiscard]] std::string without_credentials(const std::string& address);

[[nodiscard]] std::string wish_text(const std::string& address, std::uint32_t port);

}  // namespace portreeve::daemon
