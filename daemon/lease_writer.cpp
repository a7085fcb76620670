#include "daemon/lease_writer.h"

#include <pthread.h>

#include <algorithm>
#include <csignal>
#include <utility>

namespace portreeve::daemon {

LeaseWriter::LeaseWriter(std::string state_dir, Report report, std::unique_ptr<Disk> disk,
                         Pace pace)
    : state_dir_(std::move(state_dir)),
      report_(std::move(report)),
      disk_(std::move(disk)),
      pace_(pace) {
    // Signals are the main thread's.
    sigset_t all{};
    sigset_t before{};
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    thread_ = std::thread([this] { run(); });
    pthread_setname_np(thread_.native_handle(), "leases");
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

LeaseWriter::~LeaseWriter() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_one();
    thread_.join();
}

void LeaseWriter::save(std::vector<LeaseRecord> records) {
    {
        const std::lock_guard lock(mutex_);
        waiting_ = std::move(records);
    }
    changed_.notify_one();
}

void LeaseWriter::run() {
    std::chrono::milliseconds pause = pace_.first;
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [this] { return stopping_ || waiting_; });
        if (!waiting_) {
            return;
        }
        const bool last = stopping_;
        Records records = std::move(*std::exchange(waiting_, std::nullopt));
        lock.unlock();
        const bool written = write(records);
        lock.lock();
        if (written) {
            pause = pace_.first;
            continue;
        }
        if (last) {
            return;
        }
        if (!waiting_) {
            waiting_ = std::move(records);
        }
        changed_.wait_for(lock, pause, [this] { return stopping_; });
        pause = std::min(pause * 2, pace_.most);
    }
}

// Whether it is on the disk now.
bool LeaseWriter::write(const Records& records) {
    const auto done = save_leases(*disk_, state_dir_, records);
    if (done.has_value() == failing_) {
        failing_ = !failing_;
        report_(done ? std::string() : done.error());
    }
    return done.has_value();
}

}  // namespace portreeve::daemon
