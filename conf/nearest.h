// Which known word a mistyped one was meant to be, for "did you mean" in errors.
#pragma once

#include <span>
#include <string_view>

namespace portreeve::conf {

// The one of `known` that takes the fewest edits (insert, remove, replace; case does not count) to
// make from `word`, or an empty view if all of them are too far off to be meant.
[[nodiscard]] std::string_view nearest(std::string_view word,
                                       std::span<const std::string_view> known);

}  // namespace portreeve::conf
