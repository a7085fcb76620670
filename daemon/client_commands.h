// The answers to what a client asks behind the host: about its own key's tunnels, and nothing else.
//
// Owns: nothing. Called by: Client, on its worker. Bounds: a line for each tunnel of the key.
#pragma once

#include <string>

#include "daemon/client_request.h"
#include "daemon/grant.h"
#include "daemon/lease_desk.h"
#include "daemon/leases.h"
#include "daemon/owners.h"
#include "daemon/policy.h"

namespace portreeve::daemon {

// Who asks, and what there is to know.
struct CommandScene {
    const Grant& grant;
    const Policy& policy;
    const Owners::Usage& usage;
    Leases& leases;
    LeaseDesk& desk;
    const std::string& client;  // the address
};

struct CommandAnswer {
    std::string text;
    std::string error;
    int status = 0;  // as a program's: 1 for a no, 2 where the question is wrong
};

// Not of Kind::words, which are the session's own business.
[[nodiscard]] CommandAnswer answer_command(const ClientRequest& request, const CommandScene& scene);

}  // namespace portreeve::daemon
