// [events] command, with real programs on a real ring: what they read, how many run at once, and
// what becomes of them and of what waits.
#include "daemon/event_command.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/ssh/folder.h"
#include "tests/unit/uring/rings.h"

namespace portreeve::daemon {
namespace {

using conf::EventKind;
using ssh::testing::Folder;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::int64_t kLongMs = 60'000;
const std::string kHang = "exec 3<hold\ncat >>told\nexec cat <&3";

class EventCommandTest : public uring::test::RealRing, protected EventCommand::Events {
  protected:
    void SetUp() override {
        RealRing::SetUp();
        ASSERT_EQ(::mkfifo(folder.path("hold").c_str(), 0600), 0);
        hold = uring::Fd(::open(folder.path("hold").c_str(), O_RDWR | O_CLOEXEC));
        if (ring) {
            EventCommand::Events& self = *this;
            log_.set_levels({conf::LogLevel::debug, conf::LogFormat::text, {}});
            command = std::make_unique<EventCommand>(*ring, queue, log_, self);
            command->open();
        }
    }
    void TearDown() override {
        hold.reset();
        if (command && !idle) {
            command->stop();
            turn_until([this] { return idle; });
        }
    }
    void on_event_command_idle() override { idle = true; }

    // Its words; the path of the folder is $0's.
    void use(const std::string& script, const std::vector<EventKind>& on = conf::Events().on) {
        const std::string path =
            folder.write("script", "#!/bin/sh\ncd " + folder.path() + "\n" + script + "\n");
        std::filesystem::permissions(path, std::filesystem::perms(0755));
        policy.event_command = ProgramRules{path, {}, {}, kLongMs};
        policy.config.events.on = on;
        command->use(policy);
    }
    void tell(EventKind kind, const std::string& id, const std::string& label = "pc42") {
        TunnelEntry tunnel;
        tunnel.id = id;
        tunnel.name = label;
        queue.tell(TunnelNews{kind, tunnel, nullptr, {}});
    }
    void refuse(const std::string& host) {
        queue.tell(RefusalNews{"login", {"unknown_key", "no"}, host, {}, {}, {}},
                   Source(*uring::Address::parse(host, 1)), 1);
    }
    [[nodiscard]] std::string text(const std::string& name) const {
        std::ifstream file(folder.path(name));
        return {std::istreambuf_iterator<char>(file), {}};
    }
    [[nodiscard]] auto lines(const std::string& name) const {
        const std::string all = text(name);
        return std::count(all.begin(), all.end(), '\n');
    }
    void wait_lines(const std::string& name, std::ptrdiff_t count) {
        turn_until([&] { return lines(name) >= count; });
    }
    // How many wait for a place, whoever is busy.
    std::size_t waiting() {
        std::size_t count = 0;
        while (queue.take([](const std::string&) { return false; })) {
            ++count;
        }
        return count;
    }

    const Folder folder;
    NewsQueue queue;
    Policy policy;
    std::unique_ptr<EventCommand> command;
    uring::Fd hold;  // programs that read from it hang until it is closed
    bool idle = false;

  private:
    uring::Fd log_file_{::open(folder.path("log").c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600)};
    Log log_{log_file_.get(), Log::Format::text};
};

// ---- what it reads ----

TEST_F(EventCommandTest, ReadsTheNewsWhateverTheirLength) {
    use("cat >out\necho done >>told");
    tell(EventKind::up, "a", std::string(300'000, 'x'));  // more than a pipe takes
    wait_lines("told", 1);
    EXPECT_EQ(lines("out"), 1);
    EXPECT_THAT(text("out"), AllOf(HasSubstr(R"({"event":"up","time":")"),
                                   HasSubstr('"' + std::string(300'000, 'x') + '"')));
}

TEST_F(EventCommandTest, MayOpenItsInputAgainButNotChangeIt) {
    use("cat /dev/stdin >out\necho more 2>>err >>/proc/self/fd/0\necho done >>told");
    tell(EventKind::up, "a");
    wait_lines("told", 1);
    EXPECT_EQ(lines("out"), 1);
    EXPECT_EQ(lines("err"), 1);
}

// ---- how many run at once ----

TEST_F(EventCommandTest, RunsAFewAtOnce) {
    use(kHang);
    for (const char* id : {"a", "b", "c", "d", "e", "f"}) {
        tell(EventKind::up, id);
    }
    wait_lines("told", EventCommand::kAtOnceMax);
    EXPECT_EQ(waiting(), 6 - EventCommand::kAtOnceMax);
}

TEST_F(EventCommandTest, TellsOneThingAtATimeOfATunnel) {
    use(kHang);
    tell(EventKind::up, "a");
    tell(EventKind::held, "a");
    tell(EventKind::up, "b");
    wait_lines("told", 2);
    EXPECT_THAT(text("told"), Not(HasSubstr("held")));
    EXPECT_EQ(waiting(), 1U);
}

TEST_F(EventCommandTest, GivesRefusalsOnePlace) {
    use(kHang);
    for (const char* host : {"192.0.2.1", "192.0.2.2", "192.0.2.3"}) {
        refuse(host);
    }
    tell(EventKind::up, "a");
    wait_lines("told", 2);
    EXPECT_THAT(text("told"), HasSubstr(R"("up")"));
    EXPECT_EQ(waiting(), 2U);
}

TEST_F(EventCommandTest, TellsTheNextOneWhenOneHasEnded) {
    use("cat >>told");
    for (int number = 0; number < 20; ++number) {
        tell(number % 2 == 0 ? EventKind::up : EventKind::held, std::to_string(number % 3));
    }
    wait_lines("told", 20);
}

// ---- changes and ends ----

TEST_F(EventCommandTest, IsNotRunForWhatIsNotWanted) {
    use("cat >>told", {EventKind::held});
    tell(EventKind::up, "a");
    tell(EventKind::held, "a");
    wait_lines("told", 1);
    EXPECT_THAT(text("told"), Not(HasSubstr(R"("up")")));
    policy.event_command.reset();
    command->use(policy);
    EXPECT_FALSE(queue.wants(EventKind::held));
}

TEST_F(EventCommandTest, ForgetsWhatWaitsWhenItIsTurnedOff) {
    use(kHang);
    tell(EventKind::up, "a");
    tell(EventKind::held, "a");
    wait_lines("told", 1);
    policy.event_command.reset();
    command->use(policy);
    EXPECT_EQ(waiting(), 0U);
}

TEST_F(EventCommandTest, TellsWhatWaitsBeforeItEnds) {
    use("cat >>told");
    for (int number = 0; number < 3; ++number) {  // one after the other, within kLastMs
        tell(EventKind::held, "a");
    }
    command->stop();
    EXPECT_FALSE(command->idle());
    turn_until([this] { return idle; });
    EXPECT_TRUE(command->idle());
    EXPECT_EQ(lines("told"), 3);
}

TEST_F(EventCommandTest, EndsWithNothingToTell) {
    command->stop();
    turn_until([this] { return idle; });
    EXPECT_TRUE(command->idle());
    EXPECT_EQ(text("log"), "");
}

TEST_F(EventCommandTest, GivesUpWhatHangsAtTheEndAndCountsTheRest) {
    use(kHang);
    tell(EventKind::up, "a");
    tell(EventKind::held, "a");
    tell(EventKind::up, "a");
    wait_lines("told", 1);
    const auto begun_ms = ring->now_ms();
    command->stop();
    turn_until([this] { return idle; });
    EXPECT_GE(ring->now_ms() - begun_ms, EventCommand::kLastMs);
    EXPECT_EQ(lines("told"), 1);
    EXPECT_THAT(text("log"), AllOf(HasSubstr("event=event_command_failed news=up about=pc42:0"),
                                   HasSubstr("was killed, because the server is stopping"),
                                   HasSubstr("event=events_lost events=2")));
}

}  // namespace
}  // namespace portreeve::daemon
