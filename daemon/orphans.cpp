#include "daemon/orphans.h"

#include <sys/wait.h>
#include <unistd.h>

namespace portreeve::daemon {

std::size_t reap_orphans(const std::function<bool(pid_t)>& is_ours) {
    // Not those of the workers, who wait for their own programs.
    constexpr int kEndedHere = WEXITED | WNOHANG | __WNOTHREAD;
    std::size_t count = 0;
    while (count < Orphans::kAtOnceMax) {
        siginfo_t end{};
        if (::waitid(P_ALL, 0, &end, kEndedHere | WNOWAIT) != 0 || end.si_pid == 0 ||
            is_ours(end.si_pid)) {
            break;  // one of ours is reaped in a moment; the next look finds who is behind it
        }
        if (::waitid(P_PID, static_cast<id_t>(end.si_pid), &end, kEndedHere) != 0) {
            break;
        }
        ++count;
    }
    return count;
}

void Orphans::start() {
    if (::getpid() == 1) {
        again_.start_at(ring_.now_ms() + kLookMs);
    }
}

void Orphans::look() {
    static_cast<void>(reap_orphans([this](pid_t pid) { return ours_.runs(pid); }));
    again_.start_at(ring_.now_ms() + kLookMs);
}

}  // namespace portreeve::daemon
