#include "daemon/people_text.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace portreeve::daemon {

std::string printable(const std::string& text) {
    std::string shown = text;
    std::replace_if(
        shown.begin(), shown.end(), [](char c) { return (c >= '\0' && c < ' ') || c == '\x7f'; },
        '?');
    return shown;
}

std::string bytes_text(std::uint64_t bytes) {
    constexpr std::array kUnits = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    constexpr double kStep = 1024;
    if (bytes < static_cast<std::uint64_t>(kStep)) {
        return std::to_string(bytes) + " B";
    }
    double value = static_cast<double>(bytes) / kStep;
    std::size_t unit = 0;
    while (value >= kStep && unit + 1 < kUnits.size()) {
        value /= kStep;
        ++unit;
    }
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.1f %s", value, kUnits[unit]);
    return text.data();
}

}  // namespace portreeve::daemon
