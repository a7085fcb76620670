#include "daemon/control.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

#include "daemon/unix_listener.h"

namespace portreeve::daemon {
namespace {

constexpr int kBacklog = 16;
constexpr unsigned kForbidden = 403;

}  // namespace

Control::~Control() {
    if (!path_.empty()) {
        ::unlink(path_.c_str());
    }
}

tl::expected<void, std::string> Control::open(uring::Fd passed, const std::string& runtime_dir) {
    if (!passed) {
        const UnixListenerPlace place{runtime_dir, "control", S_IRUSR | S_IWUSR, {}};
        auto made = listen_at(place, kBacklog);
        if (!made) {
            return tl::unexpected(made.error());
        }
        path_ = place.path();
        passed = std::move(*made);
    }
    if (const int rc = desk_.open(); rc != 0) {
        return tl::unexpected(std::string("its buffers: ") + std::strerror(-rc));
    }
    desk_.listen(std::move(passed));
    watch_.open();
    return {};
}

// The last news first, so that those who follow hear them.
void Control::close() {
    watch_.stop();
    desk_.close();
}

void Control::on_follower_cut() {
    log_.warning("follower_cut", {{"why", "it did not read what it was told, and 1 MiB waited"}});
}

void Control::tell_if_joined() {
    if (joined()) {
        events_.on_control_joined();
    }
}

std::optional<HttpAnswer> Control::why_not(int socket) {
    ucred peer{};
    socklen_t size = sizeof(peer);
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
        (peer.uid == 0 || peer.uid == ::geteuid())) {
        return std::nullopt;
    }
    return http_error(kForbidden,
                      {"only root, and the user that the daemon runs as, may control it"});
}

}  // namespace portreeve::daemon
