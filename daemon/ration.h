// How much strangers may make the daemon log: whoever has not logged in gets a few lines a minute,
// all of them together some more, and what is beyond that is counted and told as a number. So no
// one who only knocks can fill the journal, push other lines out of it, or hide behind its limits.
//
// Lines beyond the ration are logged at level debug, for who wants to see them all.
//
// Owns: the counts of the minute that runs. Called by: all threads; it has a lock of its own.
// Bounds: Rules, of which `lines` are as many sources too, and one number for each kind of line.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string_view>

#include "daemon/source.h"

namespace portreeve::daemon {

class Ration {
  public:
    static constexpr std::int64_t kPeriodMs = 60'000;
    static constexpr std::uint32_t kLinesMax = 200;
    static constexpr std::uint32_t kLinesPerSourceMax = 10;
    // A period's.
    struct Rules {
        std::uint32_t lines = kLinesMax;
        std::uint32_t lines_per_source = kLinesPerSourceMax;
    };

    // Lines held back, by what they were about.
    using HeldBack = std::map<std::string_view, std::uint64_t>;

    Ration() : Ration(Rules()) {}
    explicit Ration(Rules rules) : rules_(rules) {}

    // Whether a line about `source` may be logged now; if not, it is counted as `what`, a literal.
    [[nodiscard]] bool allows(const Source& source, std::string_view what, std::int64_t now_ms);
    // What was held back since this was last asked.
    [[nodiscard]] HeldBack take_held_back();

  private:
    const Rules rules_;
    std::mutex lock_;
    std::int64_t ends_ms_ = 0;
    std::uint32_t lines_ = 0;
    std::map<Source, std::uint32_t> by_source_;
    HeldBack held_back_;
};

}  // namespace portreeve::daemon
