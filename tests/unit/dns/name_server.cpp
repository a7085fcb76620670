#include "tests/unit/dns/name_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstring>

namespace portreeve::dns::test {
namespace {

using Clock = std::chrono::steady_clock;

uring::Fd bound_socket(int type, std::uint16_t& port) {
    uring::Fd made(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    socklen_t bytes = sizeof(address);
    auto* any = reinterpret_cast<sockaddr*>(&address);
    if (::bind(made.get(), any, bytes) != 0 || ::getsockname(made.get(), any, &bytes) != 0) {
        return {};
    }
    port = ntohs(address.sin_port);
    return made;
}

// Of UDP and TCP alike; 0: not found.
std::uint16_t free_port() {
    for (int tries = 0; tries < 100; ++tries) {
        std::uint16_t port = 0;
        const auto udp = bound_socket(SOCK_DGRAM, port);
        if (udp && bound_socket(SOCK_STREAM, port)) {
            return port;
        }
    }
    return 0;
}

pid_t spawn(std::vector<std::string> words, int log) {
    std::vector<char*> pointers;
    pointers.reserve(words.size() + 1);
    for (std::string& word : words) {
        pointers.push_back(word.data());
    }
    pointers.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, log, STDERR_FILENO);
    pid_t pid = -1;
    if (posix_spawn(&pid, words.front().c_str(), &actions, nullptr, pointers.data(), environ) !=
        0) {
        pid = -1;
    }
    posix_spawn_file_actions_destroy(&actions);
    return pid;
}

}  // namespace

uring::Fd udp_socket(std::uint16_t& port) {
    port = 0;
    return bound_socket(SOCK_DGRAM, port);
}

NameServer::~NameServer() {
    end();
}

void NameServer::end() {
    if (pid_ > 0) {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
        pid_ = -1;
    }
}

bool NameServer::start(const std::vector<std::string>& arguments, std::string& why) {
    // Somebody else may take the port between here and there.
    for (int tries = 0; tries < 5; ++tries) {
        port_ = free_port();
        // A test that dies takes its server with it.
        std::vector<std::string> words{"/usr/bin/setpriv",
                                       "--pdeathsig=KILL",
                                       "/usr/sbin/dnsmasq",
                                       "--keep-in-foreground",
                                       "--log-facility=-",
                                       "--conf-file=/dev/null",
                                       "--pid-file=",
                                       "--no-resolv",
                                       "--no-hosts",
                                       "--bind-interfaces",
                                       "--listen-address=127.0.0.1",
                                       "--port=" + std::to_string(port_)};
        if (::geteuid() == 0) {
            // Or it changes to an account of its own, and setpriv's word is forgotten.
            words.insert(words.end(), {"--user=root", "--group=root"});
        }
        words.insert(words.end(), arguments.begin(), arguments.end());
        std::array<int, 2> ends{};
        if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
            why = std::strerror(errno);
            return false;
        }
        log_ = uring::Fd(ends[0]);
        uring::Fd its_end(ends[1]);
        pid_ = spawn(words, its_end.get());
        its_end.reset();
        if (pid_ > 0 && is_up(why)) {
            return true;
        }
        end();
    }
    return false;
}

// It says "started" once it has its sockets.
bool NameServer::is_up(std::string& why) const {
    const auto deadline = Clock::now() + std::chrono::seconds(10);
    why.clear();
    while (Clock::now() < deadline) {
        pollfd readable{log_.get(), POLLIN, 0};
        std::array<char, 4096> chunk{};
        if (::poll(&readable, 1, 100) != 1) {
            continue;
        }
        const ssize_t count = ::read(log_.get(), chunk.data(), chunk.size());
        if (count <= 0) {
            return false;
        }
        why.append(chunk.data(), static_cast<std::size_t>(count));
        if (why.find(": started, version") != std::string::npos) {
            return true;
        }
    }
    return false;
}

}  // namespace portreeve::dns::test
