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
    return log_line(conf::LogLevel::info, "e", {{"key", value}});
}

TEST(LogLine, IsFieldsInTheOrderGiven) {
    EXPECT_EQ(log_line(conf::LogLevel::warning, "refused", {{"code", "x"}, {"client", "[::1]:22"}}),
              "level=warning event=refused code=x client=[::1]:22");
    EXPECT_EQ(log_line(conf::LogLevel::error, "e", {}), "level=error event=e");
    EXPECT_EQ(log_line(conf::LogLevel::debug, "e", {}), "level=debug event=e");
}

TEST(LogLine, QuotesWhatWouldBeReadOtherwise) {
    EXPECT_EQ(value_line("plain-1.2/3:4"), "level=info event=e key=plain-1.2/3:4");
    EXPECT_EQ(value_line("two words"), "level=info event=e key=\"two words\"");
    EXPECT_EQ(value_line("a=b"), "level=info event=e key=\"a=b\"");
    EXPECT_EQ(value_line("say \"x\""), R"(level=info event=e key="say \"x\"")");
    EXPECT_EQ(value_line("back\\slash"), R"(level=info event=e key="back\\slash")");
}

// A user name chosen by a stranger must not forge lines, fields or terminal commands.
TEST(LogLine, EscapesControlCharacters) {
    EXPECT_EQ(value_line("a\nlevel=error"), R"(level=info event=e key="a\x0alevel=error")");
    EXPECT_EQ(value_line(std::string("\x1b[2J\0\x7f", 6)),
              R"(level=info event=e key="\x1b[2J\x00\x7f")");
}

TEST(LogLine, ShowsUtf8AndNothingElseBeyondAscii) {
    for (const std::string good :
         {"J\xc3\xbcrgen", "\xe2\x82\xac", "\xf0\x9f\x9a\xa2", "\xc2\xa0"}) {
        EXPECT_EQ(value_line(good), "level=info event=e key=\"" + good + "\"");
    }
    EXPECT_EQ(value_line("\x9b\x32J"), R"(level=info event=e key="\x9b2J")");
    EXPECT_EQ(value_line("\xc2\x9b"), R"(level=info event=e key="\xc2\x9b")") << "a C1 control";
    EXPECT_EQ(value_line("\xc0\x8a"), R"(level=info event=e key="\xc0\x8a")") << "a long spelling";
    EXPECT_EQ(value_line("\xed\xa0\x80"), R"(level=info event=e key="\xed\xa0\x80")")
        << "a surrogate";
    EXPECT_EQ(value_line("\xe2\x82"), R"(level=info event=e key="\xe2\x82")") << "cut off";
    EXPECT_EQ(value_line("\xf4\x90\x80\x80"), R"(level=info event=e key="\xf4\x90\x80\x80")");
}

TEST(LogLine, LeavesOutWhatIsEmpty) {
    EXPECT_EQ(log_line(conf::LogLevel::info, "e", {{"note", ""}, {"code", "x"}}),
              "level=info event=e code=x");
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
    log.debug("hidden", {});
    log.set_level(conf::LogLevel::error);
    log.warning("hidden", {});
    log.error("shown", {});
    EXPECT_THAT(pipe.text(), EndsWith("event=shown\n"));
    EXPECT_FALSE(log.shows(conf::LogLevel::warning));
}

TEST(Log, CutsALineThatIsTooLong) {
    Pipe pipe;
    const std::string value(10'000, 'x');
    Log(pipe.into())
        .info("long", {{"a", value}, {"b", value}, {"c", value}, {"d", value}, {"e", value}});
    const std::string text = pipe.text();
    EXPECT_EQ(text.size(), Log::kLineBytesMax);
    EXPECT_THAT(text, EndsWith("x\n"));
}

}  // namespace
}  // namespace portreeve::daemon
