// What a forward's address and port mean: which socket addresses to listen on, and whether that may
// be.
//
// The rule is that nothing is exposed wider, narrower or elsewhere than asked without a word: all
// the addresses that a wish names are bound, or none; where [forward] bind changes the wish, or the
// host has only one of two families at all, `note` says so.
//
// Owns: nothing. Called by: Leases, --explain. Bounds: one try per port of the pool.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "conf/config.h"
#include "daemon/refusal.h"
#include "uring/fd.h"
#include "uring/socket.h"

namespace portreeve::daemon {

struct Bound {
    std::vector<uring::Fd> sockets;  // listening
    std::uint16_t port = 0;
    bool wildcard = false;
    std::string note;  // how the answer differs from the wish; empty when it does not
};

// The literal addresses that `address` stands for under `bind`, without ports. Refused: a name.
struct Wanted {
    std::vector<std::string> hosts;
    bool wildcard = false;
    std::string note;
};
tl::expected<Wanted, Refusal> addresses_for(const std::string& address, conf::Bind bind);

// Whether it is a word that is neither an address nor one of RFC 4254's words for several.
[[nodiscard]] bool is_name(const std::string& address);

// A port that is not to be had, whatever the kernel says.
using PortTaken = std::function<bool(std::uint16_t)>;

// Listens at `wanted`. `port` 0 takes one from the pool: `seed` says where in the pool to begin,
// and `taken` which of its ports to pass over.
tl::expected<Bound, Refusal> bind_forward(const Wanted& wanted, std::uint32_t port,
                                          const conf::PortRange& pool, std::uint32_t seed,
                                          const PortTaken& taken);

}  // namespace portreeve::daemon
