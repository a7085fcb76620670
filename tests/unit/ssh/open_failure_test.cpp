#include "ssh/open_failure.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ssh/code.h"

namespace portreeve::ssh {
namespace {

OpenFailure of(const std::string& rest) {
    return open_failure_in("Channel opening failure: channel 43 error " + rest);
}

TEST(OpenFailure, IsTheNumberOfTheProtocol) {
    EXPECT_EQ(of("(1) open failed"), OpenFailure::prohibited);
    EXPECT_EQ(of("(2) Connection refused"), OpenFailure::connect_failed);
    EXPECT_EQ(of("(3) "), OpenFailure::unknown_type);
    EXPECT_EQ(of("(4) no more"), OpenFailure::resource_shortage);
}

TEST(OpenFailure, WhateverElseItIsIsOther) {
    EXPECT_EQ(of("(0) "), OpenFailure::other);
    EXPECT_EQ(of("(5) "), OpenFailure::other);
    EXPECT_EQ(of("(4294967298) "), OpenFailure::other);
    EXPECT_EQ(of("(99999999999999999999) "), OpenFailure::other);
    EXPECT_EQ(of("() error (2) "), OpenFailure::other);
    EXPECT_EQ(of(""), OpenFailure::other);
    EXPECT_EQ(open_failure_in(""), OpenFailure::other);
    EXPECT_EQ(open_failure_in("Socket error (2) of something"), OpenFailure::other);
}

TEST(OpenFailure, TheTextOfTheClientChangesNothing) {
    EXPECT_EQ(of("(9) error (2) "), OpenFailure::other);
    EXPECT_EQ(of("(2) error (9) "), OpenFailure::connect_failed);
}

TEST(Code, KnowsItsPlaceInTheList) {
    EXPECT_EQ(kCodes.at(Code("target_refused").index()), "target_refused");
    EXPECT_EQ(Code("limit_sessions").index(), 0U);
    EXPECT_EQ(std::string_view(Code("taken_over")), "taken_over");
}

}  // namespace
}  // namespace portreeve::ssh
