#include "tests/unit/ssh/bench.h"

#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <stdexcept>

#include "uring/socket.h"

namespace portreeve::ssh::testing {

// The real kernel, but its clock can be set forward and it never waits long: what tests wait for
// may happen on another thread, of which the ring hears nothing.
class SteppedKernel final : public uring::Kernel {
  public:
    static constexpr std::int64_t kWaitMsMax = 2;

    explicit SteppedKernel(std::unique_ptr<uring::Kernel> real) : real_(std::move(real)) {}

    int enable() override { return real_->enable(); }
    io_uring_sqe* next_sqe() override { return real_->next_sqe(); }
    int submit() override { return real_->submit(); }
    int submit_and_wait(std::int64_t wait_ms) override {
        would_wait = wait_ms != 0;
        const bool for_ever = wait_ms < 0;
        return real_->submit_and_wait(for_ever ? kWaitMsMax : std::min(wait_ms, kWaitMsMax));
    }
    std::size_t reap(std::span<uring::Cqe> out) override { return real_->reap(out); }
    [[nodiscard]] bool completions_overflowed() const override {
        return real_->completions_overflowed();
    }
    int register_buffers(io_uring_buf_ring* ring, std::uint32_t entries,
                         std::uint16_t group) override {
        return real_->register_buffers(ring, entries, group);
    }
    int unregister_buffers(std::uint16_t group) override {
        return real_->unregister_buffers(group);
    }
    [[nodiscard]] int descriptor() const override { return real_->descriptor(); }
    [[nodiscard]] std::int64_t now_ms() const override { return real_->now_ms() + ahead_ms; }

    std::int64_t ahead_ms = 0;
    bool would_wait = false;

  private:
    std::unique_ptr<uring::Kernel> real_;
};

namespace {

using Clock = std::chrono::steady_clock;

Clock::time_point deadline() {
    return Clock::now() + std::chrono::milliseconds(Bench::kDeadlineMs);
}

void check(bool fine, const char* what) {
    if (!fine) {
        throw std::runtime_error(std::string("the bench cannot be set up: ") + what);
    }
}

}  // namespace

Bench::Bench() {
    auto real = uring::make_kernel();
    if (!real) {
        throw std::runtime_error(real.error().sentence);
    }
    auto kernel = std::make_unique<SteppedKernel>(std::move(*real));
    kernel_ = kernel.get();
    ring_ = std::make_unique<uring::Ring>(std::move(kernel));
    check(ring_->enable() == 0, "enable");
    auto buffers = uring::BufferRing::make(ring_->kernel(), 0, {.count = 8, .bytes = 64 * 1024});
    check(buffers.has_value(), "buffers");
    buffers_ = std::move(*buffers);
}

Bench::~Bench() = default;

bool Bench::until(const std::function<bool()>& condition) {
    const auto end = deadline();
    while (!condition()) {
        if (Clock::now() > end) {
            return false;
        }
        check(ring_->turn(true) == 0, "turn");
    }
    return true;
}

bool Bench::rest() {
    std::uint64_t seen = 0;
    bool resting = false;
    return until([&] {
        const std::uint64_t completions = ring_->figures().completions;
        const bool quiet = kernel_->would_wait && completions == seen;
        seen = completions;
        return std::exchange(resting, quiet) && quiet;
    });
}

void Bench::advance_ms(std::int64_t ms) {
    kernel_->ahead_ms += ms;
}

std::pair<uring::Fd, uring::Fd> local_pair() {
    int ends[2] = {-1, -1};
    check(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "socketpair");
    return {uring::Fd(ends[0]), uring::Fd(ends[1])};
}

std::pair<uring::Fd, uring::Fd> tcp_pair() {
    auto listener = uring::listen_on(*uring::Address::parse("127.0.0.1", 0), false);
    check(listener.has_value(), "listen");
    const auto address = uring::Address::of_local(listener->get());
    uring::Fd near(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    check(::connect(near.get(), address.data(), address.size()) == 0, "connect");
    uring::Fd far(::accept4(listener->get(), nullptr, nullptr, SOCK_CLOEXEC));
    check(static_cast<bool>(far), "accept");
    return {std::move(near), std::move(far)};
}

std::string noise(std::size_t count, std::uint32_t seed) {
    std::minstd_rand random(seed + 1);
    std::string bytes(count, '\0');
    for (char& byte : bytes) {
        byte = static_cast<char>(random() >> 8);
    }
    return bytes;
}

std::string difference(const std::string& got, const std::string& wanted) {
    const auto [here, there] = std::mismatch(got.begin(), got.end(), wanted.begin(), wanted.end());
    if (here == got.end() && there == wanted.end()) {
        return {};
    }
    return std::to_string(got.size()) + " bytes instead of " + std::to_string(wanted.size()) +
           ", and the first difference is at " + std::to_string(here - got.begin());
}

}  // namespace portreeve::ssh::testing
