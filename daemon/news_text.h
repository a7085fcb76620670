// What happened, for people: a line for each of the objects that docs/EVENTS.md describes.
//
// Owns: nothing. Called by: portreevectl. Bounds: none needed.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace portreeve::daemon {

// Without the line's end. Of what a later version tells, it is when and what at least.
[[nodiscard]] std::string line_of(const nlohmann::ordered_json& news);

}  // namespace portreeve::daemon
