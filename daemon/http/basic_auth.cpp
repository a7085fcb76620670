#include "daemon/http/basic_auth.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "daemon/http/text.h"

namespace portreeve::http {
namespace {

// Filled up with zeros, so that every comparison goes over as many bytes.
struct Credentials {
    std::array<unsigned char, kCredentialsBytesMax> bytes{};
    std::size_t size = 0;

    bool add(unsigned byte) {
        if (size == bytes.size()) {
            return false;
        }
        bytes[size++] = static_cast<unsigned char>(byte & 0xFFU);
        return true;
    }
};

// -1: it is no digit of base64.
int base64_digit(char c) {
    if (is_letter(c)) {
        return c >= 'a' ? c - 'a' + 26 : c - 'A';
    }
    return is_digit(c) ? c - '0' + 52 : c == '+' ? 62 : c == '/' ? 63 : -1;
}

std::optional<Credentials> decoded(std::string_view base64) {
    Credentials made;
    for (std::size_t padding = 0; padding < 2 && base64.ends_with('='); ++padding) {
        base64.remove_suffix(1);
    }
    std::uint32_t bits = 0;
    unsigned count = 0;
    for (const char c : base64) {
        const int digit = base64_digit(c);
        if (digit < 0) {
            return std::nullopt;
        }
        bits = bits << 6U | static_cast<std::uint32_t>(digit);
        count += 6;
        if (count >= 8) {
            count -= 8;
            if (!made.add(bits >> count)) {
                return std::nullopt;
            }
        }
    }
    return made;
}

bool same(const Credentials& one, const Credentials& other) {
    // Volatile: a compiler may not leave the loop at the first difference.
    volatile unsigned difference = one.size == other.size ? 0 : 1;
    for (std::size_t at = 0; at < one.bytes.size(); ++at) {
        difference = difference | static_cast<unsigned>(one.bytes[at] ^ other.bytes[at]);
    }
    return difference == 0;
}

}  // namespace

bool has_credentials(const RequestHead& head, std::string_view credentials) {
    constexpr std::string_view kScheme = "basic";
    Credentials wanted;
    if (credentials.empty() || credentials.size() > wanted.bytes.size() ||
        head.fields.count(FieldId::authorization) != 1) {
        return false;
    }
    std::copy(credentials.begin(), credentials.end(), wanted.bytes.begin());
    wanted.size = credentials.size();
    const auto value = head.fields.first(FieldId::authorization);
    const auto scheme_end = value.find(' ');
    if (scheme_end == std::string_view::npos || !is_word(value.substr(0, scheme_end), kScheme)) {
        return false;
    }
    const auto given = decoded(trimmed(value.substr(scheme_end)));
    return given && same(*given, wanted);
}

}  // namespace portreeve::http
