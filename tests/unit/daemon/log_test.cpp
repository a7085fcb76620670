#include "daemon/log.h"

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <vector>

#include "tests/unit/ssh/folder.h"
#include "uring/fd.h"

namespace portreeve::daemon {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::StartsWith;

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
    log.set_levels({.level = conf::LogLevel::error, .format = {}, .levels = {}});
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
                    .format = {},
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
    EXPECT_EQ(text.size(), kLogLineBytesMax);
    EXPECT_THAT(text, EndsWith("x\n"));
}

TEST(Log, WritesJsonOnRequest) {
    Pipe pipe;
    Log(pipe.into(), conf::LogFormat::json).info("login", {{"user", "reeve"}});
    EXPECT_THAT(pipe.text(),
                MatchesRegex("\\{\"time\":\"....-..-..T..:..:..\\....Z\",\"level\":\"info\","
                             "\"event\":\"login\",\"subsystem\":\"session\","
                             "\"user\":\"reeve\"\\}\n"));
}

// journald, as far as its socket goes.
class FakeJournal {
  public:
    FakeJournal() : path_(folder_.path("socket")) { listen(); }
    void listen() {
        ::unlink(path_.c_str());
        socket_ = uring::Fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path_.copy(address.sun_path, sizeof(address.sun_path) - 1);
        EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    }
    void leave() { socket_.reset(); }
    [[nodiscard]] const std::string& path() const { return path_; }
    // The MESSAGEs that have come.
    std::vector<std::string> messages() {
        std::vector<std::string> all;
        std::array<char, 65536> buffer;
        for (ssize_t count = 0;
             (count = ::recv(socket_.get(), buffer.data(), buffer.size(), 0)) > 0;) {
            const std::string entry(buffer.data(), static_cast<std::size_t>(count));
            EXPECT_TRUE(entry.starts_with("MESSAGE=")) << entry;
            all.push_back(entry.substr(8, entry.find('\n') - 8));
        }
        return all;
    }

  private:
    ssh::testing::Folder folder_;
    std::string path_;
    uring::Fd socket_;
};

TEST(LogToJournal, SendsAnEntryAnEvent) {
    FakeJournal journal;
    Pipe pipe;
    const Log log(pipe.into(), conf::LogFormat::journal, journal.path());
    log.info("login", {{"user", "reeve"}});
    log.debug("session_open", {});
    EXPECT_EQ(journal.messages(), std::vector<std::string>{"level=info event=login user=reeve"});
    journal.listen();
    log.info("stopping", {});
    EXPECT_EQ(journal.messages(), std::vector<std::string>{"level=info event=stopping"})
        << "the socket is another one now";
    EXPECT_EQ(pipe.text(), "");
}

// It does not wait: with a socket that waits, this test would not end.
TEST(LogToJournal, CountsWhatIsNotTakenAndTellsIt) {
    FakeJournal journal;
    Pipe pipe;
    const Log log(pipe.into(), conf::LogFormat::journal, journal.path());
    constexpr std::size_t kEntries = 5'000;
    for (std::size_t count = 0; count < kEntries; ++count) {
        log.info("login", {{"user", std::string(1'000, 'x')}});
    }
    const std::size_t taken = journal.messages().size();
    ASSERT_LT(taken, kEntries) << "the kernel queues more than this test sends";
    log.info("stopping", {});
    const auto messages = journal.messages();
    ASSERT_EQ(messages.size(), 2U);
    EXPECT_THAT(messages[0], StartsWith("level=warning event=log_lost lines=" +
                                        std::to_string(kEntries - taken)));
    EXPECT_EQ(messages[1], "level=info event=stopping");
    log.info("stopped", {});
    EXPECT_EQ(journal.messages().size(), 1U) << "it is told once";
    EXPECT_EQ(pipe.text(), "");
}

TEST(LogToJournal, WritesTextWhereThereIsNone) {
    FakeJournal journal;
    journal.leave();
    Pipe pipe;
    const Log log(pipe.into(), conf::LogFormat::journal, journal.path());
    log.info("login", {{"user", "reeve"}});
    journal.listen();
    log.info("stopping", {});
    EXPECT_EQ(journal.messages().size(), 1U);
    EXPECT_THAT(pipe.text(), AllOf(StartsWith("time="), EndsWith(" event=login user=reeve\n")));
}

// What $JOURNAL_STREAM says of a descriptor, or says of another one.
class JournalStream {
  public:
    explicit JournalStream(int descriptor) {
        struct stat status {};
        EXPECT_EQ(fstat(descriptor, &status), 0);
        const std::string text =
            std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);
        setenv("JOURNAL_STREAM", text.c_str(), 1);
    }
    JournalStream(const JournalStream&) = delete;
    JournalStream& operator=(const JournalStream&) = delete;
    ~JournalStream() { unsetenv("JOURNAL_STREAM"); }
};

TEST(LogToJournal, IsWhatTheStreamOfStandardErrorDecides) {
    FakeJournal journal;
    Pipe pipe;
    Pipe other;
    const JournalStream stream(pipe.into());
    Log(pipe.into(), conf::LogFormat::automatic, journal.path()).info("stopping", {});
    EXPECT_EQ(journal.messages().size(), 1U);
    Log(other.into(), conf::LogFormat::automatic, journal.path()).info("stopped", {});
    EXPECT_EQ(journal.messages().size(), 0U);
    EXPECT_THAT(other.text(), AllOf(StartsWith("time="), HasSubstr("event=stopped")));
    Log(pipe.into(), conf::LogFormat::text, journal.path()).warning("no_keys", {});
    Log(pipe.into(), conf::LogFormat::json, journal.path()).error("stop_forced", {});
    EXPECT_THAT(pipe.text(), AllOf(StartsWith("<4>level=warning event=no_keys\n<3>{\"time\":"),
                                   EndsWith("}\n")));
}

// Standard error leads there too, and nobody reads it: a line could wait for ever.
TEST(LogToJournal, LosesWhatHasNowhereToGo) {
    FakeJournal journal;
    journal.leave();
    Pipe pipe;
    const JournalStream stream(pipe.into());
    const Log log(pipe.into(), conf::LogFormat::automatic, journal.path());
    log.info("login", {});
    journal.listen();
    log.info("stopping", {});
    const auto messages = journal.messages();
    ASSERT_EQ(messages.size(), 2U);
    EXPECT_THAT(messages[0], StartsWith("level=warning event=log_lost lines=1 "));
    EXPECT_EQ(pipe.text(), "");
}

}  // namespace
}  // namespace portreeve::daemon
