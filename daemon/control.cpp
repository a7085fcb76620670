#include "daemon/control.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace portreeve::daemon {
namespace {

constexpr int kBacklog = 16;
constexpr unsigned kForbidden = 403;

std::string failed(const std::string& path) {
    return path + ": " + std::strerror(errno);
}

// Mode 0600 from its first moment on; one that a crash left is replaced.
tl::expected<uring::Fd, std::string> listen_at(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof(address.sun_path)) {
        return tl::unexpected(path + ": the path of a socket has " +
                              std::to_string(sizeof(address.sun_path) - 1) + " bytes at most");
    }
    std::memcpy(address.sun_path, path.data(), path.size());
    uring::Fd made(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!made || (::unlink(path.c_str()) != 0 && errno != ENOENT)) {
        return tl::unexpected(failed(path));
    }
    // What is bound gets the mode of the descriptor, so that no moment has a wider one.
    if (::fchmod(made.get(), S_IRUSR | S_IWUSR) != 0 ||
        ::bind(made.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
        ::chmod(path.c_str(), S_IRUSR | S_IWUSR) != 0 || ::listen(made.get(), kBacklog) != 0) {
        return tl::unexpected(failed(path));
    }
    return made;
}

}  // namespace

Control::~Control() {
    if (!path_.empty()) {
        ::unlink(path_.c_str());
    }
}

tl::expected<void, std::string> Control::open(uring::Fd passed, const std::string& runtime_dir) {
    if (!passed) {
        const std::string path = runtime_dir + "/control";
        auto made = listen_at(path);
        if (!made) {
            return tl::unexpected(made.error());
        }
        path_ = path;
        passed = std::move(*made);
    }
    if (const int rc = desk_.open(std::move(passed)); rc != 0) {
        return tl::unexpected(std::string("its buffers: ") + std::strerror(-rc));
    }
    return {};
}

std::optional<HttpAnswer> Control::why_not(int socket) {
    ucred peer{};
    socklen_t size = sizeof(peer);
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
        (peer.uid == 0 || peer.uid == ::geteuid())) {
        return std::nullopt;
    }
    return control_error(kForbidden,
                         {"only root, and the user that the daemon runs as, may control it"});
}

}  // namespace portreeve::daemon
