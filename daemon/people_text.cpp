#include "daemon/people_text.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace portreeve::daemon {

namespace {

// A character of UTF-8; one byte that begins none has kNone.
constexpr char32_t kNone = 0xFFFFFFFF;
struct Character {
    std::size_t bytes = 1;
    char32_t code = kNone;
};

// `text` is not empty.
Character first_of(std::string_view text) {
    const auto lead = static_cast<unsigned char>(text.front());
    if (lead < 0x80) {
        return {1, lead};
    }
    const std::size_t bytes = lead >= 0xF0 ? 4 : (lead >= 0xE0 ? 3 : 2);
    if (lead < 0xC2 || lead > 0xF4 || text.size() < bytes) {
        return {};
    }
    char32_t code = lead & (0xFFU >> (bytes + 1));
    for (std::size_t at = 1; at < bytes; ++at) {
        const auto next = static_cast<unsigned char>(text[at]);
        if ((next & 0xC0U) != 0x80) {
            return {};
        }
        code = (code << 6U) | (next & 0x3FU);
    }
    constexpr std::array<char32_t, 5> kSmallest = {0, 0, 0x80, 0x800, 0x10000};
    const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
    return code < kSmallest[bytes] || code > 0x10FFFF || surrogate ? Character{}
                                                                   : Character{bytes, code};
}

struct Range {
    char32_t first;
    char32_t last;
};

template <std::size_t Count>
bool is_in(const std::array<Range, Count>& ranges, char32_t code) {
    return std::any_of(ranges.begin(), ranges.end(), [code](const Range& range) {
        return code >= range.first && code <= range.last;
    });
}

// Controls of both sets, and what is not seen but changes how its neighbours are.
bool is_unseen(char32_t code) {
    constexpr std::array<Range, 10> kUnseen = {{{0, 0x1F},
                                                {0x7F, 0x9F},
                                                {0x61C, 0x61C},
                                                {0x200B, 0x200F},
                                                {0x2028, 0x202E},
                                                {0x2060, 0x206F},
                                                {0xFEFF, 0xFEFF},
                                                {0xFFF9, 0xFFFB},
                                                {0xE0000, 0xE0FFF},
                                                {kNone, kNone}}};
    return is_in(kUnseen, code);
}

std::size_t columns_of(char32_t code) {
    constexpr std::array<Range, 14> kMarks = {{{0x300, 0x36F},
                                               {0x483, 0x489},
                                               {0x591, 0x5BD},
                                               {0x610, 0x61A},
                                               {0x64B, 0x65F},
                                               {0xE31, 0xE31},
                                               {0xE34, 0xE3A},
                                               {0xE47, 0xE4E},
                                               {0x1AB0, 0x1AFF},
                                               {0x1DC0, 0x1DFF},
                                               {0x20D0, 0x20FF},
                                               {0x3099, 0x309A},
                                               {0xFE00, 0xFE0F},
                                               {0xFE20, 0xFE2F}}};
    constexpr std::array<Range, 11> kWide = {{{0x1100, 0x115F},
                                              {0x2E80, 0x303E},
                                              {0x3041, 0x4DBF},
                                              {0x4E00, 0xA4CF},
                                              {0xA960, 0xA97F},
                                              {0xAC00, 0xD7A3},
                                              {0xF900, 0xFAFF},
                                              {0xFE30, 0xFE6F},
                                              {0xFF00, 0xFF60},
                                              {0x1F300, 0x1FAFF},
                                              {0x20000, 0x3FFFD}}};
    if (code < 0x300) {
        return 1;
    }
    return is_in(kMarks, code) ? 0 : (is_in(kWide, code) ? 2 : 1);
}

}  // namespace

std::string printable(std::string_view text) {
    std::string shown;
    shown.reserve(text.size());
    while (!text.empty()) {
        const Character next = first_of(text);
        shown.append(is_unseen(next.code) ? "?" : text.substr(0, next.bytes));
        text.remove_prefix(next.bytes);
    }
    return shown;
}

std::size_t columns_of(std::string_view text) {
    std::size_t columns = 0;
    while (!text.empty()) {
        const Character next = first_of(text);
        columns += columns_of(next.code);
        text.remove_prefix(next.bytes);
    }
    return columns;
}

std::string cut_to(std::string_view text, std::size_t columns) {
    std::string_view rest = text;
    while (!rest.empty()) {
        const Character next = first_of(rest);
        const std::size_t wanted = columns_of(next.code);
        if (wanted > columns) {
            break;
        }
        columns -= wanted;
        rest.remove_prefix(next.bytes);
    }
    return std::string(text.substr(0, text.size() - rest.size()));
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
