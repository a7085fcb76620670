// What a DNS server's answer says of TXT records, read from its bytes: c-ares reads them too, but
// drops how long they hold.
//
// Whatever name a TXT record in the answer has is taken for the one that was asked for: it may be
// behind aliases, and the server is trusted anyway.
//
// Called by: Resolver; pure. Bounds: the bytes of one message.
#pragma once

#include <cstddef>
#include <span>

#include "daemon/dns/txt.h"

namespace portreeve::dns {

[[nodiscard]] TxtAnswer read_txt(std::span<const unsigned char> message);

}  // namespace portreeve::dns
