// A block of addresses, written "192.0.2.0/24" or "2001:db8::/32"; a lone address is a block of
// one.
//
// Owns: nothing, it is a value. Called by: conf/ to read it, daemon/ to ask what is in it.
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace portreeve::conf {

// An address of either family: an IPv4 one as IPv6 maps it, ::ffff:192.0.2.1.
using AddressBytes = std::array<std::uint8_t, 16>;

struct Network {
    AddressBytes first{};
    std::uint8_t bits = 128;  // of `first` that all its addresses share; IPv4: 96 more than written

    [[nodiscard]] bool is_v4() const;
    [[nodiscard]] bool contains(const AddressBytes& address) const;
    // As it would be written.
    [[nodiscard]] std::string text() const;
    bool operator==(const Network&) const = default;
};

}  // namespace portreeve::conf
