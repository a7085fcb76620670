// Hashing a password takes tens of milliseconds on purpose, which a worker does not have: one
// thread does it for all of them. A PasswordCheck, on its worker's ring, is one password's way
// there and back; a PasswordChecker is the thread.
//
// A password is in one place from start() until it has been hashed, and is wiped then. An unknown
// user's is hashed like a known one's (Passwords::hash_to_try), and never matches.
//
// Owns: the thread and its queue; the job of a login, shared between both sides, since either may
// be done with it first. Called by: Server makes the checker and destroys it after the workers have
// ended; Client has a check on its worker's thread. Bounds: kWaitingMax passwords wait, of at most
// kPasswordBytesMax; one is being hashed.
#pragma once

#include <array>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include <tl/expected.hpp>

#include "daemon/passwords.h"
#include "uring/fd.h"
#include "uring/ring.h"

namespace portreeve::daemon {

class PasswordChecker {
  public:
    static constexpr std::size_t kWaitingMax = 64;
    static constexpr std::size_t kPasswordBytesMax = 511;  // what crypt(3) takes

    PasswordChecker();
    PasswordChecker(const PasswordChecker&) = delete;
    PasswordChecker& operator=(const PasswordChecker&) = delete;
    PasswordChecker(PasswordChecker&&) = delete;
    PasswordChecker& operator=(PasswordChecker&&) = delete;
    // Waits for the password that is being hashed; those that wait are answered with "wrong".
    ~PasswordChecker();

  private:
    friend class PasswordCheck;
    struct Job;
    using JobPtr = std::shared_ptr<Job>;

    // From any thread. False: too many wait already.
    [[nodiscard]] bool submit(JobPtr job);
    void run();

    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<JobPtr> waiting_;
    bool stopping_ = false;
    std::thread thread_;
};

class PasswordCheck {
  public:
    class Events {
      public:
        Events() = default;
        Events(const Events&) = delete;
        Events& operator=(const Events&) = delete;
        virtual ~Events() = default;
        // Once for each start(), later and never from inside a call; the check may be destroyed
        // here. Whether the password is the user's, or the sentence that says why nobody knows.
        virtual void on_password_checked(tl::expected<bool, std::string> right) = 0;
    };

    PasswordCheck(uring::Ring& ring, PasswordChecker& checker, Events& events)
        : ring_(ring), checker_(checker), events_(events) {}
    PasswordCheck(const PasswordCheck&) = delete;
    PasswordCheck& operator=(const PasswordCheck&) = delete;
    PasswordCheck(PasswordCheck&&) = delete;
    PasswordCheck& operator=(PasswordCheck&&) = delete;
    ~PasswordCheck() = default;

    // May be started again when it is done. Both are copied; wiping the caller's copy of the
    // password is the caller's.
    void start(const Passwords& passwords, std::string_view user, std::string_view password);
    // on_password_checked still comes, soon, and must be waited for.
    void cancel();

  private:
    void answered(uring::Completion completion);
    void done();

    uring::Ring& ring_;
    PasswordChecker& checker_;
    Events& events_;
    PasswordChecker::JobPtr job_;
    std::string failed_why_;
    uring::Op answered_ = uring::Op::to<&PasswordCheck::answered>(this);
    uring::Task done_ = uring::Task::to<&PasswordCheck::done>(this);
};

}  // namespace portreeve::daemon
