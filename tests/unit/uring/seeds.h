// Random tests that can be repeated: each case has a seed, a failure prints it, and
// PORTREEVE_SEED=n runs that one case alone.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>

namespace portreeve::uring::test {

class Dice {
  public:
    explicit Dice(std::uint64_t seed) : engine_(seed) {}
    // From `low` to `high`, both possible.
    std::size_t between(std::size_t low, std::size_t high) {
        return low + engine_() % (high - low + 1);
    }
    bool chance(unsigned per_cent) { return engine_() % 100 < per_cent; }
    // That many random bytes.
    std::string text(std::size_t count) {
        std::string text(count, '\0');
        for (std::size_t i = 0; i < count; i += sizeof(std::uint64_t)) {
            const std::uint64_t word = engine_();
            std::memcpy(&text[i], &word, std::min(sizeof(word), count - i));
        }
        return text;
    }
    std::mt19937_64& engine() { return engine_; }

  private:
    std::mt19937_64 engine_;
};

// Calls body(seed) until it fails, for `count` seeds or for the one that PORTREEVE_SEED names.
template <class Body>
void for_each_seed(std::uint64_t count, Body body) {
    const char* chosen = std::getenv("PORTREEVE_SEED");
    const std::uint64_t first = chosen != nullptr ? std::strtoull(chosen, nullptr, 10) : 1;
    const std::uint64_t last = chosen != nullptr ? first : count;
    for (std::uint64_t seed = first; seed <= last; ++seed) {
        SCOPED_TRACE("repeat with PORTREEVE_SEED=" + std::to_string(seed));
        body(seed);
        if (::testing::Test::HasFailure()) {
            return;
        }
    }
}

}  // namespace portreeve::uring::test
