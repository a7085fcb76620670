// How a connection is broken off so that its peer does not take the end for an orderly one.
//
// Owns: nothing. Called by: uring/, and whoever closes a socket that no stream has. Bounds: none
// needed.
#pragma once

#include <sys/socket.h>

namespace portreeve::uring {

// close() will send RST. Without a shutdown before it, which would send FIN.
inline void reset_at_close(int socket) {
    const linger cut{.l_onoff = 1, .l_linger = 0};
    setsockopt(socket, SOL_SOCKET, SO_LINGER, &cut, sizeof(cut));
}

}  // namespace portreeve::uring
