#include "uring/counter.h"

#include <atomic>
#include <limits>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace portreeve::uring {
namespace {

constexpr std::array<std::uint64_t, 3> kBounds = {1, 10, 100};

TEST(Counter, AddsUp) {
    Counter counter;
    EXPECT_EQ(counter, 0U);
    counter.add(1);
    counter.add(41);
    EXPECT_EQ(counter, 42U);
}

TEST(Counter, ShowsWhatWasCountedBeforeIt) {
    Counter came;
    Counter left;
    std::atomic<bool> stop{false};
    std::thread counting([&] {
        while (!stop.load()) {
            came.add(1);
            left.add(1);
        }
    });
    for (int reading = 0; reading < 100'000; ++reading) {
        const std::uint64_t had_left = left;
        ASSERT_LE(had_left, came);
    }
    stop.store(true);
    counting.join();
}

TEST(Histogram, ABoundBelongsToTheRangeBelowIt) {
    Histogram<kBounds> histogram;
    for (const std::uint64_t value : {0U, 1U, 2U, 10U, 11U, 100U, 101U}) {
        histogram.observe(value);
    }
    const auto figures = histogram.figures();
    EXPECT_THAT(figures.counts, testing::ElementsAre(2, 2, 2, 1));
    EXPECT_EQ(figures.sum, 225U);
}

TEST(Histogram, WhatIsLargerThanAnyBoundIsInTheLastRange) {
    Histogram<kBounds> histogram;
    histogram.observe(std::numeric_limits<std::uint64_t>::max());
    EXPECT_THAT(histogram.figures().counts, testing::ElementsAre(0, 0, 0, 1));
}

TEST(Histogram, SeveralAddUp) {
    Histogram<kBounds> one;
    Histogram<kBounds> two;
    one.observe(5);
    two.observe(7);
    two.observe(1000);
    auto sum = one.figures();
    sum += two.figures();
    EXPECT_THAT(sum.counts, testing::ElementsAre(0, 2, 0, 1));
    EXPECT_EQ(sum.sum, 1012U);
}

}  // namespace
}  // namespace portreeve::uring
