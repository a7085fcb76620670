// A visitor or a client who has come and whom nobody serves yet: the socket, and where he comes
// from, which the socket itself does not know of one who came through another session or a
// balancer.
//
// Owns: the socket. Called by: whoever takes visitors or clients, until a Visitor or a Client has
// the socket.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "uring/fd.h"
#include "uring/socket.h"

namespace portreeve::daemon {

struct Arrival {
    explicit Arrival(uring::Fd accepted)
        : socket(std::move(accepted)), from(uring::Address::of_peer(socket.get())) {}
    Arrival(uring::Fd joined, const uring::Address& caller, std::string sent = {})
        : socket(std::move(joined)), from(caller), said(std::move(sent)) {}

    uring::Fd socket;
    uring::Address from;
    std::string said;                     // what has been read of it already
    std::shared_ptr<const void> counted;  // its place among those whom another limit counts
};

}  // namespace portreeve::daemon
