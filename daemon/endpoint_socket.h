// A listening socket for a place that the configuration names.
//
// Owns: nothing. Called by: Server, on the main thread, at start and at reload. Bounds: none
// needed.
#pragma once

#include <string>

#include <tl/expected.hpp>

#include "conf/config.h"
#include "daemon/startup.h"
#include "uring/fd.h"

namespace portreeve::daemon {

// `key` is what names the place: "[ssh] listen".
[[nodiscard]] tl::expected<uring::Fd, Failure> listen_at(const conf::Endpoint& endpoint,
                                                         const std::string& key);

// What a failure is told with where this daemon has the port itself, on another address.
inline constexpr const char* kPortIsOurs =
    "; this daemon holds that port on another address, so the change needs a restart";

}  // namespace portreeve::daemon
