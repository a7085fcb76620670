// Lines of a head as they are written: appended to what the caller has, without anything between.
//
// Owns: nothing. Called by: what writes heads. Bounds: what they are given; that no value has a
// line end in it is the caller's business.
#pragma once

#include <charconv>
#include <concepts>
#include <span>
#include <string>
#include <string_view>

#include "daemon/http/field.h"

namespace portreeve::http {

template <std::unsigned_integral Number>
void append(std::string& out, Number number) {
    char digits[20];
    const auto end = std::to_chars(std::begin(digits), std::end(digits), number).ptr;
    out.append(digits, end);
}

inline void append(std::string& out, std::string_view text) {
    out.append(text);
}

// "NAME: VALUE", of as many pieces as there are.
template <class... Pieces>
void append_field(std::string& out, std::string_view name, const Pieces&... value) {
    out.append(name).append(": ");
    (append(out, value), ...);
    out.append("\r\n");
}

// The lines of `fields` for which `keeps(field)`, byte for byte but for blanks before a colon, as
// many together as stood together. `head` is what the fields are views of.
template <class Keeps>
void append_kept(std::string& out, std::span<const Field> fields, const char* fields_end,
                 Keeps keeps) {
    const char* run = nullptr;  // where the lines begin that are kept and not yet written
    for (const Field& field : fields) {
        const char* const line = field.name.data();
        const bool kept = keeps(field);
        const bool touches_colon = line[field.name.size()] == ':';
        if (kept && touches_colon) {
            run = run == nullptr ? line : run;
            continue;
        }
        if (run != nullptr) {
            out.append(run, line);
            run = nullptr;
        }
        if (kept) {
            append_field(out, field.name, field.value);
        }
    }
    if (run != nullptr) {
        out.append(run, fields_end);
    }
}

}  // namespace portreeve::http
