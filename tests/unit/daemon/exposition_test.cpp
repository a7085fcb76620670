// The text format, as Prometheus' documentation has it.

#include "daemon/exposition.h"

#include <array>

#include "gtest/gtest.h"

namespace portreeve::daemon {
namespace {

TEST(ExpositionTest, AFamilyHasItsHelpItsTypeAndItsSamples) {
    Exposition to;
    to.gauge("rooms", "Rooms in the house.");
    to.whole({}, 3);
    to.counter("steps_total", "Steps.");
    to.whole({{"foot", "left"}}, 18'446'744'073'709'551'615U);
    to.whole({{"foot", "right"}, {"shoe", "yes"}}, 0);
    EXPECT_EQ(to.take(),
              "# HELP rooms Rooms in the house.\n"
              "# TYPE rooms gauge\n"
              "rooms 3\n"
              "# HELP steps_total Steps.\n"
              "# TYPE steps_total counter\n"
              "steps_total{foot=\"left\"} 18446744073709551615\n"
              "steps_total{foot=\"right\",shoe=\"yes\"} 0\n");
}

TEST(ExpositionTest, RealNumbersAreShortAndExact) {
    Exposition to;
    to.gauge("g", "G.");
    to.real({}, 0.1);
    to.real({}, 1234567890.25);
    to.real({}, 0);
    EXPECT_EQ(to.take(), "# HELP g G.\n# TYPE g gauge\ng 0.1\ng 1234567890.25\ng 0\n");
}

TEST(ExpositionTest, EscapesWhatWouldEndALineOrAValue) {
    Exposition to;
    to.gauge("g", "a \"b\" \\ c\nd");
    to.whole({{"l", "a \"b\" \\ c\nd"}}, 1);
    EXPECT_EQ(to.take(),
              "# HELP g a \"b\" \\\\ c\\nd\n"
              "# TYPE g gauge\n"
              "g{l=\"a \\\"b\\\" \\\\ c\\nd\"} 1\n");
}

TEST(ExpositionTest, RangesOfAHistogramAddUp) {
    constexpr std::array<std::uint64_t, 3> kBoundsMs = {1, 20, 1500};
    constexpr std::array<std::uint64_t, 4> kCounts = {2, 0, 3, 4};
    Exposition to;
    to.histogram("wait_seconds", "Wait.");
    to.ranges({{"kind", "long"}}, kBoundsMs, kCounts, 12'345, 1'000);
    EXPECT_EQ(to.take(),
              "# HELP wait_seconds Wait.\n"
              "# TYPE wait_seconds histogram\n"
              "wait_seconds_bucket{kind=\"long\",le=\"0.001\"} 2\n"
              "wait_seconds_bucket{kind=\"long\",le=\"0.02\"} 2\n"
              "wait_seconds_bucket{kind=\"long\",le=\"1.5\"} 5\n"
              "wait_seconds_bucket{kind=\"long\",le=\"+Inf\"} 9\n"
              "wait_seconds_sum{kind=\"long\"} 12.345\n"
              "wait_seconds_count{kind=\"long\"} 9\n");
}

TEST(ExpositionTest, RangesWithoutAScaleAreWholeNumbers) {
    constexpr std::array<std::uint64_t, 1> kBounds = {0};
    constexpr std::array<std::uint64_t, 2> kCounts = {1, 1};
    Exposition to;
    to.histogram("h", "H.");
    to.ranges({}, kBounds, kCounts, 7, 1);
    EXPECT_EQ(to.take(),
              "# HELP h H.\n# TYPE h histogram\n"
              "h_bucket{le=\"0\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 7\nh_count 2\n");
}

}  // namespace
}  // namespace portreeve::daemon
