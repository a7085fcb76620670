#include "daemon/log_line.h"

#include <gmock/gmock.h>

#include <map>

namespace portreeve::daemon {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

std::string value_line(const std::string& value) {
    return log_line(conf::LogLevel::info, "login", {{"key", value}});
}

TEST(LogLine, IsFieldsInTheOrderGiven) {
    EXPECT_EQ(log_line(conf::LogLevel::warning, "refused", {{"code", "x"}, {"client", "[::1]:22"}}),
              "level=warning event=refused code=x client=[::1]:22");
    EXPECT_EQ(log_line(conf::LogLevel::error, "login", {}), "level=error event=login");
    EXPECT_EQ(log_line(conf::LogLevel::debug, "login", {}), "level=debug event=login");
}

TEST(LogLine, QuotesWhatWouldBeReadOtherwise) {
    EXPECT_EQ(value_line("plain-1.2/3:4"), "level=info event=login key=plain-1.2/3:4");
    EXPECT_EQ(value_line("two words"), "level=info event=login key=\"two words\"");
    EXPECT_EQ(value_line("a=b"), "level=info event=login key=\"a=b\"");
    EXPECT_EQ(value_line("say \"x\""), R"(level=info event=login key="say \"x\"")");
    EXPECT_EQ(value_line("back\\slash"), R"(level=info event=login key="back\\slash")");
}

// A user name chosen by a stranger must not forge lines, fields or terminal commands.
TEST(LogLine, EscapesControlCharacters) {
    EXPECT_EQ(value_line("a\nlevel=error"), R"(level=info event=login key="a\x0alevel=error")");
    EXPECT_EQ(value_line(std::string("\x1b[2J\0\x7f", 6)),
              R"(level=info event=login key="\x1b[2J\x00\x7f")");
}

TEST(LogLine, ShowsUtf8AndNothingElseBeyondAscii) {
    for (const std::string good :
         {"J\xc3\xbcrgen", "\xe2\x82\xac", "\xf0\x9f\x9a\xa2", "\xc2\xa0"}) {
        EXPECT_EQ(value_line(good), "level=info event=login key=\"" + good + "\"");
    }
    EXPECT_EQ(value_line("\x9b\x32J"), R"(level=info event=login key="\x9b2J")");
    EXPECT_EQ(value_line("\xc2\x9b"), R"(level=info event=login key="\xc2\x9b")") << "a C1 control";
    EXPECT_EQ(value_line("\xc0\x8a"), R"(level=info event=login key="\xc0\x8a")")
        << "a long spelling";
    EXPECT_EQ(value_line("\xed\xa0\x80"), R"(level=info event=login key="\xed\xa0\x80")")
        << "a surrogate";
    EXPECT_EQ(value_line("\xe2\x82"), R"(level=info event=login key="\xe2\x82")") << "cut off";
    EXPECT_EQ(value_line("\xf4\x90\x80\x80"), R"(level=info event=login key="\xf4\x90\x80\x80")");
}

TEST(LogLine, LeavesOutWhatIsEmpty) {
    EXPECT_EQ(log_line(conf::LogLevel::info, "login", {{"note", ""}, {"code", "x"}}),
              "level=info event=login code=x");
}

TEST(LogLine, CutsAValueAndStillEndsIt) {
    const std::string line = value_line(std::string(5'000, 'x'));
    EXPECT_LT(line.size(), 1'100U);
    EXPECT_TRUE(line.ends_with("x...\""));
}

std::string json_value(const std::string& value) {
    const std::string line = json_line(conf::LogLevel::info, "login", {{"key", value}}, "T");
    const std::string before =
        R"({"time":"T","level":"info","event":"login","subsystem":"session","key":)";
    EXPECT_TRUE(line.starts_with(before) && line.ends_with("}")) << line;
    return line.substr(before.size(), line.size() - before.size() - 1);
}

TEST(JsonLine, EscapesWhatMustBe) {
    EXPECT_EQ(json_value("plain"), R"("plain")");
    EXPECT_EQ(json_value("say \"x\" \\"), R"("say \"x\" \\")");
    EXPECT_EQ(json_value(std::string("\n\t\x1b\0\x7f", 5)), R"("\u000a\u0009\u001b\u0000\u007f")");
    EXPECT_EQ(json_value("J\xc3\xbcrgen \xf0\x9f\x9a\xa2"), "\"J\xc3\xbcrgen \xf0\x9f\x9a\xa2\"");
}

TEST(JsonLine, IsUtf8WhateverTheBytesAre) {
    EXPECT_EQ(json_value("\xff"), R"("\ufffd")");
    EXPECT_EQ(json_value("a\xe2\x82"), R"("a\ufffd\ufffd")") << "cut off";
    EXPECT_EQ(json_value("\xed\xa0\x80"), R"("\ufffd\ufffd\ufffd")") << "a surrogate";
    EXPECT_EQ(json_value("\xc2\x9b"), R"("\ufffd\ufffd")") << "a C1 control";
}

TEST(JsonLine, LeavesOutWhatIsEmpty) {
    EXPECT_THAT(json_line(conf::LogLevel::info, "login", {{"user", ""}}, "T"),
                Not(HasSubstr("user")));
}

TEST(JsonLine, IsWholeHoweverLongItsValuesAre) {
    for (const std::string& value : {std::string(10'000, 'x'), std::string(10'000, '\n'),
                                     std::string(10'000, '"'), std::string(10'000, '\xff')}) {
        const std::string line = json_line(
            conf::LogLevel::info, "login",
            {{"a", value}, {"b", value}, {"c", value}, {"d", value}, {"e", value}, {"f", value}},
            "T");
        EXPECT_LT(line.size(), kLogLineBytesMax);
        EXPECT_GT(line.size(), kLogLineBytesMax - 50);
        EXPECT_TRUE(line.ends_with("...\"}")) << line.substr(line.size() - 40);
    }
}

// As systemd's JOURNAL_NATIVE_PROTOCOL has it; a name that comes twice is a failure.
std::map<std::string, std::string> fields_of(std::string_view entry) {
    std::map<std::string, std::string> fields;
    while (!entry.empty()) {
        const std::size_t name_end = entry.find_first_of("=\n");
        const std::string name(entry.substr(0, name_end));
        std::size_t size = entry.find('\n', name_end + 1) - name_end - 1;
        std::size_t begin = name_end + 1;
        if (entry[name_end] == '\n') {
            size = 0;
            for (std::size_t byte = 8; byte > 0; --byte) {
                size = (size << 8U) | static_cast<unsigned char>(entry[name_end + byte]);
            }
            begin += 8;
        }
        EXPECT_TRUE(fields.emplace(name, entry.substr(begin, size)).second) << name;
        EXPECT_EQ(entry.at(begin + size), '\n') << name;
        entry.remove_prefix(begin + size + 1);
    }
    return fields;
}

TEST(JournalEntry, HasEachFieldByItself) {
    const auto fields =
        fields_of(journal_entry(conf::LogLevel::warning, "refused", {{"code", "x"}, {"note", ""}}));
    const std::map<std::string, std::string> expected = {
        {"MESSAGE", "level=warning event=refused code=x"},
        {"MESSAGE_ID", std::string(Event("refused").message_id())},
        {"PRIORITY", "4"},
        {"SYSLOG_IDENTIFIER", "portreeved"},
        {"PORTREEVE_EVENT", "refused"},
        {"PORTREEVE_SUBSYSTEM", "session"},
        {"PORTREEVE_CODE", "x"}};
    EXPECT_EQ(fields, expected);
}

TEST(JournalEntry, ForgesNothing) {
    const std::string user("eve\nPRIORITY=0\n\0\xff", 17);
    const auto fields =
        fields_of(journal_entry(conf::LogLevel::info, "login", {{"granted_by", user}}));
    EXPECT_EQ(fields.at("PORTREEVE_GRANTED_BY"), user);
    EXPECT_EQ(fields.at("PRIORITY"), "6");
    EXPECT_EQ(fields.at("MESSAGE"),
              log_line(conf::LogLevel::info, "login", {{"granted_by", user}}));
    EXPECT_EQ(fields.at("MESSAGE").find('\n'), std::string::npos);
}

TEST(JournalEntry, CutsAValue) {
    const auto fields = fields_of(
        journal_entry(conf::LogLevel::info, "login", {{"user", std::string(5'000, 'x')}}));
    EXPECT_EQ(fields.at("PORTREEVE_USER").size(), kLogValueBytesMax);
}

}  // namespace
}  // namespace portreeve::daemon
