#include "daemon/journal.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>

namespace portreeve::daemon {

Journal::Journal(std::string_view path)
    : path_(path), socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
}

// Not connected: each entry finds the socket that is there now, also after another journald made it
// anew.
Journal::Outcome Journal::send(std::string_view entry) const {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, sizeof(address.sun_path) - 1);
    const ssize_t sent =
        ::sendto(socket_.get(), entry.data(), entry.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                 reinterpret_cast<const sockaddr*>(&address), sizeof(address));
    if (sent >= 0) {
        return Outcome::taken;
    }
    return errno == ENOENT || errno == ECONNREFUSED || errno == EACCES || errno == EBADF
               ? Outcome::absent
               : Outcome::full;
}

}  // namespace portreeve::daemon
