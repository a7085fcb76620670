#include "daemon/key_watch.h"

#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <utility>

namespace portreeve::daemon {
namespace {

// Not IN_MODIFY: a file is read when its writer has closed it.
constexpr std::uint32_t kMask = IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM |
                                IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF |
                                IN_ONLYDIR;
constexpr std::size_t kReadBytes = 16'384;
constexpr int kWalksMax = 3;  // links may move while they are followed

std::string not_watched(const std::string& what, int error) {
    const bool limit = error == ENOSPC || error == EMFILE;
    return what + ": " +
           (limit ? "the limits of fs.inotify (sysctl) are used up" : std::strerror(error)) +
           "; changed keys there hold from the next SIGHUP on";
}

}  // namespace

std::string KeyWatch::watch(const std::vector<std::string>& paths) {
    if (!inotify_) {
        inotify_ = uring::Fd(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
        if (!inotify_) {
            return not_watched("inotify", errno);
        }
    }
    const auto before = std::exchange(watched_, {});
    WatchPlaces places = WatchPlaces::of(paths);
    std::string why = add_watches(places);
    for (int walks = 1; walks < kWalksMax; ++walks) {
        WatchPlaces now = WatchPlaces::of(paths);
        if (now == places) {
            break;
        }
        places = std::move(now);
        why = add_watches(places);
    }
    for (const auto& [number, _] : before) {
        if (!watched_.contains(number)) {
            inotify_rm_watch(inotify_.get(), number);
        }
    }
    wait();
    return places.cut ? "more than " + std::to_string(WatchPlaces::kFoldersMax) +
                            " folders hold keys; changed keys in the others hold from the next "
                            "SIGHUP on"
                      : why;
}

std::string KeyWatch::add_watches(const WatchPlaces& places) {
    std::string why;
    for (const auto& [folder, names] : places.folders) {
        const int number = inotify_add_watch(inotify_.get(), folder.c_str(), kMask);
        if (number >= 0) {
            watched_[number] = names;
        } else if (errno == ENOSPC || (names.all && errno != ENOENT && errno != ENOTDIR)) {
            // A folder on the way may be closed to us, and what is gone is noticed in its parent.
            why = not_watched(folder, errno);
        }
    }
    return why;
}

void KeyWatch::stop() {
    stopped_ = true;
    look_.stop();
    if (wait_op_.armed()) {
        ring_.cancel(wait_op_);
    }
}

void KeyWatch::wait() {
    if (inotify_ && !stopped_ && !wait_op_.armed() && !look_.running()) {
        ring_.poll(wait_op_, inotify_.get(), POLLIN);
    }
}

// The descriptor is left alone until the look, so that a busy folder costs little.
void KeyWatch::on_wake(uring::Completion) {
    if (stopped_) {
        events_.on_key_watch_joined();
    } else if (!look_.running()) {
        look_.start_at(ring_.now_ms() + kLookMs);
    }
}

void KeyWatch::look() {
    ++looks_;
    const bool more = read_events();
    const std::int64_t now_ms = ring_.now_ms();
    if (more && !touched_ms_) {
        touched_ms_ = now_ms;
    }
    if (touched_ms_ && more && now_ms - *touched_ms_ < kPatienceMs) {
        look_.start_at(now_ms + kLookMs);
        return;
    }
    if (std::exchange(touched_ms_, std::nullopt)) {
        events_.on_keys_touched();
    }
    wait();
}

// Takes what has happened; true if any of it matters.
bool KeyWatch::read_events() {
    std::array<char, kReadBytes> buffer{};
    bool any = false;
    for (int reads = 0; inotify_ && reads < kReadsMax; ++reads) {
        const ssize_t bytes = ::read(inotify_.get(), buffer.data(), buffer.size());
        if (bytes <= 0) {
            break;
        }
        for (std::size_t at = 0; at < static_cast<std::size_t>(bytes);) {
            inotify_event event{};
            std::memcpy(&event, &buffer[at], sizeof(event));
            any = matters(event, event.len > 0 ? &buffer[at + sizeof(event)] : "") || any;
            at += sizeof(event) + event.len;
        }
    }
    return any;
}

bool KeyWatch::matters(const inotify_event& event, const char* name) {
    if ((event.mask & IN_Q_OVERFLOW) != 0) {
        return true;
    }
    const auto found = watched_.find(event.wd);
    if (found == watched_.end()) {
        return false;  // of a watch that was dropped
    }
    if ((event.mask & IN_IGNORED) != 0) {
        watched_.erase(found);
        return true;
    }
    return (event.mask & (IN_DELETE_SELF | IN_MOVE_SELF)) != 0 || found->second.matter(name);
}

}  // namespace portreeve::daemon
