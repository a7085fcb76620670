#include "ssh/patterns.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

#include "ssh/text.h"

namespace portreeve::ssh {
namespace {

constexpr unsigned kBitsPerByte = 8;
constexpr std::size_t kIpv4Bytes = 4;
constexpr std::array<std::uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr unsigned kMappedBits = kMappedPrefix.size() * kBitsPerByte;

struct Address {
    std::array<std::uint8_t, 16> bytes{};
    std::size_t size = 0;  // 4 or 16
};

struct Network {
    Address address;
    unsigned bits = 0;
};

bool is_mapped(const Address& address) {
    return address.size == address.bytes.size() &&
           std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), address.bytes.begin());
}

// Bounds the text that is copied for inet_pton, which wants a terminating zero.
std::optional<Address> read_address(std::string_view text) {
    if (text.size() >= INET6_ADDRSTRLEN || text.find('\0') != std::string_view::npos) {
        return std::nullopt;
    }
    const std::string terminated(text);
    Address made;
    if (::inet_pton(AF_INET, terminated.c_str(), made.bytes.data()) == 1) {
        made.size = kIpv4Bytes;
        return made;
    }
    if (::inet_pton(AF_INET6, terminated.c_str(), made.bytes.data()) == 1) {
        made.size = made.bytes.size();
        return made;
    }
    return std::nullopt;
}

Address unmapped(const Address& address) {
    if (!is_mapped(address)) {
        return address;
    }
    Address made;
    std::copy_n(address.bytes.begin() + kMappedPrefix.size(), kIpv4Bytes, made.bytes.begin());
    made.size = kIpv4Bytes;
    return made;
}

std::string text_of(const Address& address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const int family = address.size == kIpv4Bytes ? AF_INET : AF_INET6;
    return ::inet_ntop(family, address.bytes.data(), text.data(), text.size()) == nullptr
               ? ""
               : text.data();
}

// The bits of byte `index` that belong to a network's prefix.
std::uint8_t prefix_mask(unsigned bits, std::size_t index) {
    const std::size_t before = index * kBitsPerByte;
    const std::size_t here =
        bits <= before ? 0 : std::min<std::size_t>(bits - before, kBitsPerByte);
    return static_cast<std::uint8_t>(0xff00U >> here);
}

bool holds(const Network& network, const Address& address) {
    if (network.address.size != address.size) {
        return false;
    }
    for (std::size_t i = 0; i < address.size; ++i) {
        if ((address.bytes[i] & prefix_mask(network.bits, i)) != network.address.bytes[i]) {
            return false;
        }
    }
    return true;
}

// An address alone is a network of itself. Bits behind the prefix are a mistake, as in sshd: who
// wrote 10.1.2.3/8 may have meant the one host.
std::optional<Network> read_network(std::string_view text) {
    const std::size_t slash = text.find('/');
    const auto address = read_address(text.substr(0, slash));
    if (!address) {
        return std::nullopt;
    }
    Network made{*address, static_cast<unsigned>(address->size) * kBitsPerByte};
    if (slash != std::string_view::npos) {
        const std::string_view digits = text.substr(slash + 1);
        unsigned bits = 0;
        const auto [end, error] =
            std::from_chars(digits.data(), digits.data() + digits.size(), bits);
        if (error != std::errc{} || end != digits.data() + digits.size() || bits > made.bits) {
            return std::nullopt;
        }
        made.bits = bits;
    }
    if (!holds(made, *address)) {
        return std::nullopt;
    }
    if (is_mapped(*address)) {
        // Its prefix is long enough: a shorter one would leave some of ::ffff behind it.
        made = {unmapped(*address), made.bits - kMappedBits};
    }
    return made;
}

// Whether any address's text could match. IPv4 is digits and dots; IPv6 has colons, and dots only
// beside them.
bool may_match_addresses(std::string_view glob) {
    if (glob.find_first_of("*?") == std::string_view::npos) {
        return false;
    }
    const bool has_colon = glob.find(':') != std::string_view::npos;
    const bool has_dot = glob.find('.') != std::string_view::npos;
    const std::string_view allowed =
        has_dot && !has_colon ? "0123456789.*?" : "0123456789abcdefABCDEF:.*?";
    return glob.find_first_not_of(allowed) == std::string_view::npos;
}

// Cuts the next entry off `list`.
std::string_view next_entry(std::string_view& list, bool& more) {
    const std::size_t comma = list.find(',');
    const std::string_view entry = list.substr(0, comma);
    more = comma != std::string_view::npos;
    list.remove_prefix(more ? comma + 1 : list.size());
    return entry;
}

std::optional<std::string> why_bad_entry(std::string_view entry, bool only_cidr) {
    const bool negated = !only_cidr && entry.starts_with('!');
    entry.remove_prefix(negated ? 1 : 0);
    if (entry.empty()) {
        return "an entry is empty";
    }
    if (entry.size() > kPatternBytesMax) {
        return "an entry is longer than " + std::to_string(kPatternBytesMax) + " characters";
    }
    if (read_network(entry)) {
        return std::nullopt;
    }
    const std::string quoted = "\"" + shown(entry) + "\"";
    if (entry.find('/') != std::string_view::npos) {
        return quoted +
               " is not a network: write the address with all bits behind the prefix 0, "
               "like 192.0.2.0/24 or 2001:db8::/32";
    }
    if (only_cidr) {
        return quoted + " is neither an address nor a network like 192.0.2.0/24";
    }
    if (negated || may_match_addresses(entry)) {
        return std::nullopt;
    }
    return quoted +
           " could never match: host names are not looked up, so write an address, a "
           "network like 192.0.2.0/24 or a pattern like 192.0.2.*";
}

}  // namespace

// Goes back to the last `*` only: what an earlier one has matched need never change, because a
// later one can take up whatever is left.
bool glob_matches(std::string_view pattern, std::string_view text) {
    std::size_t at = 0;
    std::size_t read = 0;
    std::size_t after_star = std::string_view::npos;
    std::size_t star_read = 0;
    while (read < text.size()) {
        if (at < pattern.size() && pattern[at] == '*') {
            after_star = ++at;
            star_read = read;
        } else if (at < pattern.size() && (pattern[at] == '?' || pattern[at] == text[read])) {
            ++at;
            ++read;
        } else if (after_star != std::string_view::npos) {
            at = after_star;
            read = ++star_read;
        } else {
            return false;
        }
    }
    return pattern.find_first_not_of('*', at) == std::string_view::npos;
}

bool address_in_list(std::string_view list, std::string_view address) {
    // A link-local address's interface (fe80::1%eth0) says nothing about where it comes from.
    auto asked = read_address(address.substr(0, address.find('%')));
    if (!asked) {
        return false;
    }
    asked = unmapped(*asked);
    const std::string asked_text = text_of(*asked);
    bool found = false;
    for (bool more = true; more;) {
        std::string_view entry = next_entry(list, more);
        const bool negated = entry.starts_with('!');
        entry.remove_prefix(negated ? 1 : 0);
        const auto network = read_network(entry);
        if (entry.empty() || (!network && entry.find('/') != std::string_view::npos)) {
            return false;
        }
        if (network ? holds(*network, *asked) : glob_matches(lower_case(entry), asked_text)) {
            if (negated) {
                return false;
            }
            found = true;
        }
    }
    return found;
}

std::optional<std::string> why_bad_address_list(std::string_view list, bool only_cidr) {
    for (bool more = true; more;) {
        if (auto why = why_bad_entry(next_entry(list, more), only_cidr)) {
            return why;
        }
    }
    return std::nullopt;
}

}  // namespace portreeve::ssh
