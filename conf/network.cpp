#include "conf/network.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "conf/values.h"

namespace portreeve::conf {

namespace {

constexpr std::uint8_t kMappedBits = 96;  // before the IPv4 address in ::ffff:192.0.2.1
constexpr std::uint8_t kAllBits = 128;

bool is_mapped(const AddressBytes& address) {
    const auto zeros = address.begin() + 10;
    return std::all_of(address.begin(), zeros, [](auto byte) { return byte == 0; }) &&
           *zeros == 0xFF && *(zeros + 1) == 0xFF;
}

// `address` with only its first `bits` kept.
AddressBytes masked(AddressBytes address, unsigned bits) {
    for (unsigned byte = 0; byte < address.size(); ++byte) {
        const unsigned kept = std::min(8U, bits - std::min(bits, byte * 8));
        address[byte] = static_cast<std::uint8_t>(address[byte] & (0xFF00U >> kept));
    }
    return address;
}

tl::unexpected<std::string> bad_network(std::string_view text, const std::string& reason) {
    return tl::unexpected<std::string>(
        in_quotes(text) + " is not an address or a block of addresses: " + reason +
        "; write one such as \"192.0.2.1\", \"192.0.2.0/24\" or \"2001:db8::/32\"");
}

std::optional<std::uint8_t> parse_length(std::string_view digits, std::uint8_t most) {
    std::uint8_t length = 0;
    const char* const end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, length);
    const bool whole = error == std::errc{} && stop == end;
    return whole && length <= most ? std::optional(length) : std::nullopt;
}

// The one address of `text`, and whether it was written as IPv4.
Parsed<std::pair<AddressBytes, bool>> parse_bytes(const std::string& text) {
    AddressBytes bytes{};
    if (inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1) {
        return std::pair(bytes, false);
    }
    bytes[10] = bytes[11] = 0xFF;
    if (inet_pton(AF_INET, text.c_str(), bytes.data() + 12) == 1) {
        return std::pair(bytes, true);
    }
    return tl::unexpected(in_quotes(text) + " is not a literal address");
}

}  // namespace

bool Network::is_v4() const {
    return bits >= kMappedBits && is_mapped(first);
}

// ::/0 and the like hold no IPv4 address, though these are mapped to a part of it.
bool Network::contains(const AddressBytes& address) const {
    return is_mapped(address) == is_v4() && masked(address, bits) == first;
}

std::string Network::text() const {
    const bool v4 = is_v4();
    std::array<char, INET6_ADDRSTRLEN> text{};
    inet_ntop(v4 ? AF_INET : AF_INET6, first.data() + (v4 ? 12 : 0), text.data(), text.size());
    const std::string suffix = "/" + std::to_string(bits - (v4 ? kMappedBits : 0));
    return text.data() + (bits == kAllBits ? "" : suffix);
}

Parsed<Network> parse_network(std::string_view text) {
    const auto slash = text.find('/');
    if (text.find('\0') != std::string_view::npos) {
        return bad_network(text, "it holds a NUL character");
    }
    const auto address = parse_bytes(std::string(text.substr(0, slash)));
    if (!address) {
        return bad_network(text, address.error());
    }
    const auto& [bytes, v4] = *address;
    const std::uint8_t most = v4 ? kAllBits - kMappedBits : kAllBits;
    std::uint8_t length = most;
    if (slash != std::string_view::npos) {
        const auto parsed = parse_length(text.substr(slash + 1), most);
        if (!parsed) {
            return bad_network(text, "the length after the \"/\" is not a number from 0 to " +
                                         std::to_string(most));
        }
        length = *parsed;
    }
    const auto bits = static_cast<std::uint8_t>(length + kAllBits - most);
    const Network network{masked(bytes, bits), bits};
    if (network.first != bytes) {
        return tl::unexpected(in_quotes(text) + " has bits set beyond its length: write \"" +
                              network.text() + "\" for the block, or no length for one address");
    }
    return network;
}

}  // namespace portreeve::conf
