#include "daemon/ration.h"

#include <gmock/gmock.h>

#include <string>

namespace portreeve::daemon {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

Source source(const std::string& host) {
    return Source(*uring::Address::parse(host, 1));
}

class Rationing : public ::testing::Test {
  protected:
    // How many of `lines` may be logged.
    std::uint32_t allowed(std::uint32_t lines, const Source& from, std::string_view what = "x") {
        std::uint32_t count = 0;
        for (std::uint32_t line = 0; line < lines; ++line) {
            count += ration_.allows(from, what, now_ms_) ? 1U : 0U;
        }
        return count;
    }

    Ration ration_;
    std::int64_t now_ms_ = 1'000'000;
};

TEST_F(Rationing, GivesASourceAFewLines) {
    EXPECT_EQ(allowed(1'000, source("192.0.2.1")), Ration::kLinesPerSourceMax);
    EXPECT_EQ(allowed(1, source("192.0.2.2")), 1U);
}

TEST_F(Rationing, GivesAllSourcesABound) {
    std::uint32_t count = 0;
    for (std::uint32_t number = 0; number < 10 * Ration::kLinesMax; ++number) {
        count += allowed(1, source("2001:db8:0:" + std::to_string(number % 9'999) + "::1"));
    }
    EXPECT_EQ(count, Ration::kLinesMax);
}

TEST_F(Rationing, BeginsAnewWithThePeriod) {
    allowed(100, source("192.0.2.1"));
    now_ms_ += Ration::kPeriodMs - 1;
    EXPECT_EQ(allowed(1, source("192.0.2.1")), 0U);
    ++now_ms_;
    EXPECT_EQ(allowed(100, source("192.0.2.1")), Ration::kLinesPerSourceMax);
}

TEST_F(Rationing, GoesByItsRules) {
    Ration narrow({3, 2});
    std::uint32_t count = 0;
    for (const char* host : {"192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.3"}) {
        count += narrow.allows(source(host), "x", now_ms_) ? 1U : 0U;
    }
    EXPECT_EQ(count, 3U);
    EXPECT_THAT(narrow.take_held_back(), ElementsAre(Pair("x", 2)));
}

TEST_F(Rationing, TellsOnceWhatItHeldBack) {
    EXPECT_THAT(ration_.take_held_back(), IsEmpty());
    allowed(Ration::kLinesPerSourceMax + 3, source("192.0.2.1"), "penalty");
    allowed(5, source("192.0.2.1"), "unknown_key");
    now_ms_ += Ration::kPeriodMs;
    allowed(1, source("192.0.2.1"), "penalty");
    EXPECT_THAT(ration_.take_held_back(), ElementsAre(Pair("penalty", 3), Pair("unknown_key", 5)));
    EXPECT_THAT(ration_.take_held_back(), IsEmpty());
}

}  // namespace
}  // namespace portreeve::daemon
