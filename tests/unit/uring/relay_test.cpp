// A Relay between real sockets, on a fake ring that wakes it at odd times and on the real one.
#include "uring/relay.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/unit/uring/rings.h"

namespace portreeve::uring::test {
namespace {

std::pair<Fd, Fd> unix_pair() {
    int ends[2] = {-1, -1};
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    return {Fd(ends[0]), Fd(ends[1])};
}

// So small that the relay often finds its output full. Below the size of loopback's packets, TCP
// would stall for its own reasons.
void bound_buffers(const Fd& socket, bool tcp) {
    const int bytes = tcp ? 128 * 1024 : 16 * 1024;
    setsockopt(socket.get(), SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
    setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
}

// What send(2) says at once: a count, or -errno.
ssize_t send_now(const Fd& socket, std::string_view text) {
    const ssize_t count = send(socket.get(), text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    return count >= 0 ? count : -errno;
}

// Two clients and the relay between them.
struct Joined final : Relay::Events {
    Joined(Ring& ring, bool tcp, bool small_buffers = false) {
        std::signal(SIGPIPE, SIG_IGN);  // as a program with relays must
        auto [near_left, far_left] = tcp ? tcp_pair() : unix_pair();
        auto [near_right, far_right] = tcp ? tcp_pair() : unix_pair();
        if (small_buffers) {
            for (const Fd* socket : {&near_left, &far_left, &near_right, &far_right}) {
                bound_buffers(*socket, tcp);
            }
        }
        left = std::move(far_left);
        right = std::move(far_right);
        relay = std::make_unique<Relay>(ring, pipes, std::move(near_left), std::move(near_right),
                                        *this);
    }
    void on_relay_joined(Relay&, int with) override {
        EXPECT_FALSE(joined);
        joined = true;
        error = with;
        relay.reset();
    }

    PipePool pipes;
    Fd left;
    Fd right;
    std::unique_ptr<Relay> relay;
    bool joined = false;
    int error = 1;
};

class RelayOnAFake : public ::testing::TestWithParam<bool> {
  protected:
    // What a loopback connection carries arrives soon, not at once: so by time, not by turns.
    template <class Condition>
    static void turn_until(FakeRing& fake, Condition done) {
        timespec now{};
        clock_gettime(CLOCK_MONOTONIC, &now);
        const time_t deadline_s = now.tv_sec + 10;
        while (!done()) {
            ASSERT_EQ(fake.ring.turn(false), 0);
            clock_gettime(CLOCK_MONOTONIC, &now);
            ASSERT_LT(now.tv_sec, deadline_s) << "it never came about";
        }
    }
    static std::string read_all(FakeRing& fake, const Fd& from, std::size_t count) {
        std::string got;
        turn_until(fake, [&] {
            char bytes[4096];
            const ssize_t some = recv(from.get(), bytes, sizeof(bytes), MSG_DONTWAIT);
            got.append(bytes, some > 0 ? static_cast<std::size_t>(some) : 0);
            return got.size() >= count || some == 0;
        });
        return got;
    }
    FakeRing fake_;
};

INSTANTIATE_TEST_SUITE_P(Sockets, RelayOnAFake, ::testing::Values(true, false),
                         [](const auto& chosen) { return chosen.param ? "tcp" : "unix"; });

TEST_P(RelayOnAFake, KeepsEachHalfClose) {
    Joined pair(fake_.ring, GetParam());
    pair.relay->open();
    ASSERT_EQ(send_now(pair.left, "question"), 8);
    shutdown(pair.left.get(), SHUT_WR);
    EXPECT_EQ(read_all(fake_, pair.right, 8), "question");
    turn_until(fake_, [&] { return receive_now(pair.right) == 0; });
    EXPECT_FALSE(pair.relay->closing());
    for (const std::string part : {"an answer ", "in two parts"}) {
        ASSERT_EQ(send_now(pair.right, part), static_cast<ssize_t>(part.size()));
        EXPECT_EQ(read_all(fake_, pair.left, part.size()), part);
    }
    EXPECT_EQ(receive_now(pair.left), -EAGAIN);
    shutdown(pair.right.get(), SHUT_WR);
    turn_until(fake_, [&] { return pair.joined; });
    EXPECT_EQ(receive_now(pair.left), 0);
    EXPECT_EQ(pair.error, 0);
}

TEST_P(RelayOnAFake, HoldsNoPipeWhileIdle) {
    Joined pair(fake_.ring, GetParam());
    pair.relay->open();
    for (int round = 0; round < 3; ++round) {
        ASSERT_EQ(send_now(pair.left, "ping"), 4);
        EXPECT_EQ(read_all(fake_, pair.right, 4), "ping");
        ASSERT_EQ(send_now(pair.right, "pong"), 4);
        EXPECT_EQ(read_all(fake_, pair.left, 4), "pong");
        EXPECT_FALSE(pair.relay->holds_bytes());
        EXPECT_GE(pair.pipes.cached(), 1U);  // whatever it used is back
        EXPECT_LE(pair.pipes.cached(), 2U);
        ASSERT_NO_FATAL_FAILURE(fake_.turn());
        EXPECT_EQ(fake_.kernel.pending(), 2U);
    }
    pair.relay->close();
    turn_until(fake_, [&] { return pair.joined; });
}

TEST_P(RelayOnAFake, ReadsNoMoreWhileItsOutputIsFull) {
    Joined pair(fake_.ring, GetParam(), true);
    pair.relay->open();
    const std::string chunk(8192, 'x');
    std::size_t taken = 0;
    for (int idle_turns = 0; idle_turns < 200; ++idle_turns) {
        const ssize_t some = send_now(pair.left, chunk);
        if (some > 0) {
            taken += static_cast<std::size_t>(some);
            idle_turns = 0;
        }
        ASSERT_LT(taken, std::size_t{4} * 1024 * 1024) << "it has no bound";
        ASSERT_NO_FATAL_FAILURE(fake_.turn());
    }
    EXPECT_TRUE(pair.relay->holds_bytes());
    // The other way is not held up by it.
    ASSERT_EQ(send_now(pair.right, "pong"), 4);
    EXPECT_EQ(read_all(fake_, pair.left, 4), "pong");
    EXPECT_EQ(read_all(fake_, pair.right, taken).size(), taken);
    turn_until(fake_, [&] { return !pair.relay->holds_bytes(); });
    pair.relay->close();
    turn_until(fake_, [&] { return pair.joined; });
}

TEST_P(RelayOnAFake, JoinsBeforeItCloses) {
    for (const bool reset : {false, true}) {
        Joined pair(fake_.ring, GetParam());
        pair.relay->open();
        fake_.turn();
        EXPECT_EQ(fake_.kernel.pending(), 2U);
        pair.relay->close(reset);
        pair.relay->close(!reset);  // the first one counts
        EXPECT_FALSE(pair.joined) << "joined inside close()";
        turn_until(fake_, [&] { return pair.joined; });
        EXPECT_EQ(fake_.kernel.pending(), 0U);
        const ssize_t end = reset && GetParam() ? -ECONNRESET : 0;
        turn_until(fake_, [&] { return receive_now(pair.left) == end; });
        turn_until(fake_, [&] { return receive_now(pair.right) == end; });
    }
}

TEST_P(RelayOnAFake, EndsWithTheReasonWhenThereAreNoPipes) {
    Joined pair(fake_.ring, GetParam());
    rlimit before{};
    ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
    const rlimit none{.rlim_cur = 0, .rlim_max = before.rlim_max};
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
    pair.relay->open();
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
    turn_until(fake_, [&] { return pair.joined; });
    EXPECT_EQ(pair.error, -EMFILE);
}

TEST(Relay, PassesAResetOnEachWay) {
    for (const bool from_left : {true, false}) {
        FakeRing fake;
        Joined pair(fake.ring, true);
        pair.relay->open();
        Fd& cut = from_left ? pair.left : pair.right;
        const Fd& other = from_left ? pair.right : pair.left;
        const linger at_once{.l_onoff = 1, .l_linger = 0};
        setsockopt(cut.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
        cut.reset();
        fake.turn_until([&] { return pair.joined; }, 1'000'000);
        EXPECT_EQ(pair.error, -ECONNRESET);
        EXPECT_EQ(receive_soon(other), -ECONNRESET);
    }
}

TEST(PipePool, KeepsNoMoreThanItsBound) {
    PipePool pool;
    std::vector<Pipe> pipes(PipePool::kCachedMax + 5);
    for (Pipe& pipe : pipes) {
        ASSERT_EQ(pool.take(pipe), 0);
    }
    for (Pipe& pipe : pipes) {
        pool.give_back(std::move(pipe));
    }
    EXPECT_EQ(pool.cached(), PipePool::kCachedMax);
}

// One client's two directions as the dice will have them.
struct Client {
    Client(Fd& with, Dice& by, std::size_t count) : socket(with), dice(by), says(by.text(count)) {}
    void act() {
        if (dice.chance(60) && said < says.size()) {
            const std::string_view part =
                std::string_view(says).substr(said, dice.between(1, 20'000));
            const ssize_t count = send_now(socket, part);
            said += count > 0 ? static_cast<std::size_t>(count) : 0;
        }
        if (said == says.size() && !ended && dice.chance(20)) {
            ended = true;
            shutdown(socket.get(), SHUT_WR);
        }
        if (dice.chance(50)) {
            char bytes[10'000];
            const ssize_t count = recv(socket.get(), bytes, dice.between(1, 10'000), MSG_DONTWAIT);
            heard.append(bytes, count > 0 ? static_cast<std::size_t>(count) : 0);
            hears_end = hears_end || count == 0;
        }
    }
    Fd& socket;
    Dice& dice;
    std::string says;
    std::size_t said = 0;
    std::string heard;
    bool ended = false;
    bool hears_end = false;
};

TEST_P(RelayOnAFake, CarriesEveryByteOnceInOrderOnRandomSchedules) {
    for_each_seed(60, [&](std::uint64_t seed) {
        Dice dice(seed);
        FakeRing fake(seed, Faults::many());
        Joined pair(fake.ring, GetParam(), dice.chance(70));
        Client left(pair.left, dice, dice.between(0, 300'000));
        Client right(pair.right, dice, dice.between(0, 300'000));
        pair.relay->open();
        turn_until(fake, [&] {
            left.act();
            right.act();
            return left.hears_end && right.hears_end && pair.joined;
        });
        ASSERT_EQ(pair.error, 0);
        ASSERT_TRUE(left.heard == right.says);
        ASSERT_TRUE(right.heard == left.says);
        ASSERT_EQ(fake.kernel.pending(), 0U);
    });
}

TEST_P(RelayOnAFake, ClosedAtAnyMomentJoins) {
    for_each_seed(60, [&](std::uint64_t seed) {
        Dice dice(seed);
        FakeRing fake(seed, Faults::many());
        Joined pair(fake.ring, GetParam(), dice.chance(70));
        Client left(pair.left, dice, 300'000);
        Client right(pair.right, dice, 300'000);
        pair.relay->open();
        for (std::size_t turns = dice.between(0, 100); turns > 0; --turns) {
            left.act();
            right.act();
            ASSERT_NO_FATAL_FAILURE(fake.turn());
        }
        if (!pair.joined) {
            pair.relay->close(dice.chance(50));
        }
        turn_until(fake, [&] { return pair.joined; });
        ASSERT_EQ(fake.kernel.pending(), 0U);
        ASSERT_EQ(right.says.compare(0, left.heard.size(), left.heard), 0);
        ASSERT_EQ(left.says.compare(0, right.heard.size(), right.heard), 0);
    });
}

// The real ring -----------------------------------------------------------------------------------

class RelayOnTheKernel : public RealRing {
  protected:
    static constexpr std::size_t kBulkBytes = std::size_t{64} << 20;

    // Sends `pattern` over and over; its size is a prime, so that it meets no copy's size again.
    static void say(int socket, const std::string& pattern) {
        for (std::size_t said = 0; said < kBulkBytes;) {
            const std::size_t at = said % pattern.size();
            const std::size_t part = std::min(pattern.size() - at, kBulkBytes - said);
            const ssize_t count = send(socket, &pattern[at], part, MSG_NOSIGNAL);
            if (count <= 0) {
                return;
            }
            said += static_cast<std::size_t>(count);
        }
        shutdown(socket, SHUT_WR);
    }
    // How many bytes came as they should before the end; 0 if any did not.
    static std::size_t hear(int socket, const std::string& pattern) {
        std::array<char, 65'536> bytes{};
        std::size_t heard = 0;
        for (;;) {
            const std::size_t at = heard % pattern.size();
            const std::size_t most = std::min(bytes.size(), pattern.size() - at);
            const ssize_t count = recv(socket, bytes.data(), most, 0);
            if (count <= 0) {
                return count == 0 ? heard : 0;
            }
            if (std::memcmp(bytes.data(), &pattern[at], static_cast<std::size_t>(count)) != 0) {
                return 0;
            }
            heard += static_cast<std::size_t>(count);
        }
    }
    void carry_both_ways(bool tcp) {
        Joined pair(*ring, tcp);
        const std::string from_left = Dice(1).text(65'521);
        const std::string from_right = Dice(2).text(65'521);
        std::size_t heard_left = 0;
        std::size_t heard_right = 0;
        std::vector<std::thread> clients;
        clients.emplace_back([&] { say(pair.left.get(), from_left); });
        clients.emplace_back([&] { say(pair.right.get(), from_right); });
        clients.emplace_back([&] { heard_left = hear(pair.left.get(), from_right); });
        clients.emplace_back([&] { heard_right = hear(pair.right.get(), from_left); });
        pair.relay->open();
        turn_until([&] { return pair.joined; });
        if (!pair.joined) {  // let the clients end, too
            shutdown(pair.left.get(), SHUT_RDWR);
            shutdown(pair.right.get(), SHUT_RDWR);
        }
        for (std::thread& client : clients) {
            client.join();
        }
        EXPECT_EQ(heard_left, kBulkBytes);
        EXPECT_EQ(heard_right, kBulkBytes);
        EXPECT_EQ(pair.error, 0);
        if (pair.relay) {
            pair.relay->close(true);
            turn_until([&] { return pair.joined; });
        }
    }
};

TEST_F(RelayOnTheKernel, CarriesBulkBothWaysByteForByteOverTcp) {
    carry_both_ways(true);
}
TEST_F(RelayOnTheKernel, CarriesBulkBothWaysByteForByteOverUnixSockets) {
    carry_both_ways(false);
}

TEST_F(RelayOnTheKernel, KeepsAHalfCloseEachWay) {
    for (const bool left_first : {true, false}) {
        Joined pair(*ring, true);
        pair.relay->open();
        const Fd& first = left_first ? pair.left : pair.right;
        const Fd& second = left_first ? pair.right : pair.left;
        ASSERT_EQ(send_now(first, "abc"), 3);
        shutdown(first.get(), SHUT_WR);
        turn_until([&] { return receive_now(second) == 3; });
        turn_until([&] { return receive_now(second) == 0; });
        ASSERT_EQ(send_now(second, "defg"), 4);
        turn_until([&] { return receive_now(first) == 4; });
        EXPECT_FALSE(pair.joined);
        shutdown(second.get(), SHUT_WR);
        turn_until([&] { return pair.joined; });
        EXPECT_EQ(receive_now(first), 0);
    }
}

TEST_F(RelayOnTheKernel, ToldToCloseWithAResetSendsOneToBoth) {
    Joined pair(*ring, true);
    pair.relay->open();
    ASSERT_EQ(ring->turn(false), 0);
    pair.relay->close(true);
    turn_until([&] { return pair.joined; });
    EXPECT_EQ(receive_now(pair.left), -ECONNRESET);
    EXPECT_EQ(receive_now(pair.right), -ECONNRESET);
}

TEST_F(RelayOnTheKernel, PassesAResetOnWhileBytesAreOnTheirWay) {
    Joined pair(*ring, true, true);
    pair.relay->open();
    const std::string chunk(8192, 'x');
    while (!pair.relay->holds_bytes()) {  // `right` does not read
        static_cast<void>(send_now(pair.left, chunk));
        ASSERT_EQ(ring->turn(false), 0);
    }
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    setsockopt(pair.right.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    pair.right.reset();
    turn_until([&] { return pair.joined; });
    EXPECT_NE(pair.error, 0);
    EXPECT_EQ(receive_now(pair.left), -ECONNRESET);
}

}  // namespace
}  // namespace portreeve::uring::test
