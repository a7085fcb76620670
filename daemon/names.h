// What a name in a forward means, and which names there can be. A name opens nothing on the
// network: it is found here, by -L, -W and -J of those who may reach it, and is never looked up
// elsewhere.
//
// Owns: nothing. Called by: grant, for each wish. Bounds: kNameBytesMax.
#pragma once

#include <cstddef>

#include <tl/expected.hpp>

#include "conf/config.h"
#include "daemon/refusal.h"
#include "ssh/session.h"

namespace portreeve::daemon {

inline constexpr std::size_t kNameBytesMax = 64;

// Whether this name, which is_name(), can be had by anybody.
[[nodiscard]] tl::expected<void, Refusal> check_name(const ssh::ForwardWish& wish,
                                                     const conf::Config& config);

}  // namespace portreeve::daemon
