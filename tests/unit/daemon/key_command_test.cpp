// [auth] command, with real programs on a real ring: what they answer, how they end or are ended,
// and what they find when they start.
#include "daemon/key_command.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <linux/capability.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <optional>

#include "tests/unit/ssh/folder.h"
#include "tests/unit/uring/rings.h"

namespace portreeve::daemon {
namespace {

using ssh::testing::Folder;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using uring::Fd;

constexpr std::int64_t kLongMs = 60'000;

class KeyCommandTest : public uring::test::RealRing, protected KeyCommand::Events {
  protected:
    void SetUp() override {
        RealRing::SetUp();
        if (ring) {
            KeyCommand::Events& self = *this;
            command = std::make_unique<KeyCommand>(*ring, self);
        }
    }
    void on_key_command_done(tl::expected<std::string, std::string> lines) override {
        outcome = std::move(lines);
        command.reset();  // as the contract allows
    }

    [[nodiscard]] std::string script(const std::string& text) const {
        const std::string path = folder.write("script", "#!/bin/sh\n" + text + "\n");
        std::filesystem::permissions(path, std::filesystem::perms(0755));
        return path;
    }
    [[nodiscard]] std::string fifo(const std::string& name) const {
        EXPECT_EQ(::mkfifo(folder.path(name).c_str(), 0600), 0);
        EXPECT_EQ(::chmod(folder.path(name).c_str(), 0666), 0);
        return folder.path(name);
    }
    static ProgramRules rules(const std::string& program, std::vector<std::string> arguments,
                              std::int64_t time_limit_ms = kLongMs) {
        Account own;
        own.name = "me";
        own.home = "/home/me";
        return {program, std::move(arguments), std::move(own), time_limit_ms};
    }
    void finish() {
        turn_until([this] { return outcome.has_value(); });
    }
    void run(const ProgramRules& by, const LoginFacts& facts = {}) {
        command->start(by, facts);
        EXPECT_FALSE(outcome) << "answered from inside start()";
        finish();
    }
    [[nodiscard]] std::string output() const {
        return !outcome               ? "no answer"
               : outcome->has_value() ? **outcome
                                      : "error: " + outcome->error();
    }
    [[nodiscard]] std::string error() const {
        return !outcome ? "no answer" : outcome->has_value() ? "no error" : outcome->error();
    }
    // Nothing that was started is left to be reaped.
    static bool childless() { return ::waitpid(-1, nullptr, WNOHANG) < 0 && errno == ECHILD; }

    const Folder folder;
    std::unique_ptr<KeyCommand> command;
    std::optional<tl::expected<std::string, std::string>> outcome;
};

// Notices when everyone who has it open for writing is gone.
class WritersWatch {
  public:
    explicit WritersWatch(const std::string& fifo)
        : fifo_(::open(fifo.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)) {}
    // True for a byte, false for the end; waits thirty seconds for either.
    bool next() {
        pollfd ready{fifo_.get(), POLLIN, 0};
        char byte = 0;
        EXPECT_EQ(::poll(&ready, 1, 30'000), 1) << "it is still held open";
        return ::read(fifo_.get(), &byte, 1) == 1;
    }

  private:
    Fd fifo_;
};

// ---- what it answers ----

TEST_F(KeyCommandTest, AnswersWithWhatTheProgramWrites) {
    run(rules(script("printf 'one\\n'; printf 'two\\n'; echo ignored >&2"), {}));
    EXPECT_EQ(output(), "one\ntwo\n");
    EXPECT_TRUE(childless());
}

TEST_F(KeyCommandTest, MayAnswerNothing) {
    run(rules("/bin/true", {}));
    EXPECT_EQ(output(), "");
}

TEST_F(KeyCommandTest, GivesTheLoginForTheTokens) {
    LoginFacts facts;
    facts.user = "ann b; echo $HOME";
    facts.key_fingerprint = "SHA256:x";
    run(rules(script("printf '<%s>' \"$@\""), {"%u", "--key=%f", "%i"}), facts);
    EXPECT_EQ(output(), "<ann b; echo $HOME><--key=SHA256:x><>");
}

TEST_F(KeyCommandTest, DoesNotRunWithWhatLooksLikeAnOption) {
    LoginFacts facts;
    facts.user = "-x";
    run(rules(script("echo ran"), {"%u"}), facts);
    EXPECT_THAT(error(), AllOf(HasSubstr("/script: not run"), HasSubstr("begins with \"-\"")));
}

TEST_F(KeyCommandTest, SaysTheExitStatusAndTheLastComplaint) {
    run(rules(script("echo key; echo first >&2; printf 'no \\033[1mdirectory\\n\\n' >&2; exit 3"),
              {}));
    EXPECT_EQ(error(),
              folder.path("script") + ": ended with status 3; it said: no \\u001B[1mdirectory");
}

TEST_F(KeyCommandTest, SaysTheSignal) {
    run(rules(script("kill -SEGV $$"), {}));
    EXPECT_EQ(error(), folder.path("script") + ": was ended by signal 11 (Segmentation fault)");
}

TEST_F(KeyCommandTest, SaysWhyAProgramCannotBeStarted) {
    run(rules(folder.path("none"), {}));
    EXPECT_EQ(error(), folder.path("none") + ": cannot be started: No such file or directory");
    EXPECT_TRUE(childless());
}

// ---- bounds ----

TEST_F(KeyCommandTest, KillsAllThatItStartedWhenItsTimeIsOver) {
    WritersWatch watch(fifo("alive"));
    run(rules(script("trap '' TERM HUP\n"
                     "(trap '' TERM HUP; echo >&3; exec sleep 1000) 3>" +
                     folder.path("alive") + " &\nwait"),
              {}, 2'000));
    EXPECT_THAT(error(), HasSubstr("script: took longer than 2000 ms and was killed"));
    EXPECT_TRUE(watch.next()) << "it had not begun";
    EXPECT_FALSE(watch.next());
    EXPECT_TRUE(childless());
}

TEST_F(KeyCommandTest, TakesNoMoreOutputThanItsBound) {
    run(rules("/usr/bin/head", {"-c", std::to_string(ProgramRun::kOutputBytesMax), "/dev/zero"}));
    EXPECT_EQ(output().size(), ProgramRun::kOutputBytesMax);
}

TEST_F(KeyCommandTest, RefusesOneByteMore) {
    run(rules("/usr/bin/head",
              {"-c", std::to_string(ProgramRun::kOutputBytesMax + 1), "/dev/zero"}));
    EXPECT_THAT(error(), HasSubstr("wrote more than 65536 bytes"));
}

// It is through before the first byte is read: its pipe takes more than ours would.
TEST_F(KeyCommandTest, RefusesOneByteMoreOfAProgramThatHasEnded) {
    const std::string writing =
        "import fcntl, os; fcntl.fcntl(1, fcntl.F_SETPIPE_SZ, 1 << 18); "
        "os.write(1, b'x' * 65537)";
    command->start(rules("/usr/bin/python3", {"-c", writing}), {});
    siginfo_t ended{};
    ASSERT_EQ(::waitid(P_ALL, 0, &ended, WEXITED | WNOWAIT), 0);
    ASSERT_EQ(ended.si_status, 0);
    finish();
    EXPECT_EQ(error(), "/usr/bin/python3: wrote more than 65536 bytes");
}

TEST_F(KeyCommandTest, EndsAFlood) {
    run(rules("/usr/bin/yes", {}));
    EXPECT_EQ(error(), "/usr/bin/yes: wrote more than 65536 bytes and was killed");
}

TEST_F(KeyCommandTest, EndsAFloodOfComplaints) {
    run(rules(script("exec yes >&2"), {}));
    EXPECT_THAT(error(), HasSubstr("wrote more than 65536 bytes to standard error and was killed"));
}

TEST_F(KeyCommandTest, DoesNotTakeClosedOutputForTheEnd) {
    run(rules(script("echo key; exec >&- 2>&-; exit 3"), {}));
    EXPECT_THAT(error(), HasSubstr("ended with status 3"));
}

TEST_F(KeyCommandTest, BoundsWhoLingersWithClosedOutput) {
    run(rules(script("echo key; exec >&- 2>&- sleep 1000"), {}, 200));
    EXPECT_THAT(error(), HasSubstr("took longer than 200 ms"));
}

TEST_F(KeyCommandTest, CancelledIsKilledAndSaysSo) {
    WritersWatch watch(fifo("alive"));
    command->start(
        rules(script("exec 3>" + folder.path("alive") + "; echo >&3; exec sleep 1000"), {}), {});
    EXPECT_TRUE(watch.next());
    command->cancel();
    command->cancel();
    EXPECT_FALSE(outcome) << "answered from inside cancel()";
    finish();
    EXPECT_THAT(error(), HasSubstr(": cancelled"));
    EXPECT_FALSE(watch.next());
    EXPECT_TRUE(childless());
}

TEST_F(KeyCommandTest, CancelledAfterAFailedStartKeepsTheReason) {
    command->start(rules(folder.path("none"), {}), {});
    command->cancel();
    finish();
    EXPECT_THAT(error(), HasSubstr("cannot be started"));
}

// ---- what it leaves behind ----

TEST_F(KeyCommandTest, WhatItLeavesInItsGroupIsKilledAndNotWaitedFor) {
    WritersWatch watch(fifo("alive"));
    const std::string alive = folder.path("alive");
    run(rules(script("exec 3>" + alive + "\necho >&3\nsleep 1000 &\necho key"), {}));
    EXPECT_EQ(output(), "key\n");
    EXPECT_TRUE(watch.next());
    EXPECT_FALSE(watch.next());
}

TEST_F(KeyCommandTest, WhatFleesItsGroupIsNotWaitedFor) {
    const Fd hold(::open(fifo("hold").c_str(), O_RDWR | O_CLOEXEC));  // it ends when this is closed
    const std::string up = fifo("up");
    run(rules(script("setsid sh -c 'exec 3<" + folder.path("hold") + "; echo > " + up +
                     "; exec cat <&3' &\nread line < " + up + "\necho key"),
              {}));
    EXPECT_EQ(output(), "key\n");
}

// ---- what it finds ----

TEST_F(KeyCommandTest, StartsWithAnEnvironmentOfItsOwn) {
    ::setenv("SECRET", "1", 1);
    ::setenv("LANG", "C.UTF-8", 1);
    run(rules("/usr/bin/env", {}));
    ::unsetenv("SECRET");
    EXPECT_EQ(output(),
              "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\nUSER=me\n"
              "LOGNAME=me\nHOME=/home/me\nLANG=C.UTF-8\n");
}

TEST_F(KeyCommandTest, HasNothingElseOpen) {
    const Fd inherited(::open("/dev/null", O_RDONLY));  // not close-on-exec
    ASSERT_TRUE(inherited);
    run(rules("/bin/ls", {"/proc/self/fd"}));
    EXPECT_EQ(output(), "0\n1\n2\n3\n") << "3 is the folder that ls reads";
}

TEST_F(KeyCommandTest, HasAnEmptyInputAndBlockingOutputs) {
    const Fd ours(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3));
    const Fd secrets(::open(folder.write("secrets", "secret\n").c_str(), O_RDONLY | O_CLOEXEC));
    ASSERT_EQ(::dup2(secrets.get(), STDIN_FILENO), STDIN_FILENO);
    run(rules(script("cat; readlink /proc/self/fd/0; grep flags /proc/self/fdinfo/1; "
                     "grep flags /proc/self/fdinfo/2 >&1"),
              {}));
    ASSERT_EQ(::dup2(ours.get(), STDIN_FILENO), STDIN_FILENO);
    // 1: write only, and no O_NONBLOCK (04000); grep's own output is the same pipe.
    EXPECT_EQ(output(), "/dev/null\nflags:\t01\nflags:\t01\n");
}

TEST_F(KeyCommandTest, HasNoSignalBlockedOrIgnored) {
    sigset_t blocked{};
    sigset_t before{};
    sigfillset(&blocked);
    pthread_sigmask(SIG_BLOCK, &blocked, &before);
    const auto handler = std::signal(SIGPIPE, SIG_IGN);
    run(rules("/bin/grep", {"-E", "SigBlk|SigIgn", "/proc/self/status"}));
    std::signal(SIGPIPE, handler);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    // glibc's posix_spawn ignores the two signals that it keeps for itself, 32 and 33.
    EXPECT_THAT(output(),
                ::testing::AnyOf("SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n",
                                 "SigBlk:\t0000000000000000\nSigIgn:\t0000000180000000\n"));
}

TEST_F(KeyCommandTest, LeadsASessionOfItsOwnInTheRootFolder) {
    run(rules(script("read -r pid name state parent group session rest < /proc/self/stat\n"
                     "[ $pid = $group ] && [ $pid = $session ] && pwd"),
              {}));
    EXPECT_EQ(output(), "/\n");
}

TEST_F(KeyCommandTest, RunsAsTheAccountOfTheRules) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "only root can run as another";
    }
    const auto nobody = resolve_account("nobody");
    ASSERT_TRUE(nobody) << nobody.error();
    ProgramRules as_nobody =
        rules("/bin/grep", {"-E", "^(Uid|Gid|Groups|CapPrm|CapEff|CapAmb)", "/proc/self/status"});
    as_nobody.account = *nobody;
    run(as_nobody);
    const std::string uid = std::to_string(nobody->uid);
    const std::string gid = std::to_string(nobody->gid);
    EXPECT_EQ(output(), "Uid:\t" + uid + "\t" + uid + "\t" + uid + "\t" + uid + "\nGid:\t" + gid +
                            "\t" + gid + "\t" + gid + "\t" + gid + "\nGroups:\t" + gid +
                            " \nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n"
                            "CapAmb:\t0000000000000000\n");
}

TEST_F(KeyCommandTest, SaysWhatAnotherAccountCannotExecute) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "only root can run as another";
    }
    ProgramRules as_nobody = rules("/no/such/program", {});
    as_nobody.account = *resolve_account("nobody");
    run(as_nobody);
    EXPECT_THAT(error(), AllOf(StartsWith("/no/such/program: ended with status 127; it said: "),
                               HasSubstr("No such file or directory")));
}

// ---- one that cannot be killed ----

// CAP_KILL taken from this thread's effective set, or given back.
void may_kill(bool may) {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    std::array<__user_cap_data_struct, 2> sets{};
    ASSERT_EQ(::syscall(SYS_capget, &header, sets.data()), 0);
    const unsigned bit = 1U << CAP_KILL;
    sets[0].effective = may ? sets[0].effective | bit : sets[0].effective & ~bit;
    ASSERT_EQ(::syscall(SYS_capset, &header, sets.data()), 0);
}

TEST_F(KeyCommandTest, GivesUpWaitingForOneThatCannotBeKilled) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "only root can start what it cannot kill";
    }
    // It lives for as long as the fifo is held open.
    Fd hold(::open(fifo("hold").c_str(), O_RDWR | O_CLOEXEC));
    std::filesystem::permissions(folder.path(), std::filesystem::perms(0755));
    ProgramRules as_nobody =
        rules(script("exec 3<" + folder.path("hold") + "; exec cat <&3"), {}, 2'000);
    as_nobody.account = *resolve_account("nobody");
    may_kill(false);
    run(as_nobody);
    may_kill(true);
    EXPECT_THAT(error(), HasSubstr("took longer than 2000 ms and was killed, but did not end"));
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), 0) << "it should still live";
    hold.reset();
    EXPECT_GT(::waitpid(-1, nullptr, 0), 0);
}

// ---- its rules ----

TEST(ProgramRules, ComeFromTheConfiguration) {
    conf::Auth auth;
    auth.command = {"/bin/true", "%u", "%f"};
    auth.command_user = "root";
    auth.command_timeout = conf::Milliseconds(1500);
    std::signal(SIGCHLD, SIG_IGN);
    const auto made = ProgramRules::make(auth);
    ASSERT_TRUE(made) << made.error();
    EXPECT_EQ(made->program, std::filesystem::canonical("/bin/true").string());
    EXPECT_THAT(made->arguments, ::testing::ElementsAre("%u", "%f"));
    EXPECT_EQ(made->account.uid, ::geteuid());
    EXPECT_EQ(made->time_limit_ms, 1500);
    EXPECT_EQ(std::signal(SIGCHLD, SIG_DFL), SIG_DFL);
}

TEST(ProgramRules, NameTheKeyThatIsWrong) {
    conf::Auth auth;
    auth.command = {"/no/such/program", "%u"};
    EXPECT_EQ(ProgramRules::make(auth).error(),
              "/no/such/program: No such file or directory ([auth] command)");
    auth.command = {"/bin/true", "%u"};
    auth.command_user = "no-such-account";
    if (::geteuid() == 0) {
        EXPECT_THAT(ProgramRules::make(auth).error(), AllOf(HasSubstr("no account no-such-account"),
                                                            HasSubstr("([auth] command_user)")));
    }
}

}  // namespace
}  // namespace portreeve::daemon
