// The letters that HTTP/1.1 is made of (RFC 9110, section 5.6), and how its words are compared.
//
// Owns: nothing. Called by: every part of http/. Bounds: it allocates nothing, and reads each byte
// it is given a fixed number of times.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace portreeve::http {

[[nodiscard]] constexpr bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
[[nodiscard]] constexpr bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
[[nodiscard]] constexpr bool is_blank(char c) {
    return c == ' ' || c == '\t';
}
[[nodiscard]] constexpr char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
// -1: it is none.
[[nodiscard]] constexpr int hex_digit(char c) {
    const char small = lower(c);
    return is_digit(c) ? c - '0' : small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
}

// What methods and names of fields are made of: tchar.
inline constexpr std::array<bool, 256> kTokenChars = [] {
    std::array<bool, 256> chars{};
    for (const char c : std::string_view("!#$%&'*+-.^_`|~0123456789")) {
        chars[static_cast<unsigned char>(c)] = true;
    }
    for (std::size_t c = 'a'; c <= 'z'; ++c) {
        chars[c] = chars[c - 'a' + 'A'] = true;
    }
    return chars;
}();

[[nodiscard]] constexpr bool is_token_char(char c) {
    return kTokenChars[static_cast<unsigned char>(c)];
}
[[nodiscard]] bool is_token(std::string_view text);

// Whether it may be the value of a field: no control characters but tabs.
[[nodiscard]] bool is_field_text(std::string_view text);

// Whether it may be what a request asks for: printable ASCII without spaces and "#".
[[nodiscard]] bool is_uri_text(std::string_view text);

// `word` is in lower case.
[[nodiscard]] bool is_word(std::string_view text, std::string_view word);

// Whether both are the same word, whatever their case.
[[nodiscard]] bool same_word(std::string_view one, std::string_view other);

// Without the blanks around it.
[[nodiscard]] std::string_view trimmed(std::string_view text);

// A number of digits alone, at most 19 of them: nothing that two readers could see two numbers in.
[[nodiscard]] bool read_number(std::string_view digits, std::uint64_t& number);

// Takes the next element of a list with commas from the head of `rest`: what stands before the
// comma, without blanks, which is nothing where two commas meet. False: there are no more.
[[nodiscard]] bool next_element(std::string_view& rest, std::string_view& element);

// Whether a list has that word, whatever its case.
[[nodiscard]] bool has_element(std::string_view list, std::string_view word);

}  // namespace portreeve::http
