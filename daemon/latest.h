// A thread that brings the newest of a row of values to where it is kept, so that no ring waits for
// a disk. A value takes the place of one that is not being worked on yet.
//
//   idle -> give() -> working -> idle, or failing: again after a pause that grows, until it works
//
// A value that comes while work fails waits for the pause as well, so a full disk is not hammered.
//
// Owns: the thread and the value that waits. Called by: any thread; the destructor works on what is
// left, once, and joins. Bounds: one value that waits and one that is worked on; Pace.
#pragma once

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace portreeve::daemon {

// How long after a failure it is tried again: first, then twice as long each time up to `most`.
struct Pace {
    std::chrono::milliseconds first{500};
    std::chrono::milliseconds most{30'000};
};

template <class Value>
class Latest {
  public:
    // Called on the thread, which is called `name`; false: it failed.
    using Work = std::function<bool(const Value& value)>;

    Latest(const char* name, Pace pace, Work work) : pace_(pace), work_(std::move(work)) {
        // Signals are the main thread's.
        sigset_t all{};
        sigset_t before{};
        sigfillset(&all);
        pthread_sigmask(SIG_BLOCK, &all, &before);
        thread_ = std::thread([this] { run(); });
        pthread_setname_np(thread_.native_handle(), name);
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
    }
    Latest(const Latest&) = delete;
    Latest& operator=(const Latest&) = delete;
    Latest(Latest&&) = delete;
    Latest& operator=(Latest&&) = delete;
    ~Latest() {
        {
            const std::lock_guard lock(mutex_);
            stopping_ = true;
        }
        changed_.notify_one();
        thread_.join();
    }

    // Returns at once.
    void give(Value value) {
        {
            const std::lock_guard lock(mutex_);
            waiting_ = std::move(value);
        }
        changed_.notify_one();
    }

  private:
    void run() {
        std::chrono::milliseconds pause = pace_.first;
        std::unique_lock lock(mutex_);
        for (;;) {
            changed_.wait(lock, [this] { return stopping_ || waiting_; });
            if (!waiting_) {
                return;
            }
            const bool last = stopping_;
            Value value = std::move(*std::exchange(waiting_, std::nullopt));
            lock.unlock();
            const bool done = work_(value);
            lock.lock();
            if (done) {
                pause = pace_.first;
                continue;
            }
            if (last) {
                return;
            }
            if (!waiting_) {
                waiting_ = std::move(value);
            }
            changed_.wait_for(lock, pause, [this] { return stopping_; });
            pause = std::min(pause * 2, pace_.most);
        }
    }

    Pace pace_;
    Work work_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::optional<Value> waiting_;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace portreeve::daemon
