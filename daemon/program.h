// Another program, started without holding up the thread that starts it: whether it is safe to run,
// as whom, and the start itself.
//
// It is started by posix_spawn, which does not copy the daemon's memory: at 256 MB resident, fork()
// held its thread up for 10 ms and the page faults afterwards for 7 ms more; this takes 0.15 ms.
// posix_spawn cannot change the user, so setpriv(1) does that on the way. Whoever changes it in a
// child that still shares our memory can be stopped, and we with it, by any process of that user.
//
// Owns: nothing that lasts. Called by: ProgramRun; resolve_account() and safe_program() at start
// and reload only, since both may wait for a file system or a directory service. Bounds: one
// program, two pipes, its input and a process handle for each spawn().
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "uring/fd.h"

namespace portreeve::daemon {

// Whom a program runs as.
struct Account {
    std::string name;
    std::string home;
    uid_t uid = 0;
    gid_t gid = 0;
    std::vector<gid_t> groups;
    bool is_own = true;  // the daemon's own: nothing to switch to
};

// `name` if the daemon is root, otherwise the account that the daemon runs as, which is the only
// one it can give. The error is a sentence.
[[nodiscard]] tl::expected<Account, std::string> resolve_account(const std::string& name);

// The program that `path` leads to, by the name that has been checked: it and every folder above it
// belong to root or to this user, and nobody else can replace them. The error is a sentence.
[[nodiscard]] tl::expected<std::string, std::string> safe_program(const std::string& path);

// A started program, the leader of a session and process group of its own. Its process id stays
// valid until it is reaped through `handle`.
struct RunningProgram {
    pid_t pid = -1;
    uring::Fd handle;      // a pidfd
    uring::Fd output;      // the reading ends of its standard output and error, non-blocking
    uring::Fd complaints;  // …
};

// What a program is to find on its standard input, whole before it starts and never changed: a file
// without a name. The error is an errno.
[[nodiscard]] tl::expected<uring::Fd, int> make_input(std::string_view text);

// Runs `words` (the program by its path, then its arguments) as `account`: standard input empty, or
// `input`; working directory "/", a fresh environment, no signal blocked or ignored, nothing else
// open.
// The error is an errno. With an account that is not our own, a program that cannot be executed is
// only seen by its exit status 126 or 127.
[[nodiscard]] tl::expected<RunningProgram, int> spawn(const std::vector<std::string>& words,
                                                      const Account& account,
                                                      const uring::Fd& input = {});

}  // namespace portreeve::daemon
