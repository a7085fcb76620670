// What one thread has done so far, for whoever asks how the daemon is.
//
// Owns: the numbers. Called by: the worker and what lives on it, which write; any thread, which
// reads. They live as long as the worker. Bounds: as many numbers as there are codes, reasons and
// ranges; nothing that a stranger chooses makes another.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "daemon/traffic.h"
#include "ssh/code.h"
#include "ssh/open_failure.h"
#include "uring/counter.h"

namespace portreeve::daemon {

// From a visitor on loopback to one who waits, and to a login within its grace.
inline constexpr auto kDurationBoundsMs = std::to_array<std::uint64_t>(
    {1, 2, 5, 10, 20, 50, 100, 200, 500, 1'000, 2'000, 5'000, 10'000, 20'000, 60'000});
using DurationHistogram = uring::Histogram<kDurationBoundsMs>;

// How often each code was said.
class CodeCounts {
  public:
    void count(ssh::Code code) { counts_[code.index()].add(1); }
    // By place in ssh::kCodes.
    [[nodiscard]] std::uint64_t operator[](std::size_t index) const { return counts_[index]; }

  private:
    std::array<uring::Counter, ssh::kCodes.size()> counts_;
};

// Why this host could not connect to what a client wants to reach.
enum class DialFailure { refused, timed_out, unreachable, other };
inline constexpr std::array<std::string_view, 4> kDialFailures = {"refused", "timed_out",
                                                                  "unreachable", "other"};
[[nodiscard]] DialFailure dial_failure_of(int error);

// Visitors of one kind of tunnel.
struct KindFigures {
    WorkerTraffic traffic;
    DurationHistogram first_byte_ms;  // from the visitor to the first byte of the client
};

// How often http visitors were answered, by the first digit of the status.
class AnswerCounts {
  public:
    static constexpr std::size_t kClasses = 5;
    void count(std::uint16_t status) {
        const std::size_t at = status / 100U;
        counts_[at < 1 || at > kClasses ? kClasses - 1 : at - 1].add(1);
    }
    // 0 for 1xx.
    [[nodiscard]] std::uint64_t operator[](std::size_t index) const { return counts_[index]; }

  private:
    std::array<uring::Counter, kClasses> counts_;
};

struct WorkerFigures {
    KindFigures tcp;      // visitors of ports
    KindFigures names;    // … of private names
    KindFigures http;     // … of http names
    KindFigures reaches;  // what clients reach by -L, -W and -J
    DurationHistogram login_ms;
    AnswerCounts http_answers;
    CodeCounts refusals;
    CodeCounts session_ends;
    std::array<uring::Counter, ssh::kOpenFailures.size()> open_failures;  // that clients told of
    std::array<uring::Counter, kDialFailures.size()> dial_failures;
};

}  // namespace portreeve::daemon
