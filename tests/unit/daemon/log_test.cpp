#include "daemon/log.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <array>

#include "uring/fd.h"

namespace portreeve::daemon {
namespace {

using ::testing::EndsWith;
using ::testing::MatchesRegex;
using ::testing::StartsWith;

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

class Pipe {
  public:
    Pipe() {
        int ends[2] = {-1, -1};
        EXPECT_EQ(::pipe(ends), 0);
        from_ = uring::Fd(ends[0]);
        to_ = uring::Fd(ends[1]);
    }
    [[nodiscard]] int into() const { return to_.get(); }
    std::string text() {
        to_.reset();
        std::string all;
        std::array<char, 8192> buffer;
        for (ssize_t count = 0; (count = ::read(from_.get(), buffer.data(), buffer.size())) > 0;) {
            all.append(buffer.data(), static_cast<std::size_t>(count));
        }
        return all;
    }

  private:
    uring::Fd from_;
    uring::Fd to_;
};

TEST(Log, WritesOneLineWithItsTime) {
    Pipe pipe;
    Log(pipe.into()).info("login", {{"user", "reeve"}});
    EXPECT_THAT(
        pipe.text(),
        MatchesRegex("time=....-..-..T..:..:..\\....Z level=info event=login user=reeve\n"));
}

TEST(Log, ShowsWhatItsLevelShows) {
    Pipe pipe;
    Log log(pipe.into());
    log.debug("reloaded", {});
    log.set_levels({.level = conf::LogLevel::error, .levels = {}});
    log.warning("no_keys", {});
    log.error("reload_failed", {});
    EXPECT_THAT(pipe.text(), EndsWith("event=reload_failed\n"));
    EXPECT_FALSE(log.shows(conf::LogLevel::warning, "no_keys"));
}

TEST(Log, HasALevelForEachSubsystem) {
    using conf::LogLevel;
    Pipe pipe;
    Log log(pipe.into());
    log.set_levels({.level = LogLevel::warning,
                    .levels = {.server = LogLevel::error,
                               .session = {},
                               .tunnel = LogLevel::info,
                               .visitor = LogLevel::debug,
                               .reach = LogLevel::info}});
    EXPECT_FALSE(log.shows(LogLevel::warning, "no_keys"));
    EXPECT_TRUE(log.shows(LogLevel::warning, "login"));
    EXPECT_FALSE(log.shows(LogLevel::info, "login"));
    EXPECT_TRUE(log.shows(LogLevel::info, "tunnel_open"));
    EXPECT_TRUE(log.shows(LogLevel::debug, "visitor_open"));
    EXPECT_FALSE(log.shows(LogLevel::debug, "reach_open"));
    log.set_levels({});
    EXPECT_FALSE(log.shows(LogLevel::debug, "visitor_open"));
}

TEST(Log, CutsALineThatIsTooLong) {
    Pipe pipe;
    const std::string value(10'000, 'x');
    Log(pipe.into())
        .info("login", {{"a", value}, {"b", value}, {"c", value}, {"d", value}, {"e", value}});
    const std::string text = pipe.text();
    EXPECT_EQ(text.size(), Log::kLineBytesMax);
    EXPECT_THAT(text, EndsWith("x\n"));
}

}  // namespace
}  // namespace portreeve::daemon
