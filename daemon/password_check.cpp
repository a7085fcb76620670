#include "daemon/password_check.h"

#include <crypt.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

namespace portreeve::daemon {
namespace {

using PasswordBytes = std::array<char, PasswordChecker::kPasswordBytesMax + 1>;

// In a time that does not tell where they differ.
bool same(std::string_view one, std::string_view other) {
    if (one.size() != other.size()) {
        return false;
    }
    volatile unsigned char difference = 0;
    for (std::size_t at = 0; at < one.size(); ++at) {
        difference = difference | static_cast<unsigned char>(one[at] ^ other[at]);
    }
    return difference == 0;
}

bool matches(const PasswordBytes& password, const std::string& hash) {
    const auto work = std::make_unique<crypt_data>();
    const char* made = crypt_r(password.data(), hash.c_str(), work.get());
    const bool right = made != nullptr && same(made, hash);
    explicit_bzero(work.get(), sizeof(*work));
    return right;
}

}  // namespace

struct PasswordChecker::Job {
    Job() = default;
    Job(const Job&) = delete;
    Job& operator=(const Job&) = delete;
    Job(Job&&) = delete;
    Job& operator=(Job&&) = delete;
    ~Job() { wipe(); }

    void wipe() { explicit_bzero(password.data(), password.size()); }
    void answer(bool is_right) {
        wipe();
        right = is_right;
        const std::uint64_t one = 1;
        // Cannot fail: nothing else adds to this count.
        static_cast<void>(!::write(event.get(), &one, sizeof(one)));
    }

    std::string hash;
    bool may_match = false;    // false: hashed only for the time it takes
    PasswordBytes password{};  // ends with a NUL
    std::atomic<bool> cancelled = false;
    std::atomic<bool> right = false;
    uring::Fd event;  // readable when it is answered
};

PasswordChecker::PasswordChecker() {
    // Signals are the main thread's.
    sigset_t all{};
    sigset_t before{};
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    thread_ = std::thread([this] { run(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

PasswordChecker::~PasswordChecker() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_one();
    thread_.join();
    for (const JobPtr& job : waiting_) {
        job->answer(false);
    }
}

bool PasswordChecker::submit(JobPtr job) {
    {
        const std::lock_guard lock(mutex_);
        if (waiting_.size() >= kWaitingMax) {
            return false;
        }
        waiting_.push_back(std::move(job));
    }
    changed_.notify_one();
    return true;
}

void PasswordChecker::run() {
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
        if (stopping_) {
            return;
        }
        const JobPtr job = std::move(waiting_.front());
        waiting_.pop_front();
        lock.unlock();
        if (!job->cancelled) {
            const bool equal = matches(job->password, job->hash);
            job->answer(equal && job->may_match);
        }
        lock.lock();
    }
}

void PasswordCheck::start(const Passwords& passwords, std::string_view user,
                          std::string_view password) {
    failed_why_.clear();
    job_ = std::make_shared<PasswordChecker::Job>();
    job_->event = uring::Fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!job_->event) {
        failed_why_ = std::string("a password cannot be checked: ") + std::strerror(errno);
        ring_.post(done_);
        return;
    }
    // What crypt(3) would see only in part must not match by that part.
    const bool whole = password.size() <= PasswordChecker::kPasswordBytesMax &&
                       password.find('\0') == std::string_view::npos;
    job_->may_match = whole && passwords.find(user) != nullptr;
    job_->hash = passwords.hash_to_try(user);
    std::copy_n(password.begin(), std::min(password.size(), PasswordChecker::kPasswordBytesMax),
                job_->password.begin());
    if (!checker_.submit(job_)) {
        failed_why_ =
            "a password cannot be checked now: " + std::to_string(PasswordChecker::kWaitingMax) +
            " others wait for it";
        ring_.post(done_);
        return;
    }
    ring_.poll(answered_, job_->event.get(), POLLIN);
}

void PasswordCheck::cancel() {
    if (!answered_.armed() || !failed_why_.empty()) {
        return;
    }
    failed_why_ = "cancelled";
    job_->cancelled = true;
    ring_.cancel(answered_);
}

void PasswordCheck::answered(uring::Completion completion) {
    if (completion.res < 0 && failed_why_.empty()) {
        failed_why_ =
            std::string("a password's answer was lost: ") + std::strerror(-completion.res);
    }
    ring_.post(done_);
}

void PasswordCheck::done() {
    const PasswordChecker::JobPtr job = std::move(job_);
    if (!failed_why_.empty()) {
        events_.on_password_checked(tl::unexpected(failed_why_));
    } else {
        events_.on_password_checked(job->right.load());
    }
}

}  // namespace portreeve::daemon
