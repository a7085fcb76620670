// What the workers' proxies share.
//
// Owns: the counts and this server's name for itself. Called by: any thread. Bounds: none needed.
#pragma once

#include <atomic>
#include <cstddef>
#include <string>

#include "daemon/proxy/web_admission.h"

namespace portreeve::daemon {

struct WebCommons {
    WebCommons();

    WebAdmission admission;
    // Visitors who wait for an owner: while there are any, workers are told that leases changed.
    std::atomic<std::size_t> waiting{0};
    // In `Forwarded`, so that a request which comes round again is known: another one at each
    // start.
    const std::string by;
};

}  // namespace portreeve::daemon
