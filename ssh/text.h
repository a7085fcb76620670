// Text that strangers or operators wrote: looked at letter by letter, compared without case, and
// put into sentences.
//
// Owns: nothing. Called by: ssh/ for what it reads from keys and asks. Bounds: kShownBytesMax.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace portreeve::ssh {

constexpr std::size_t kShownBytesMax = 80;

// A to Z in lower case, whatever the locale; other characters stay.
[[nodiscard]] std::string lower_case(std::string_view text);

// A to Z, a to z and 0 to 9, whatever the locale.
[[nodiscard]] constexpr bool is_letter_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// Whether it can stand in a line: no control characters but tabs.
[[nodiscard]] bool is_text(std::string_view text);

// The text for a sentence about it, cut to kShownBytesMax.
[[nodiscard]] std::string shown(std::string_view text);

}  // namespace portreeve::ssh
