// Numbers that one thread counts and any thread reads: since nobody else writes, counting is a load
// and a store, without the bus lock of an atomic addition.
//
// Owns: numbers. Called by: one thread that counts, any that reads. Bounds: a Histogram has as many
// ranges as its bounds say.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace portreeve::uring {

class Counter {
  public:
    // What was counted before is seen by whoever sees this.
    void add(std::uint64_t more) {
        value_.store(value_.load(std::memory_order_relaxed) + more, std::memory_order_release);
    }
    // Implicit, so that it is read as the number that it is.
    operator std::uint64_t() const {  // NOLINT(google-explicit-constructor)
        return value_.load(std::memory_order_acquire);
    }

  private:
    std::atomic<std::uint64_t> value_{0};
};

// How many values fell into each of a few ranges: up to the first of `kBounds`, which rise, above
// it and up to the second, … and above the last.
template <const auto& kBounds>
class Histogram {
  public:
    static constexpr std::size_t kRanges = std::size(kBounds) + 1;

    struct Figures {
        std::array<std::uint64_t, kRanges> counts{};  // of each range alone
        std::uint64_t sum = 0;                        // of all values

        Figures& operator+=(const Figures& more) {
            for (std::size_t range = 0; range < kRanges; ++range) {
                counts[range] += more.counts[range];
            }
            sum += more.sum;
            return *this;
        }
        bool operator==(const Figures&) const = default;
    };

    void observe(std::uint64_t value) {
        const auto* const bound = std::lower_bound(std::begin(kBounds), std::end(kBounds), value);
        sum_.add(value);
        counts_[static_cast<std::size_t>(bound - std::begin(kBounds))].add(1);
    }

    [[nodiscard]] Figures figures() const {
        Figures now;
        std::copy(counts_.begin(), counts_.end(), now.counts.begin());
        now.sum = sum_;
        return now;
    }

  private:
    std::array<Counter, kRanges> counts_;
    Counter sum_;
};

}  // namespace portreeve::uring
