#include "daemon/screen.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/people_text.h"

namespace portreeve::daemon {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TunnelEntry entry(std::uint16_t port = 20'001) {
    TunnelEntry made;
    made.name = made.user = "pc42";
    made.address = "127.0.0.1";
    made.port = port;
    made.traffic = {2, 17, 2048, 100};
    return made;
}

std::vector<TunnelEntry> entries(std::size_t count) {
    std::vector<TunnelEntry> made;
    for (std::size_t at = 0; at < count; ++at) {
        made.push_back(entry(static_cast<std::uint16_t>(20'001 + at)));
    }
    return made;
}

std::vector<std::string> lines_of(const Frame& frame) {
    std::vector<std::string> lines;
    for (const Frame::Row& row : frame.rows) {
        lines.push_back(row.text);
    }
    return lines;
}

std::vector<std::string> lines(std::vector<TunnelEntry> all, ScreenSize size,
                               const std::vector<std::string>& messages = {}) {
    return lines_of(frame_of(ScreenTunnels::of(std::move(all)), messages, size));
}

TEST(Screen, HasALineForEachTunnelUnderItsHeadings) {
    TunnelEntry held = entry();
    held.address = "::1";
    held.held = true;
    held.traffic = {0, 3, 0, 5 << 20};
    EXPECT_THAT(lines({entry(), held}, {80, 6}),
                ElementsAre("portreeve: 1 tunnel open, 1 held; visitors 2 of 20; 2.0 KiB in, "
                            "5.0 MiB out",
                            "ADDRESS          STATE  VISITORS  IN       OUT      USER",
                            "127.0.0.1:20001  open   2 of 17   2.0 KiB  100 B    pc42",
                            "[::1]:20001      held   0 of 3    0 B      5.0 MiB  pc42", "",
                            "q, Ctrl-C or Ctrl-D ends this"));
}

TEST(Screen, ShowsAnHttpNameByItsUrl) {
    TunnelEntry name = entry();
    name.kind = LeaseKind::http;
    name.address = "blog.gate.example.com";
    name.url = "http://blog.gate.example.com/api";
    EXPECT_THAT(lines({name}, {80, 6})[2], StartsWith("http://blog.gate.example.com/api  open"));
}

TEST(Screen, SaysHowToHaveATunnelWhereThereIsNone) {
    EXPECT_THAT(lines({}, {80, 5}),
                ElementsAre("portreeve: 0 tunnels open, 0 held; visitors 0 of 0; 0 B in, 0 B out",
                            "no tunnel is open; ask for one with -R 0:localhost:PORT", "", "",
                            "q, Ctrl-C or Ctrl-D ends this"));
}

TEST(Screen, CountsThoseThatItHasNoRowFor) {
    const auto shown = lines(entries(50), {80, 10});
    ASSERT_EQ(shown.size(), 10U);
    EXPECT_THAT(shown[0], HasSubstr("50 tunnels open"));
    EXPECT_THAT(shown[0], HasSubstr("visitors 100 of 850"));
    EXPECT_THAT(shown[7], HasSubstr("127.0.0.1:20006 "));
    EXPECT_EQ(shown[8], "and 44 more");
    EXPECT_EQ(shown[9], "q, Ctrl-C or Ctrl-D ends this");
    EXPECT_THAT(lines(entries(7), {80, 10})[8], HasSubstr("127.0.0.1:20007 "));
    EXPECT_EQ(lines(entries(1'000), {80, 200})[198], "and 804 more");
}

TEST(Screen, ALastErrorStandsBelowItsTunnelWhereThereIsRoomForAllTunnelsFirst) {
    auto all = entries(3);
    for (TunnelEntry& one : all) {
        one.error = "target_refused: Connection refused";
        one.error_s = 1'767'225'600;
    }
    const std::string line = "  2026-01-01T00:00:00Z target_refused: Connection refused";
    const auto roomy = lines(all, {80, 24});
    EXPECT_EQ(roomy[3], line);
    EXPECT_EQ(roomy[5], line);
    EXPECT_EQ(roomy[7], line);
    const auto tight = lines(all, {80, 7});
    EXPECT_EQ(tight[3], line);
    EXPECT_THAT(tight[4], HasSubstr(":20002 "));
    EXPECT_THAT(tight[5], HasSubstr(":20003 "));
}

TEST(Screen, TheNewestMessagesStandAboveTheKeys) {
    const std::vector<std::string> messages = {"portreeve: one", "portreeve: two", "three\x1b[2J"};
    const auto shown = lines(entries(2), {80, 10}, messages);
    EXPECT_EQ(shown[7], "two");
    EXPECT_EQ(shown[8], "three?[2J");
    EXPECT_EQ(shown[9], "q, Ctrl-C or Ctrl-D ends this");
    EXPECT_THAT(lines(entries(2), {80, 4}, messages), Each(Not(HasSubstr("three"))));
}

TEST(Screen, EveryFrameHasExactlyItsSize) {
    auto all = entries(30);
    all[1].user = "\xe4\xb8\xad\xe6\x96\x87\xe4\xb8\xad\xe6\x96\x87 m\xc3\xbcller \xff\x9b";
    all[2].error = std::string(400, 'e');
    const std::vector<std::string> messages(5, std::string(600, 'm'));
    for (const std::uint32_t rows : {1U, 2U, 3U, 4U, 5U, 6U, 9U, 10U, 33U, 34U, 35U, 200U}) {
        for (std::uint32_t columns = 1; columns < 120; columns += columns < 30 ? 1 : 13) {
            const auto shown = lines(all, {columns, rows}, messages);
            ASSERT_EQ(shown.size(), rows);
            for (const std::string& line : shown) {
                ASSERT_LE(columns_of(line), columns) << columns << "x" << rows << ": " << line;
                ASSERT_EQ(printable(line), line) << "cut inside a character";
            }
        }
    }
}

TEST(Screen, ASizeIsWhatTheClientSaysWithinBounds) {
    EXPECT_EQ(ScreenSize::of(120, 40), (ScreenSize{120, 40}));
    EXPECT_EQ(ScreenSize::of(0, 0), (ScreenSize{80, 24}));
    EXPECT_EQ(ScreenSize::of(1, 1), (ScreenSize{1, 1}));
    EXPECT_EQ(ScreenSize::of(UINT32_MAX, UINT32_MAX),
              (ScreenSize{ScreenSize::kColumnsMax, ScreenSize::kRowsMax}));
}

TEST(Screen, TerminalsThatCannotDrawSayItByTheirName) {
    EXPECT_TRUE(can_draw("xterm-256color"));
    EXPECT_TRUE(can_draw("linux"));
    EXPECT_FALSE(can_draw(""));
    EXPECT_FALSE(can_draw("dumb"));
    EXPECT_FALSE(can_draw("unknown"));
}

Frame frame(std::vector<std::string> texts) {
    Frame made{{20, static_cast<std::uint32_t>(texts.size())}, {}};
    for (std::string& text : texts) {
        made.rows.push_back({std::move(text)});
    }
    return made;
}

TEST(Screen, AWholeFrameClearsAndThenWritesItsRows) {
    Frame whole = frame({"title", "", "row"});
    whole.rows[0].strong = true;
    EXPECT_EQ(paint(whole), "\x1b[m\x1b[H\x1b[2J\x1b[1;1H\x1b[1mtitle\x1b[m\x1b[3;1Hrow");
}

TEST(Screen, WhatHasNotChangedIsNotPainted) {
    const Frame before = frame({"title", "127.0.0.1:20001  1", "last"});
    EXPECT_EQ(paint_changes(before, before), "");
    EXPECT_EQ(paint_changes(before, frame({"title", "127.0.0.1:20001  22", "last"})),
              "\x1b[2;18H\x1b[K22")
        << "the address may be selected at this moment";
    EXPECT_EQ(paint_changes(before, frame({"title", "127.0.0.1:20001", ""})),
              "\x1b[2;16H\x1b[K\x1b[3;1H\x1b[K");
}

TEST(Screen, ARowBeyondAsciiIsPaintedWhole) {
    EXPECT_EQ(paint_changes(frame({"m\xc3\xbcller 1"}), frame({"m\xc3\xbcller 2"})),
              "\x1b[1;1H\x1b[Km\xc3\xbcller 2");
    EXPECT_EQ(paint_changes(frame({"mu 1"}), frame({"mu\xcc\x88 1"})),
              "\x1b[1;1H\x1b[Kmu\xcc\x88 1");
}

TEST(Screen, AnotherSizeOrStyleIsPaintedAnew) {
    const Frame before = frame({"one", "two"});
    EXPECT_EQ(paint_changes(before, frame({"one"})), paint(frame({"one"})));
    Frame strong = before;
    strong.rows[1].strong = true;
    EXPECT_EQ(paint_changes(before, strong), "\x1b[2;1H\x1b[K\x1b[1mtwo\x1b[m");
}

}  // namespace
}  // namespace portreeve::daemon
