#include "daemon/program.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

#include "ssh/changeable.h"

namespace portreeve::daemon {
namespace {

constexpr const char* kSetpriv = "/usr/bin/setpriv";  // of util-linux, which Debian cannot lack
constexpr const char* kPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
constexpr std::size_t kAccountBytesMax = 1 << 20;
constexpr int kGroupsMax = 65536;  // the kernel's NGROUPS_MAX
constexpr unsigned kSealable = MFD_CLOEXEC | MFD_ALLOW_SEALING;
// MFD_NOEXEC_SEAL, of Linux 6.3: without it vm.memfd_noexec = 2 refuses. Headers are older.
constexpr unsigned kNeverAProgram = 8;

// One account by the lookup that is given: getpwnam_r or getpwuid_r with its key. 0 or an errno;
// ENOENT if there is none.
template <class Lookup>
int look_up(Account& account, Lookup lookup) {
    for (std::size_t bytes = 1024;; bytes *= 4) {
        std::vector<char> room(bytes);
        passwd entry{};
        passwd* found = nullptr;
        const int error = lookup(&entry, room.data(), room.size(), &found);
        if (error == ERANGE && bytes < kAccountBytesMax) {
            continue;
        }
        if (found == nullptr) {
            return error != 0 ? error : ENOENT;
        }
        account.name = found->pw_name;
        account.home = found->pw_dir;
        account.uid = found->pw_uid;
        account.gid = found->pw_gid;
        return 0;
    }
}

std::vector<gid_t> groups_of(const Account& account) {
    std::vector<gid_t> groups(64);
    int count = static_cast<int>(groups.size());
    while (getgrouplist(account.name.c_str(), account.gid, groups.data(), &count) < 0) {
        if (groups.size() >= kGroupsMax) {
            break;
        }
        groups.resize(groups.size() * 4);
        count = static_cast<int>(groups.size());
    }
    groups.resize(static_cast<std::size_t>(count));
    return groups;
}

// The daemon's own account, which need not have an entry: systemd's DynamicUser may be gone.
Account own_account() {
    Account account;
    const uid_t uid = geteuid();
    if (look_up(account, [uid](auto... rest) { return getpwuid_r(uid, rest...); }) != 0) {
        account.name = std::to_string(uid);
        account.home = "/";
        account.uid = uid;
        account.gid = getegid();
    }
    return account;
}

// ---- spawn ----

struct Pipe {
    uring::Fd read;
    uring::Fd write;
};

tl::expected<Pipe, int> make_pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        return tl::unexpected(errno);
    }
    Pipe made{uring::Fd(ends[0]), uring::Fd(ends[1])};
    // Of our end only: a program does not expect its standard output not to wait.
    if (::fcntl(made.read.get(), F_SETFL, O_NONBLOCK) != 0) {
        return tl::unexpected(errno);
    }
    return made;
}

struct ActionsDeleter {
    void operator()(posix_spawn_file_actions_t* actions) const {
        posix_spawn_file_actions_destroy(actions);
    }
};
struct AttributesDeleter {
    void operator()(posix_spawnattr_t* attributes) const { posix_spawnattr_destroy(attributes); }
};

std::vector<std::string> environment_for(const Account& account) {
    std::vector<std::string> variables;
    const auto set = [&variables](std::string name, std::string_view value) {
        variables.push_back(std::move(name.append("=").append(value)));
    };
    set("PATH", kPath);
    set("USER", account.name);
    set("LOGNAME", account.name);
    set("HOME", account.home);
    if (const char* language = std::getenv("LANG"); language != nullptr) {
        set("LANG", language);
    }
    return variables;
}

// The words with those before them that make them run as `account`.
std::vector<std::string> words_as(const std::vector<std::string>& words, const Account& account) {
    if (account.is_own) {
        return words;
    }
    std::string groups;
    for (const gid_t group : account.groups) {
        groups += (groups.empty() ? "--groups=" : ",") + std::to_string(group);
    }
    std::vector<std::string> all = {kSetpriv, "--reuid=" + std::to_string(account.uid),
                                    "--regid=" + std::to_string(account.gid),
                                    groups.empty() ? "--clear-groups" : groups};
    all.insert(all.end(), words.begin(), words.end());
    return all;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    pointers.reserve(texts.size() + 1);
    for (std::string& text : texts) {
        pointers.push_back(text.data());
    }
    pointers.push_back(nullptr);
    return pointers;
}

// What a program gets as its own.
struct Streams {
    int input;  // -1: nothing to read
    int output;
    int complaints;
};

tl::expected<pid_t, int> spawn_with(std::vector<std::string> words,
                                    std::vector<std::string> variables, const Streams& streams) {
    posix_spawn_file_actions_t actions_memory{};
    posix_spawn_file_actions_init(&actions_memory);
    const std::unique_ptr<posix_spawn_file_actions_t, ActionsDeleter> actions(&actions_memory);
    posix_spawnattr_t attributes_memory{};
    posix_spawnattr_init(&attributes_memory);
    const std::unique_ptr<posix_spawnattr_t, AttributesDeleter> attributes(&attributes_memory);
    sigset_t none{};
    sigset_t all{};
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(attributes.get(), &none);
    posix_spawnattr_setsigdefault(attributes.get(), &all);
    posix_spawnattr_setflags(attributes.get(),
                             POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
    const int errors[] = {
        streams.input < 0
            ? posix_spawn_file_actions_addopen(actions.get(), STDIN_FILENO, "/dev/null", O_RDONLY,
                                               0)
            : posix_spawn_file_actions_adddup2(actions.get(), streams.input, STDIN_FILENO),
        posix_spawn_file_actions_adddup2(actions.get(), streams.output, STDOUT_FILENO),
        posix_spawn_file_actions_adddup2(actions.get(), streams.complaints, STDERR_FILENO),
        posix_spawn_file_actions_addclosefrom_np(actions.get(), STDERR_FILENO + 1),
        posix_spawn_file_actions_addchdir_np(actions.get(), "/"),
    };
    for (const int error : errors) {
        if (error != 0) {
            return tl::unexpected(error);
        }
    }
    pid_t pid = -1;
    const int error = posix_spawn(&pid, words.front().c_str(), actions.get(), attributes.get(),
                                  pointers_to(words).data(), pointers_to(variables).data());
    if (error != 0) {
        return tl::unexpected(error);
    }
    return pid;
}

}  // namespace

tl::expected<Account, std::string> resolve_account(const std::string& name) {
    if (geteuid() != 0) {
        return own_account();
    }
    Account account;
    const int error =
        look_up(account, [&name](auto... rest) { return getpwnam_r(name.c_str(), rest...); });
    if (error == ENOENT) {
        return tl::unexpected("there is no account " + name +
                              "; name one that there is, or make it: useradd --system " + name);
    }
    if (error != 0) {
        return tl::unexpected("the account " + name +
                              " cannot be looked up: " + std::strerror(error));
    }
    account.is_own = account.uid == 0;
    if (!account.is_own) {
        if (::access(kSetpriv, X_OK) != 0) {
            return tl::unexpected("the account " + name + " cannot be switched to: " + kSetpriv +
                                  ": " + std::strerror(errno) + "; it is in util-linux");
        }
        account.groups = groups_of(account);
    }
    return account;
}

tl::expected<std::string, std::string> safe_program(const std::string& path) {
    const std::unique_ptr<char, decltype(&std::free)> found(::realpath(path.c_str(), nullptr),
                                                            &std::free);
    if (!found) {
        return tl::unexpected(path + ": " + std::strerror(errno));
    }
    const std::string real = found.get();
    struct stat status {};
    if (::stat(real.c_str(), &status) != 0) {
        return tl::unexpected(real + ": " + std::strerror(errno));
    }
    if (!S_ISREG(status.st_mode)) {
        return tl::unexpected(real + " is not a program, but a folder or device");
    }
    if ((status.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) == 0) {
        return tl::unexpected(real + " cannot be executed; run: chmod +x " + real);
    }
    for (std::string above = real;; above.resize(std::max<std::size_t>(1, above.rfind('/')))) {
        if (std::string why = ssh::why_changeable(above, ssh::StickyFolder::suffices);
            !why.empty()) {
            return tl::unexpected(std::move(why));
        }
        if (above == "/") {
            return real;
        }
    }
}

// Not a pipe, which takes no more than the kernel likes, and which another account could not open
// again by the name /dev/stdin.
tl::expected<uring::Fd, int> make_input(std::string_view text) {
    uring::Fd file(::memfd_create("input", kSealable | kNeverAProgram));
    if (!file && errno == EINVAL) {
        file = uring::Fd(::memfd_create("input", kSealable));
    }
    if (!file) {
        return tl::unexpected(errno);
    }
    while (!text.empty()) {
        const ssize_t count = ::write(file.get(), text.data(), text.size());
        if (count < 0 && errno != EINTR) {
            return tl::unexpected(errno);
        }
        text.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(0, count)));
    }
    if (::lseek(file.get(), 0, SEEK_SET) != 0 ||
        ::fcntl(file.get(), F_ADD_SEALS,
                F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0) {
        return tl::unexpected(errno);
    }
    return file;
}

tl::expected<RunningProgram, int> spawn(const std::vector<std::string>& words,
                                        const Account& account, const uring::Fd& input) {
    auto output = make_pipe();
    auto complaints = make_pipe();
    if (!output || !complaints) {
        return tl::unexpected(output ? complaints.error() : output.error());
    }
    const auto pid = spawn_with(words_as(words, account), environment_for(account),
                                {input.get(), output->write.get(), complaints->write.get()});
    if (!pid) {
        return tl::unexpected(pid.error());
    }
    // glibc 2.36 declares pidfd_open() for C only. It is close-on-exec, as all pidfds are.
    uring::Fd handle(static_cast<int>(::syscall(SYS_pidfd_open, *pid, 0)));
    if (!handle) {
        const int error = errno;
        ::kill(-*pid, SIGKILL);
        while (::waitpid(*pid, nullptr, 0) < 0 && errno == EINTR) {
        }
        return tl::unexpected(error);
    }
    return RunningProgram{*pid, std::move(handle), std::move(output->read),
                          std::move(complaints->read)};
}

}  // namespace portreeve::daemon
