#include "daemon/watchdog.h"

#include <systemd/sd-daemon.h>

#include <algorithm>
#include <utility>

namespace portreeve::daemon {

std::int64_t Watchdog::take_interval_ms() {
    constexpr std::uint64_t kHalvesInMs = 2'000;
    std::uint64_t limit_us = 0;
    if (sd_watchdog_enabled(1, &limit_us) <= 0) {
        return 0;
    }
    return std::max<std::int64_t>(1, static_cast<std::int64_t>(limit_us / kHalvesInMs));
}

void Watchdog::start(std::int64_t interval_ms, std::vector<uring::Ring*> workers) {
    if (interval_ms == 0) {
        return;
    }
    interval_ms_ = interval_ms;
    workers_ = std::move(workers);
    states_.assign(workers_.size(), State::answered);
    tick();
}

void Watchdog::stop() {
    timer_.stop();
    workers_.clear();
}

void Watchdog::tick() {
    timer_.start_at(ring_.now_ms() + interval_ms_);
    if (unanswered_ == 0) {
        unanswered_ = workers_.size();
        for (std::size_t number = 0; number < workers_.size(); ++number) {
            ask(number);
        }
        return;
    }
    for (std::size_t number = 0; number < workers_.size(); ++number) {
        if (states_[number] == State::asked) {
            states_[number] = State::silent;
            events_.on_worker_silent(number);
        }
    }
}

void Watchdog::ask(std::size_t number) {
    states_[number] = State::asked;
    uring::Ring& worker = *workers_[number];
    ring_.post(worker.descriptor(),
               uring::make_message([this, number, &worker, home = ring_.descriptor()] {
                   // On the worker's thread, where *this is only a name to send back.
                   worker.post(home, uring::make_message([this, number] { answered(number); }));
               }));
}

void Watchdog::answered(std::size_t number) {
    states_[number] = State::answered;
    if (--unanswered_ == 0 && !workers_.empty()) {
        events_.on_workers_alive();
    }
}

}  // namespace portreeve::daemon
