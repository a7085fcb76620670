// A visitor of http names whom no worker serves yet, or who goes from one worker to another: the
// connection and what has come on it.
//
// Owns: the socket, its TLS, its place among the visitors. Called by: ProxyDoors, which makes it;
// ProxyFront and ProxyVisitor, which take it and pass it on. Bounds: kMovesMax; the bytes by a
// head.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "daemon/lease.h"
#include "daemon/proxy/web_admission.h"
#include "daemon/proxy/web_stream.h"
#include "uring/fd.h"
#include "uring/socket.h"

namespace portreeve::daemon {

struct WebArrival {
    // From worker to worker for one request: its tunnel cannot change hands any faster.
    static constexpr unsigned kMovesMax = 8;

    uring::Fd socket;
    uring::Address from;
    uring::Address at;  // that it came to
    WebAdmission::Ticket ticket;
    bool is_https = false;
    bool is_proxied = false;      // a balancer said whom it comes for
    bool is_known = false;        // nothing of what it says first has to be looked at any more
    std::unique_ptr<WebTls> tls;  // nullptr: in the clear, or not begun
    std::string raw;              // what came first, as it came over the wire
    std::string bytes;            // what came in the clear, and nobody has used
    unsigned moves = 0;
    LeasePtr chosen = {};  // that it was sent for, from the worker before
    // How often the request that is under way was begun in vain: its session ended, or its target
    // refused.
    unsigned repeats = 0;
};

}  // namespace portreeve::daemon
