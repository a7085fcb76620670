// Sockets passed by systemd start at descriptor 3, so each test passes them to a process of its
// own.

#include "daemon/systemd.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "uring/socket.h"

namespace portreeve::daemon {
namespace {

constexpr int kFirst = 3;

uring::Fd listening() {
    return std::move(*uring::listen_on(*uring::Address::parse("127.0.0.1", 0), false));
}

// Makes this process look like one that systemd started with these descriptors.
void pass(const std::vector<int>& descriptors, const std::string& names) {
    std::vector<int> high;
    high.reserve(descriptors.size());
    for (const int descriptor : descriptors) {
        high.push_back(::fcntl(descriptor, F_DUPFD, 100));
    }
    for (std::size_t index = 0; index < high.size(); ++index) {
        ::dup2(high[index], kFirst + static_cast<int>(index));
    }
    ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
    ::setenv("LISTEN_FDS", std::to_string(descriptors.size()).c_str(), 1);
    ::setenv("LISTEN_FDNAMES", names.c_str(), 1);
}

// What went wrong goes to stderr, where the death test looks.
void expect(bool holds, const char* what) {
    if (!holds) {
        ::dprintf(STDERR_FILENO, "not so: %s\n", what);
        ::_exit(1);
    }
}

[[noreturn]] void take_by_name() {
    const uring::Fd first = listening();
    const uring::Fd second = listening();
    const uring::Fd third = listening();
    pass({first.get(), second.get(), third.get()}, "ssh:other:ssh");
    PassedSockets passed = PassedSockets::take();
    const auto found = passed.named("ssh");
    expect(found.size() == 2, "two sockets are named ssh");
    expect(found[0].get() == kFirst && found[1].get() == kFirst + 2,
           "they are the first and third");
    expect(passed.named("ssh").empty(), "a socket is given once");
    expect(passed.rest().size() == 1, "one is left");
    expect(passed.rest()[0].name == "other", "it is named other");
    expect(std::getenv("LISTEN_FDS") == nullptr, "children inherit none");
    ::_exit(0);
}

[[noreturn]] void take_what_cannot_be_used() {
    const uring::Fd connected(::socket(AF_INET, SOCK_STREAM, 0));
    const uring::Fd datagrams(::socket(AF_INET, SOCK_DGRAM, 0));
    pass({connected.get(), datagrams.get()}, "ssh:ssh");
    PassedSockets passed = PassedSockets::take();
    expect(passed.named("ssh").empty(), "neither can be listened on");
    expect(passed.rest().size() == 2, "both are reported");
    expect(passed.rest()[0].why.find("listening stream socket") != std::string::npos, "with why");
    ::_exit(0);
}

[[noreturn]] void take_what_is_for_another() {
    const uring::Fd socket = listening();
    pass({socket.get()}, "ssh");
    ::setenv("LISTEN_PID", "1", 1);
    PassedSockets passed = PassedSockets::take();
    expect(passed.named("ssh").empty(), "they are not ours");
    expect(passed.rest().empty(), "nothing is left");
    ::_exit(0);
}

TEST(PassedSocketsDeathTest, AreTakenByName) {
    EXPECT_EXIT(take_by_name(), ::testing::ExitedWithCode(0), "");
}

TEST(PassedSocketsDeathTest, ThatCannotBeUsedAreReported) {
    EXPECT_EXIT(take_what_cannot_be_used(), ::testing::ExitedWithCode(0), "");
}

TEST(PassedSocketsDeathTest, ForAnotherProcessAreLeftAlone) {
    EXPECT_EXIT(take_what_is_for_another(), ::testing::ExitedWithCode(0), "");
}

TEST(PassedSockets, AreNoneWithoutSystemd) {
    PassedSockets passed = PassedSockets::take();
    EXPECT_TRUE(passed.named("ssh").empty());
    EXPECT_TRUE(passed.rest().empty());
}

}  // namespace
}  // namespace portreeve::daemon
