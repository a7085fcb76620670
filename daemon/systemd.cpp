#include "daemon/systemd.h"

#include <sys/socket.h>
#include <systemd/sd-daemon.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <ctime>

namespace portreeve::daemon {

PassedSockets PassedSockets::take() {
    PassedSockets taken;
    char** names = nullptr;
    const int count = sd_listen_fds_with_names(1, &names);
    for (int index = 0; index < count; ++index) {
        uring::Fd socket(SD_LISTEN_FDS_START + index);
        const std::string name = names[index];
        std::free(names[index]);
        // Our own visitors of before a restart are connected; what is passed as "ssh" listens.
        const int listening = name.starts_with(kVisitorsPrefix) ? 0 : 1;
        if (sd_is_socket(socket.get(), AF_UNSPEC, SOCK_STREAM, listening) > 0) {
            taken.sockets_.push_back({name, std::move(socket)});
        } else {
            taken.odd_.push_back({name, "it is not a listening stream socket"});
        }
    }
    std::free(names);
    return taken;
}

std::vector<uring::Fd> PassedSockets::named(std::string_view name) {
    std::vector<uring::Fd> found;
    for (Passed& passed : sockets_) {
        if (passed.socket && passed.name == name) {
            found.push_back(std::move(passed.socket));
        }
    }
    return found;
}

std::vector<std::string> PassedSockets::names_left(std::string_view prefix) const {
    std::vector<std::string> names;
    for (const Passed& passed : sockets_) {
        if (passed.socket && passed.name.starts_with(prefix)) {
            names.push_back(passed.name);
        }
    }
    return names;
}

std::vector<PassedSockets::Odd> PassedSockets::rest() const {
    std::vector<Odd> all = odd_;
    for (const Passed& passed : sockets_) {
        if (passed.socket) {
            all.push_back({passed.name, "no socket of that name is used; \"ssh\" is"});
        }
    }
    return all;
}

namespace notify {
namespace {

std::string one_line(std::string_view status) {
    std::string text(status.substr(0, status.find('\n')));
    return text;
}

}  // namespace

void ready(std::string_view status) {
    sd_notifyf(0, "READY=1\nSTATUS=%s", one_line(status).c_str());
}

void reloading() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    const auto microseconds = static_cast<unsigned long long>(now.tv_sec) * 1'000'000 +
                              static_cast<unsigned long long>(now.tv_nsec) / 1'000;
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu", microseconds);
}

void stopping(std::string_view status) {
    sd_notifyf(0, "STOPPING=1\nSTATUS=%s", one_line(status).c_str());
}

void status(std::string_view status) {
    sd_notifyf(0, "STATUS=%s", one_line(status).c_str());
}

void alive() {
    sd_notify(0, "WATCHDOG=1");
}

bool keep_sockets(const std::string& name, const std::vector<int>& sockets) {
    constexpr std::size_t kMessageMax = 200;  // systemd takes 253 in one
    const std::string words = "FDSTORE=1\nFDNAME=" + name;
    for (std::size_t at = 0; at < sockets.size(); at += kMessageMax) {
        const std::size_t count = std::min(kMessageMax, sockets.size() - at);
        if (sd_pid_notify_with_fds(0, 0, words.c_str(), sockets.data() + at,
                                   static_cast<unsigned>(count)) <= 0) {
            return false;
        }
    }
    return true;
}

void wait_read() {
    sd_notify_barrier(0, std::uint64_t{kReadMsMax} * 1'000);
}

void forget_sockets(const std::string& name) {
    sd_notifyf(0, "FDSTOREREMOVE=1\nFDNAME=%s", name.c_str());
}

}  // namespace notify
}  // namespace portreeve::daemon
