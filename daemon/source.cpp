#include "daemon/source.h"

#include <algorithm>
#include <cstring>

namespace portreeve::daemon {
namespace {

constexpr std::uint8_t kV6Bits = 64;

}  // namespace

conf::AddressBytes address_bytes(const uring::Address& address) {
    conf::AddressBytes bytes{};
    if (address.is_v6()) {
        const auto* v6 = reinterpret_cast<const sockaddr_in6*>(address.data());
        std::memcpy(bytes.data(), &v6->sin6_addr, bytes.size());
    } else if (address.valid()) {
        const auto* v4 = reinterpret_cast<const sockaddr_in*>(address.data());
        bytes[10] = bytes[11] = 0xFF;
        std::memcpy(bytes.data() + 12, &v4->sin_addr, sizeof(v4->sin_addr));
    }
    return bytes;
}

Source::Source(const uring::Address& peer) {
    if (!peer.valid()) {
        return;
    }
    known_ = true;
    network_.first = address_bytes(peer);
    if (!network_.is_v4()) {
        network_.bits = kV6Bits;
        std::fill(network_.first.begin() + kV6Bits / 8, network_.first.end(), std::uint8_t{0});
    }
}

std::string Source::text() const {
    return known_ ? network_.text() : "unknown";
}

}  // namespace portreeve::daemon
