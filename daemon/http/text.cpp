#include "daemon/http/text.h"

#include <algorithm>
#include <cstring>

namespace portreeve::http {
namespace {

constexpr std::uint64_t kOnes = 0x0101010101010101;
constexpr std::uint64_t kHighs = kOnes * 0x80;
constexpr std::size_t kWordBytes = sizeof(std::uint64_t);

std::uint64_t load_word(const char* bytes) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes, kWordBytes);
    return word;
}

// Whether any of eight bytes is below `limit` (at most 128) or is DEL. A byte behind one that is
// may be taken for another, which changes nothing: one is enough.
bool has_below_or_del(std::uint64_t word, std::uint64_t limit) {
    const std::uint64_t del = word ^ (kOnes * 0x7F);
    return ((((word - kOnes * limit) & ~word) | ((del - kOnes) & ~del)) & kHighs) != 0;
}

bool is_field_char(char c) {
    return (static_cast<unsigned char>(c) >= ' ' && c != '\x7f') || c == '\t';
}

bool is_uri_char(char c) {
    return c > ' ' && c < '\x7f' && c != '#';
}

}  // namespace

bool is_token(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char);
}

bool is_field_text(std::string_view text) {
    std::size_t at = 0;
    for (; at + kWordBytes <= text.size(); at += kWordBytes) {
        const std::string_view word = text.substr(at, kWordBytes);
        if (has_below_or_del(load_word(word.data()), ' ') &&
            !std::all_of(word.begin(), word.end(), is_field_char)) {
            return false;
        }
    }
    return std::all_of(text.begin() + static_cast<std::ptrdiff_t>(at), text.end(), is_field_char);
}

bool is_uri_text(std::string_view text) {
    std::size_t at = 0;
    for (; at + kWordBytes <= text.size(); at += kWordBytes) {
        const std::uint64_t word = load_word(text.data() + at);
        const std::uint64_t hash = word ^ (kOnes * '#');
        if (has_below_or_del(word, '!') || (word & kHighs) != 0 ||
            ((hash - kOnes) & ~hash & kHighs) != 0) {
            return false;
        }
    }
    return std::all_of(text.begin() + static_cast<std::ptrdiff_t>(at), text.end(), is_uri_char);
}

bool is_word(std::string_view text, std::string_view word) {
    return std::equal(text.begin(), text.end(), word.begin(), word.end(),
                      [](char written, char small) { return lower(written) == small; });
}

bool same_word(std::string_view one, std::string_view other) {
    return std::equal(one.begin(), one.end(), other.begin(), other.end(),
                      [](char left, char right) { return lower(left) == lower(right); });
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && is_blank(text.front())) {
        text.remove_prefix(1);
    }
    while (!text.empty() && is_blank(text.back())) {
        text.remove_suffix(1);
    }
    return text;
}

bool read_number(std::string_view digits, std::uint64_t& number) {
    constexpr std::size_t kDigitsMax = 19;  // 10^19 is less than 2^64
    if (digits.empty() || digits.size() > kDigitsMax) {
        return false;
    }
    number = 0;
    for (const char digit : digits) {
        if (!is_digit(digit)) {
            return false;
        }
        number = number * 10 + static_cast<std::uint64_t>(digit - '0');
    }
    return true;
}

bool next_element(std::string_view& rest, std::string_view& element) {
    if (rest.data() == nullptr) {
        return false;
    }
    const auto comma = rest.find(',');
    element = trimmed(rest.substr(0, comma));
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
    return true;
}

bool has_element(std::string_view list, std::string_view word) {
    for (std::string_view element; next_element(list, element);) {
        if (same_word(element, word)) {
            return true;
        }
    }
    return false;
}

}  // namespace portreeve::http
