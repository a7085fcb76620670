// Where a connection comes from, as admission counts it: an IPv4 address, or the /64 of an IPv6
// address, since that is what one customer, and often one machine, has for the asking.
//
// Owns: nothing, it is a value. Called by: Admission and what it is made of.
#pragma once

#include <string>
#include <tuple>

#include "conf/network.h"
#include "uring/socket.h"

namespace portreeve::daemon {

// The address alone; an IPv4 one mapped, an unknown one all zeros.
conf::AddressBytes address_bytes(const uring::Address& address);

class Source {
  public:
    Source() = default;  // unknown: the peer left before it could be asked for
    explicit Source(const uring::Address& peer);

    [[nodiscard]] bool known() const { return known_; }
    [[nodiscard]] bool is_v4() const { return network_.is_v4(); }
    // "192.0.2.1", "2001:db8::/64"
    [[nodiscard]] std::string text() const;

    bool operator==(const Source&) const = default;
    bool operator<(const Source& other) const {
        return std::tie(known_, network_.first) < std::tie(other.known_, other.network_.first);
    }

  private:
    conf::Network network_;
    bool known_ = false;
};

}  // namespace portreeve::daemon
