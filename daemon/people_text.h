// Text for people's terminals. A terminal's columns are counted by tables of our own: wcwidth(3)
// answers for the daemon's locale, which is not that of the reader. They are coarse, so a screen
// must bear a row that is a little longer than was thought.
//
// Owns: nothing. Called by: whoever shows lists. Bounds: none needed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace portreeve::daemon {

// UTF-8 without what could command a terminal or turn a line's order around: others chose these
// words. '?' stands for each such character, and for each byte that is not UTF-8.
[[nodiscard]] std::string printable(std::string_view text);

// How many columns printable text takes: two for a wide character, none for a mark upon another.
[[nodiscard]] std::size_t columns_of(std::string_view text);
// As many whole characters of it as fit.
[[nodiscard]] std::string cut_to(std::string_view text, std::size_t columns);

// "0 B", "1023 B", "1.0 KiB", "37.2 GiB"
[[nodiscard]] std::string bytes_text(std::uint64_t bytes);

}  // namespace portreeve::daemon
