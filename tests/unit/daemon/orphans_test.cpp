// Orphans of this process, which is made the one that gets them as process 1 would be.
#include "daemon/orphans.h"

#include <gmock/gmock.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <thread>

namespace portreeve::daemon {
namespace {

// Ends at once, and is a zombie when this returns.
pid_t ended_child() {
    const pid_t child = ::fork();
    if (child == 0) {
        ::_exit(0);
    }
    siginfo_t end{};
    EXPECT_EQ(::waitid(P_PID, static_cast<id_t>(child), &end, WEXITED | WNOWAIT), 0);
    return child;
}

// A grandchild whose parent has gone; it has ended too when this returns.
pid_t ended_orphan() {
    std::array<int, 2> pipe{};
    EXPECT_EQ(::pipe(pipe.data()), 0);
    const pid_t parent = ::fork();
    if (parent == 0) {
        const pid_t child = ::fork();
        if (child == 0) {
            ::_exit(0);
        }
        static_cast<void>(!::write(pipe[1], &child, sizeof(child)));
        ::_exit(0);
    }
    pid_t orphan = -1;
    EXPECT_EQ(::read(pipe[0], &orphan, sizeof(orphan)), static_cast<ssize_t>(sizeof(orphan)));
    ::close(pipe[0]);
    ::close(pipe[1]);
    EXPECT_EQ(::waitpid(parent, nullptr, 0), parent);
    siginfo_t end{};
    EXPECT_EQ(::waitid(P_PID, static_cast<id_t>(orphan), &end, WEXITED | WNOWAIT), 0);
    return orphan;
}

bool is_there(pid_t pid) {
    return ::kill(pid, 0) == 0;
}

TEST(Orphans, AreReapedAndWhatIsOursIsLeft) {
    ASSERT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    const pid_t orphan = ended_orphan();
    EXPECT_EQ(reap_orphans([](pid_t) { return false; }), 1U);
    EXPECT_FALSE(is_there(orphan));
    EXPECT_EQ(reap_orphans([](pid_t) { return false; }), 0U) << "there is none";
    const pid_t own = ended_child();
    EXPECT_EQ(reap_orphans([own](pid_t pid) { return pid == own; }), 0U);
    EXPECT_TRUE(is_there(own));
    EXPECT_EQ(::waitpid(own, nullptr, 0), own);
    EXPECT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
}

TEST(Orphans, AreNoneOfAnotherThreadsChildren) {
    pid_t child = -1;
    std::size_t count = 1;
    std::thread([&] {
        child = ended_child();
        std::thread([&] { count = reap_orphans([](pid_t) { return false; }); }).join();
        EXPECT_EQ(count, 0U);
        EXPECT_EQ(::waitpid(child, nullptr, 0), child);
    }).join();
}

}  // namespace
}  // namespace portreeve::daemon
