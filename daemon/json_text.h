// JSON as text; bytes that are not UTF-8, which clients may choose, are replaced.
//
// Owns: nothing. Called by: whoever shows JSON. Bounds: none needed.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace portreeve::daemon {

// On one line.
[[nodiscard]] inline std::string json_line_of(const nlohmann::ordered_json& json) {
    return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

// Indented for people, and with a last line's end.
[[nodiscard]] inline std::string json_text_of(const nlohmann::ordered_json& json) {
    return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + '\n';
}

}  // namespace portreeve::daemon
