// The two far ends of a tunnel, for the benchmark: the target that a client forwards to (`sink`,
// `source`, `echo`) and the visitors that come to the gate (`push`, `pull`, `connect`, `latency`,
// `idle`). It shares the machine with what is measured, so it does as little as it can: payload is
// sent from page cache (sendfile) and thrown away inside the kernel (MSG_TRUNC), never copied here.
//
// A target listens on a loopback port of the kernel's choice, prints it, and ends when its stdin
// does. A visitor prints its figures as `name value` pairs and ends; no socket call of a visitor
// takes longer than kVisitorTimeout.
//
// A `pull` asks its source for a number of bytes; a `push` ends with a half-close, and the sink
// answers with what it counted. So both are timed to the last byte at the far end.
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace portreeve::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr timeval kVisitorTimeout{.tv_sec = 60, .tv_usec = 0};
constexpr std::size_t kChunkBytes = 1 << 20;
constexpr std::size_t kRequestBytesMax = 1 << 16;
constexpr int kBacklog = 4096;

// A load maker that cannot do its work has nothing to report: it says why and ends.
[[noreturn]] void fail(std::string_view what) {
    const std::string reason = errno != 0 ? std::strerror(errno) : "the other end closed early";
    std::cerr << "portreeve_load: " << what << ": " << reason << "\n";
    std::_Exit(1);
}

class Socket {
  public:
    explicit Socket(int fd) : fd_(fd) {}
    Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Socket& operator=(Socket&&) = delete;
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;
    ~Socket() {
        if (fd_ >= 0) {
            ::close(fd_);
        }
    }
    [[nodiscard]] int fd() const { return fd_; }

  private:
    int fd_;
};

void set_no_delay(int fd) {
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

// False when the other end closed or failed before all of `bytes` went through.
bool send_all(int fd, std::span<const char> bytes) {
    while (!bytes.empty()) {
        const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) {
            return false;
        }
        bytes = bytes.subspan(static_cast<std::size_t>(sent));
    }
    return true;
}

bool receive_all(int fd, std::span<char> bytes) {
    while (!bytes.empty()) {
        const ssize_t received = ::recv(fd, bytes.data(), bytes.size(), 0);
        if (received <= 0) {
            return false;
        }
        bytes = bytes.subspan(static_cast<std::size_t>(received));
    }
    return true;
}

// A byte count crosses the tunnel as eight bytes in this machine's order: both ends are here.
bool send_count(int fd, std::uint64_t count) {
    std::array<char, sizeof count> bytes{};
    std::memcpy(bytes.data(), &count, sizeof count);
    return send_all(fd, bytes);
}

bool receive_count(int fd, std::uint64_t& count) {
    std::array<char, sizeof count> bytes{};
    if (!receive_all(fd, bytes)) {
        return false;
    }
    std::memcpy(&count, bytes.data(), sizeof count);
    return true;
}

// A file in memory to send from; it lives as long as the process.
int payload_fd() {
    static const int fd = [] {
        const int made = ::memfd_create("payload", MFD_CLOEXEC);
        const std::vector<char> bytes(kChunkBytes, 'p');
        if (made < 0 || ::write(made, bytes.data(), bytes.size()) != ssize_t{kChunkBytes}) {
            fail("cannot make the payload");
        }
        return made;
    }();
    return fd;
}

bool send_payload(int fd, std::uint64_t left) {
    while (left > 0) {
        off_t offset = 0;
        const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(left, kChunkBytes));
        const ssize_t sent = ::sendfile(fd, payload_fd(), &offset, wanted);
        if (sent <= 0) {
            return false;
        }
        left -= static_cast<std::uint64_t>(sent);
    }
    return true;
}

// Throws away up to `limit` bytes; returns how many came before the end of the stream.
std::uint64_t discard(int fd, std::uint64_t limit) {
    std::vector<char> untouched(kChunkBytes);  // MSG_TRUNC leaves it alone, but recv wants one
    std::uint64_t total = 0;
    while (total < limit) {
        const auto wanted =
            static_cast<std::size_t>(std::min<std::uint64_t>(limit - total, kChunkBytes));
        const ssize_t received = ::recv(fd, untouched.data(), wanted, MSG_TRUNC);
        if (received <= 0) {
            break;
        }
        total += static_cast<std::uint64_t>(received);
    }
    return total;
}

// ---- targets ------------------------------------------------------------------------------

void end_with_stdin() {
    std::thread([] {
        std::array<char, 64> ignored{};
        while (::read(STDIN_FILENO, ignored.data(), ignored.size()) > 0) {
        }
        std::_Exit(0);
    }).detach();
}

Socket listen_and_print() {
    Socket listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (listener.fd() < 0 || ::bind(listener.fd(), generic, length) != 0 ||
        ::listen(listener.fd(), kBacklog) != 0 ||
        ::getsockname(listener.fd(), generic, &length) != 0) {
        fail("cannot listen on 127.0.0.1");
    }
    std::cout << "port " << ntohs(address.sin_port) << std::endl;
    return listener;
}

// One thread for each connection: bulk targets have only a few.
template <typename Serve>
void serve_in_threads(Serve serve) {
    const Socket listener = listen_and_print();
    while (true) {
        const int fd = ::accept4(listener.fd(), nullptr, nullptr, SOCK_CLOEXEC);
        if (fd < 0) {
            fail("cannot accept");
        }
        std::thread([serve, fd] {
            const Socket socket(fd);
            serve(socket.fd());
        }).detach();
    }
}

void run_sink() {
    serve_in_threads(
        [](int fd) { send_count(fd, discard(fd, std::numeric_limits<std::uint64_t>::max())); });
}

void run_source() {
    serve_in_threads([](int fd) {
        std::uint64_t count = 0;
        if (receive_count(fd, count) && send_payload(fd, count)) {
            ::shutdown(fd, SHUT_WR);
            discard(fd, std::numeric_limits<std::uint64_t>::max());
        }
    });
}

void watch(int poll_fd, int fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    if (::epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
        fail("cannot watch a connection");
    }
}

// Echoes what came at once; a visitor that does not read its answer would stall the rest, but ours
// wait for each answer.
void echo_once(int fd) {
    static std::array<char, kRequestBytesMax> bytes{};
    const ssize_t received = ::recv(fd, bytes.data(), bytes.size(), 0);
    if (received <= 0 ||
        !send_all(fd, std::span(bytes).first(static_cast<std::size_t>(received)))) {
        ::close(fd);
    }
}

// One thread for all connections: there may be thousands, nearly all of them idle.
void run_echo() {
    const Socket listener = listen_and_print();
    const Socket poll(::epoll_create1(EPOLL_CLOEXEC));
    watch(poll.fd(), listener.fd());
    std::array<epoll_event, 64> events{};
    while (true) {
        const int ready = ::epoll_wait(poll.fd(), events.data(), int{events.size()}, -1);
        if (ready < 0 && errno != EINTR) {
            fail("cannot wait for connections");
        }
        for (int i = 0; i < ready; ++i) {
            const int fd = events[static_cast<std::size_t>(i)].data.fd;
            if (fd != listener.fd()) {
                echo_once(fd);
                continue;
            }
            const int accepted = ::accept4(fd, nullptr, nullptr, SOCK_CLOEXEC);
            if (accepted < 0) {
                fail("cannot accept");
            }
            set_no_delay(accepted);
            watch(poll.fd(), accepted);
        }
    }
}

// ---- visitors -----------------------------------------------------------------------------

struct Address {
    sockaddr_storage storage{};
    socklen_t length = 0;
};

Address parse_address(const char* host, const char* port) {
    addrinfo hints{};
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (const int error = ::getaddrinfo(host, port, &hints, &found); error != 0) {
        std::cerr << "portreeve_load: " << host << " " << port
                  << ": not a literal address and port: " << ::gai_strerror(error) << "\n";
        std::_Exit(2);
    }
    Address address;
    address.length = found->ai_addrlen;
    std::memcpy(&address.storage, found->ai_addr, found->ai_addrlen);
    ::freeaddrinfo(found);
    return address;
}

Socket visit(const Address& address) {
    Socket socket(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    errno = 0;
    ::setsockopt(socket.fd(), SOL_SOCKET, SO_RCVTIMEO, &kVisitorTimeout, sizeof kVisitorTimeout);
    ::setsockopt(socket.fd(), SOL_SOCKET, SO_SNDTIMEO, &kVisitorTimeout, sizeof kVisitorTimeout);
    set_no_delay(socket.fd());
    if (::connect(socket.fd(), reinterpret_cast<const sockaddr*>(&address.storage),
                  address.length) != 0) {
        fail("cannot connect to the tunnel");
    }
    return socket;
}

// The answer must be the request, byte for byte: a benchmark of a broken tunnel is worth nothing.
void round_trip(int fd, std::span<const char> request, std::span<char> answer) {
    errno = 0;
    if (!send_all(fd, request) || !receive_all(fd, answer)) {
        fail("a visitor got no answer");
    }
    if (!std::equal(request.begin(), request.end(), answer.begin(), answer.end())) {
        errno = EBADMSG;
        fail("a visitor got another answer than its echo");
    }
}

void byte_round_trip(int fd) {
    std::array<char, 1> answer{};
    round_trip(fd, std::array<char, 1>{'v'}, answer);
}

void print_seconds(Clock::time_point start) {
    std::cout << "seconds " << std::chrono::duration<double>(Clock::now() - start).count() << "\n";
}

void run_push(const Address& address, std::uint64_t bytes) {
    const auto start = Clock::now();
    const Socket socket = visit(address);
    std::uint64_t counted = 0;
    if (!send_payload(socket.fd(), bytes) || ::shutdown(socket.fd(), SHUT_WR) != 0 ||
        !receive_count(socket.fd(), counted)) {
        fail("the push did not end");
    }
    if (counted != bytes) {
        errno = EBADMSG;
        fail("the sink counted other bytes than were pushed");
    }
    print_seconds(start);
}

void run_pull(const Address& address, std::uint64_t bytes) {
    const auto start = Clock::now();
    const Socket socket = visit(address);
    if (!send_count(socket.fd(), bytes) || discard(socket.fd(), bytes) != bytes) {
        fail("the pull did not end");
    }
    print_seconds(start);
}

void run_connect(const Address& address, std::uint64_t count, std::uint64_t concurrency) {
    std::atomic<std::uint64_t> taken{0};
    const auto start = Clock::now();
    std::vector<std::thread> threads;
    for (std::uint64_t i = 0; i < concurrency; ++i) {
        threads.emplace_back([&] {
            while (taken.fetch_add(1, std::memory_order_relaxed) < count) {
                byte_round_trip(visit(address).fd());
            }
        });
    }
    for (auto& thread : threads) {
        thread.join();
    }
    print_seconds(start);
}

void run_latency(const Address& address, std::uint64_t count, std::uint64_t size) {
    const std::vector<char> request(static_cast<std::size_t>(size), 'r');
    std::vector<char> answer(request.size());
    const Socket socket = visit(address);
    round_trip(socket.fd(), request, answer);  // opens the channel; not a request's latency
    std::vector<double> times_us;
    times_us.reserve(static_cast<std::size_t>(count));
    for (std::uint64_t i = 0; i < count; ++i) {
        const auto start = Clock::now();
        round_trip(socket.fd(), request, answer);
        times_us.push_back(std::chrono::duration<double, std::micro>(Clock::now() - start).count());
    }
    std::sort(times_us.begin(), times_us.end());
    std::cout << "p50_us " << times_us[times_us.size() / 2] << "\np99_us "
              << times_us[times_us.size() * 99 / 100] << "\n";
}

void run_idle(const Address& address, std::uint64_t count) {
    std::vector<Socket> visitors;
    visitors.reserve(static_cast<std::size_t>(count));
    for (std::uint64_t i = 0; i < count; ++i) {
        byte_round_trip(visitors.emplace_back(visit(address)).fd());
    }
    std::cout << "ready " << visitors.size() << std::endl;
    std::array<char, 64> ignored{};
    while (::read(STDIN_FILENO, ignored.data(), ignored.size()) > 0) {
    }
}

// ---- the command line ---------------------------------------------------------------------

int usage() {
    std::cerr << "usage: portreeve_load sink | source | echo\n"
                 "       portreeve_load push | pull HOST PORT BYTES\n"
                 "       portreeve_load connect HOST PORT COUNT CONCURRENCY\n"
                 "       portreeve_load latency HOST PORT COUNT SIZE    (SIZE up to 65536)\n"
                 "       portreeve_load idle HOST PORT COUNT\n"
                 "HOST is a literal address; every number is at least 1.\n";
    return 2;
}

// 0 when `text` is not a number of at least 1.
std::uint64_t parse_number(std::string_view text) {
    std::uint64_t value = 0;
    const char* end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data(), end, value);
    return error == std::errc{} && stopped == end ? value : 0;
}

bool run_target(std::string_view command) {
    void (*target)() = command == "sink"     ? run_sink
                       : command == "source" ? run_source
                       : command == "echo"   ? run_echo
                                             : nullptr;
    if (target == nullptr) {
        return false;
    }
    end_with_stdin();
    target();
    return true;
}

int run(std::span<char*> arguments) {
    const std::string_view command = arguments.size() > 1 ? arguments[1] : "";
    if (arguments.size() == 2) {
        return run_target(command) ? 0 : usage();
    }
    if (arguments.size() < 5 || arguments.size() > 6) {
        return usage();
    }
    const bool is_two = arguments.size() == 6;
    const std::uint64_t first = parse_number(arguments[4]);
    const std::uint64_t second = is_two ? parse_number(arguments[5]) : 1;
    if (first == 0 || second == 0) {
        return usage();
    }
    const Address address = parse_address(arguments[2], arguments[3]);
    if (command == "push" && !is_two) {
        run_push(address, first);
    } else if (command == "pull" && !is_two) {
        run_pull(address, first);
    } else if (command == "idle" && !is_two) {
        run_idle(address, first);
    } else if (command == "connect" && is_two) {
        run_connect(address, first, second);
    } else if (command == "latency" && is_two && second <= kRequestBytesMax) {
        run_latency(address, first, second);
    } else {
        return usage();
    }
    return 0;
}

}  // namespace
}  // namespace portreeve::bench

int main(int argc, char** argv) {
    static_cast<void>(std::signal(SIGPIPE, SIG_IGN));  // sendfile has no MSG_NOSIGNAL
    return portreeve::bench::run({argv, static_cast<std::size_t>(argc)});
}
