#include "daemon/unix_listener.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace portreeve::daemon {
namespace {

std::string failed(const std::string& path) {
    return path + ": " + std::strerror(errno);
}

}  // namespace

// Made by another name, which is nobody's business, and renamed when it is what it should be.
tl::expected<uring::Fd, std::string> listen_at(const UnixListenerPlace& place, int backlog) {
    const std::string path = place.path();
    const std::string partial = place.folder + "/." + place.name;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    static_assert(sizeof(address.sun_path) == UnixListenerPlace::kPathBytesMax + 1);
    if (partial.size() > UnixListenerPlace::kPathBytesMax) {
        return tl::unexpected(path + ": too long for the path of a socket");
    }
    std::memcpy(address.sun_path, partial.data(), partial.size());
    uring::Fd made(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!made || (::unlink(partial.c_str()) != 0 && errno != ENOENT)) {
        return tl::unexpected(failed(path));
    }
    // What is bound has no more than the mode of its descriptor; nobody may connect until then.
    const bool bound =
        ::fchmod(made.get(), 0) == 0 &&
        ::bind(made.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 &&
        (!place.group || ::lchown(partial.c_str(), ~uid_t{0}, *place.group) == 0) &&
        ::chmod(partial.c_str(), place.mode) == 0 && ::listen(made.get(), backlog) == 0 &&
        std::rename(partial.c_str(), path.c_str()) == 0;
    if (!bound) {
        const std::string why = failed(path);
        ::unlink(partial.c_str());
        return tl::unexpected(why);
    }
    return made;
}

}  // namespace portreeve::daemon
