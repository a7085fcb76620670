// poll, recv and send for the whole program: a symbol that the executable defines wins over libc's
// for every shared object, libssh's calls included. For kWireDescriptor they are memory copies, for
// any other descriptor the plain system call. prove_interposition() shows at start that it really
// is so.
//
// Compiled without _FORTIFY_SOURCE, which would declare inline versions of these same functions.

#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "ssh/wire.h"

namespace portreeve::ssh {

constinit thread_local Wire* Wire::current_ = nullptr;

std::size_t Wire::take(std::span<std::byte> into) {
    const std::size_t count = std::min(into.size(), input_.size());
    if (count > 0) {
        std::memcpy(into.data(), input_.data(), count);
        input_ = input_.subspan(count);
    }
    return count;
}

namespace {

int poll_wire(pollfd& entry) {
    const Wire* wire = Wire::current();
    entry.revents = 0;
    if (wire == nullptr) {
        entry.revents = POLLNVAL;
        return 1;
    }
    if ((entry.events & POLLIN) != 0 && wire->readable()) {
        entry.revents |= POLLIN;
    }
    entry.revents = static_cast<short>(entry.revents | (entry.events & POLLOUT));
    return entry.revents != 0 ? 1 : 0;
}

}  // namespace
}  // namespace portreeve::ssh

using portreeve::ssh::kWireDescriptor;
using portreeve::ssh::Wire;

#define PORTREEVE_INTERPOSED extern "C" __attribute__((visibility("default"), used))

PORTREEVE_INTERPOSED int poll(pollfd* entries, nfds_t count, int timeout_ms) {
    // libssh polls a session alone, and only ever with a timeout of 0 (all sessions are
    // non-blocking).
    if (count == 1 && entries[0].fd == kWireDescriptor) {
        return portreeve::ssh::poll_wire(entries[0]);
    }
    return static_cast<int>(syscall(SYS_poll, entries, count, timeout_ms));
}

PORTREEVE_INTERPOSED ssize_t recv(int descriptor, void* into, size_t bytes_max, int flags) {
    if (descriptor != kWireDescriptor) {
        return syscall(SYS_recvfrom, descriptor, into, bytes_max, flags, nullptr, nullptr);
    }
    Wire* wire = Wire::current();
    if (wire == nullptr) {
        errno = EBADF;
        return -1;
    }
    if (!wire->readable()) {
        errno = EAGAIN;
        return -1;
    }
    return static_cast<ssize_t>(wire->take({static_cast<std::byte*>(into), bytes_max}));
}

PORTREEVE_INTERPOSED ssize_t send(int descriptor, const void* from, size_t bytes, int flags) {
    if (descriptor != kWireDescriptor) {
        return syscall(SYS_sendto, descriptor, from, bytes, flags, nullptr, 0);
    }
    Wire* wire = Wire::current();
    if (wire == nullptr) {
        errno = EBADF;
        return -1;
    }
    wire->give({static_cast<const std::byte*>(from), bytes});
    return static_cast<ssize_t>(bytes);
}
