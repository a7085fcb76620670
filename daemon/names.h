// What a name in a forward means, and which names there can be. A name opens nothing on the
// network: it is found here, by -L, -W and -J of those who may reach it, and is never looked up
// elsewhere.
//
// Owns: nothing. Called by: grant, for each wish. Bounds: kNameBytesMax.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include <tl/expected.hpp>

#include "conf/config.h"
#include "daemon/refusal.h"
#include "ssh/session.h"

namespace portreeve::daemon {

inline constexpr std::size_t kNameBytesMax = 64;
// Of the name that serves metrics; like every name's it is only a label.
inline constexpr std::uint16_t kMetricsPort = 9464;

// A number, or an address that is not written as addresses are here: "127.1", "0x7f000001",
// "127.0.0.256". Who writes one means no name.
[[nodiscard]] bool reads_as_address(const std::string& name);

// Whether this name, which is_name(), can be had by anybody.
[[nodiscard]] tl::expected<void, Refusal> check_name(const ssh::ForwardWish& wish,
                                                     const conf::Config& config);

// [metrics] alias, which is the server's own.
[[nodiscard]] bool is_metrics_name(const std::string& name, const conf::Config& config);
[[nodiscard]] Refusal servers_own_name(const std::string& name);

}  // namespace portreeve::daemon
