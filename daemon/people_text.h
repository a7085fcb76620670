// Text for people's terminals.
//
// Owns: nothing. Called by: whoever shows lists. Bounds: none needed.
#pragma once

#include <cstdint>
#include <string>

namespace portreeve::daemon {

// Without what could command a terminal: others chose these words.
[[nodiscard]] std::string printable(const std::string& text);

// "0 B", "1023 B", "1.0 KiB", "37.2 GiB"
[[nodiscard]] std::string bytes_text(std::uint64_t bytes);

}  // namespace portreeve::daemon
