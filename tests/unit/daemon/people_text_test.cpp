#include "daemon/people_text.h"

#include <gtest/gtest.h>

namespace portreeve::daemon {
namespace {

TEST(PeopleText, BytesHaveTheUnitThatLeavesOneToFourDigits) {
    EXPECT_EQ(bytes_text(0), "0 B");
    EXPECT_EQ(bytes_text(1023), "1023 B");
    EXPECT_EQ(bytes_text(1024), "1.0 KiB");
    EXPECT_EQ(bytes_text(std::uint64_t{1536} * 1024), "1.5 MiB");
    EXPECT_EQ(bytes_text(std::uint64_t{40} * 1024 * 1024 * 1024), "40.0 GiB");
    EXPECT_EQ(bytes_text(UINT64_MAX), "16.0 EiB");
}

TEST(PeopleText, WhatCouldCommandATerminalIsNotShown) {
    EXPECT_EQ(printable("a\x1b[2Jb\nc\x7f"), "a?[2Jb?c?");
    EXPECT_EQ(printable("m\xc3\xbcller"), "m\xc3\xbcller");
}

}  // namespace
}  // namespace portreeve::daemon
