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

TEST(PeopleText, WhatIsNotUtf8IsNotShown) {
    EXPECT_EQ(printable("\x9b"
                        "2J\xff"),
              "?2J?");  // a CSI of eight bits
    EXPECT_EQ(printable("a\xc2\x9b"
                        "2J"),
              "a?2J");                                        // … and of UTF-8
    EXPECT_EQ(printable("\xc0\xaf \xe0\x80\xaf"), "?? ???");  // longer than need be
    EXPECT_EQ(printable("\xed\xa0\x80"), "???");              // half of a pair
    EXPECT_EQ(printable("\xf4\x90\x80\x80"), "????");         // past the last character
    EXPECT_EQ(printable("cut \xe4\xb8"), "cut ??");
    EXPECT_EQ(printable("a\xc3"), "a?");
    EXPECT_EQ(printable("\xf0\x9f\x9a\x80 \xe4\xb8\xad"), "\xf0\x9f\x9a\x80 \xe4\xb8\xad");
}

TEST(PeopleText, WhatTurnsALineAroundIsNotShown) {
    EXPECT_EQ(printable("a\xe2\x80\xae"
                        "b\xe2\x80\x8d"
                        "c\xef\xbb\xbf"),
              "a?b?c?");
}

TEST(PeopleText, ColumnsAreThoseOfATerminal) {
    EXPECT_EQ(columns_of(""), 0U);
    EXPECT_EQ(columns_of("m\xc3\xbcller"), 6U);
    EXPECT_EQ(columns_of("mu\xcc\x88ller"), 6U);            // u and a mark upon it
    EXPECT_EQ(columns_of("\xe4\xb8\xad\xe6\x96\x87"), 4U);  // two wide ones
    EXPECT_EQ(columns_of("\xf0\x9f\x9a\x80!"), 3U);
}

TEST(PeopleText, ACutIsBetweenCharacters) {
    EXPECT_EQ(cut_to("plain", 3), "pla");
    EXPECT_EQ(cut_to("plain", 5), "plain");
    EXPECT_EQ(cut_to("plain", 500), "plain");
    EXPECT_EQ(cut_to("plain", 0), "");
    EXPECT_EQ(cut_to("m\xc3\xbcller", 1), "m");
    EXPECT_EQ(cut_to("m\xc3\xbcller", 2), "m\xc3\xbc");
    EXPECT_EQ(cut_to("\xe4\xb8\xad\xe6\x96\x87", 3), "\xe4\xb8\xad") << "no half of a wide one";
    EXPECT_EQ(cut_to("mu\xcc\x88ller", 2), "mu\xcc\x88") << "a mark stays with what it is upon";
}

}  // namespace
}  // namespace portreeve::daemon
