// What the engine relies on the real kernel for, one fact a test. If one fails on a new kernel, the
// code built on it is wrong there; the fake kernel of the other tests behaves by the same facts.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/unit/uring/rings.h"
#include "uring/buffer_ring.h"
#include "uring/listener.h"
#include "uring/socket.h"
#include "uring/stream.h"

namespace portreeve::uring::test {
namespace {

constexpr std::uint16_t kGroup = 3;

// Counts messages that are alive: they cross threads.
struct Count {
    explicit Count(std::atomic<int>& of) : alive(&of) { ++*alive; }
    Count(Count&& other) noexcept : alive(other.alive) { ++*alive; }
    Count(const Count&) = delete;
    Count& operator=(const Count&) = delete;
    Count& operator=(Count&&) = delete;
    ~Count() { --*alive; }
    std::atomic<int>* alive;
};

// Keeps every completion of one Op, and its buffer on loan until told to let go.
struct Witness {
    explicit Witness(BufferRing* lender = nullptr) : buffers(lender) {}
    void completed(Completion completion) {
        seen.push_back(completion);
        if (buffers != nullptr && completion.has_buffer()) {
            loan.emplace(*buffers, completion.buffer_id(),
                         completion.res > 0 ? static_cast<std::size_t>(completion.res) : 0);
        }
    }
    [[nodiscard]] bool done() const { return !seen.empty() && !op.armed(); }
    BufferRing* buffers;
    std::vector<Completion> seen;
    std::optional<BufferRing::Loan> loan;
    Op op = Op::to<&Witness::completed>(this);
};

struct StreamOwner final : Stream::Events {
    void on_input(std::span<const std::byte> bytes) override {
        input.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    }
    void on_input_end(int error) override { end = error; }
    void on_output_sent() override {}
    void on_output_failed(int) override {}
    void on_stream_joined() override { joined = true; }
    std::string input;
    std::optional<int> end;
    bool joined = false;
};

class KernelFacts : public RealRing {
  protected:
    std::unique_ptr<BufferRing> lend(std::uint32_t count) {
        auto made = BufferRing::make(ring->kernel(), kGroup, {count, 4096});
        EXPECT_TRUE(made.has_value());
        return made ? std::move(*made) : nullptr;
    }
    void turns(int count) {
        for (int i = 0; i < count; ++i) {
            ASSERT_EQ(ring->turn(false), 0);
        }
    }
    static void say(const Fd& socket, const std::string& text) {
        ASSERT_EQ(send(socket.get(), text.data(), text.size(), 0),
                  static_cast<ssize_t>(text.size()));
    }
    SlabPool slabs;
};

TEST_F(KernelFacts, ShutdownCompletesAnArmedReceiveWithZero) {
    const auto buffers = lend(4);
    for (const bool poll_first : {false, true}) {
        const auto [near, far] = tcp_pair();
        Witness receive(buffers.get());
        ring->receive(receive.op, near.get(), kGroup, 100, poll_first);
        turns(3);
        ASSERT_TRUE(receive.op.armed());
        shutdown(near.get(), SHUT_RDWR);
        turn_until([&] { return receive.done(); });
        EXPECT_EQ(receive.seen.at(0).res, 0);
    }
}

TEST_F(KernelFacts, CloseSendsNoEndWhileAnOperationHoldsTheSocket) {
    const auto buffers = lend(4);
    auto [near, far] = tcp_pair();
    Witness receive(buffers.get());
    ring->receive(receive.op, near.get(), kGroup, 100, true);
    turns(3);
    near.reset();
    turns(3);
    EXPECT_EQ(receive_now(far), -EAGAIN);  // this is why a Stream joins before it closes
    ring->cancel(receive.op);
    turn_until([&] { return receive.done(); });
    EXPECT_EQ(receive.seen.at(0).res, -ECANCELED);
    turn_until([&] { return receive_now(far) == 0; });
}

TEST_F(KernelFacts, CloseAfterTheJoinSendsTheEndAtOnce) {
    const auto buffers = lend(4);
    auto [near, far] = tcp_pair();
    StreamOwner owner;
    Stream stream(*ring, {*buffers, slabs}, std::move(near), owner);
    stream.receive(100);
    turns(3);
    ASSERT_TRUE(stream.receiving());
    stream.close();
    turn_until([&] { return owner.joined; });
    EXPECT_EQ(receive_soon(far), 0);
    EXPECT_FALSE(owner.end.has_value());
}

TEST_F(KernelFacts, CloseWithAResetIsNoOrderlyEnd) {
    const auto buffers = lend(4);
    auto [near, far] = tcp_pair();
    StreamOwner owner;
    Stream stream(*ring, {*buffers, slabs}, std::move(near), owner);
    stream.receive(100);
    turns(3);
    stream.close(true);
    turn_until([&] { return owner.joined; });
    EXPECT_EQ(receive_soon(far), -ECONNRESET);
}

TEST_F(KernelFacts, AReceiveOnAnEmptyBufferRingEndsWithEnobufsEvenOnAnIdleSocket) {
    const auto buffers = lend(1);
    const auto [near, far] = tcp_pair();
    const auto [idle, idle_peer] = tcp_pair();
    Witness first(buffers.get());
    say(far, "x");
    ring->receive(first.op, near.get(), kGroup, 100, false);
    turn_until([&] { return first.loan.has_value(); });  // the only buffer
    Witness second(buffers.get());
    ring->receive(second.op, idle.get(), kGroup, 100, false);
    turn_until([&] { return second.done(); });
    EXPECT_EQ(second.seen.at(0).res, -ENOBUFS);
}

TEST_F(KernelFacts, PollFirstWaitsOnAnIdleSocketWithoutABuffer) {
    const auto buffers = lend(1);
    const auto [near, far] = tcp_pair();
    const auto [idle, idle_peer] = tcp_pair();
    Witness first(buffers.get());
    say(far, "x");
    ring->receive(first.op, near.get(), kGroup, 100, false);
    turn_until([&] { return first.loan.has_value(); });
    Witness second(buffers.get());
    ring->receive(second.op, idle.get(), kGroup, 100, true);
    turns(5);
    EXPECT_TRUE(second.op.armed());
    first.loan.reset();  // back, and in time
    say(idle_peer, "hello");
    turn_until([&] { return second.done(); });
    EXPECT_EQ(second.seen.at(0).res, 5);
}

TEST_F(KernelFacts, AStreamOutOfBuffersGetsItsInputLater) {
    const auto buffers = lend(1);
    const auto [near, far] = tcp_pair();
    Witness taker(buffers.get());
    say(far, "x");
    ring->receive(taker.op, near.get(), kGroup, 100, false);
    turn_until([&] { return taker.loan.has_value(); });
    auto [ours, peer] = tcp_pair();
    StreamOwner owner;
    Stream stream(*ring, {*buffers, slabs}, std::move(ours), owner);
    say(peer, "patience");
    stream.receive(100);
    turns(10);
    EXPECT_TRUE(stream.receiving());
    EXPECT_FALSE(owner.end.has_value());
    taker.loan.reset();
    turn_until([&] { return owner.input == "patience"; });
    stream.close();
    turn_until([&] { return owner.joined; });
}

TEST_F(KernelFacts, AReceiveSaysWhetherItLeftSomething) {
    const auto buffers = lend(4);
    const auto [near, far] = tcp_pair();
    say(far, "hello");
    Witness part(buffers.get());
    ring->receive(part.op, near.get(), kGroup, 2, false);
    turn_until([&] { return part.done(); });
    EXPECT_EQ(part.seen.at(0).res, 2);
    EXPECT_FALSE(part.seen.at(0).socket_drained());
    Witness rest(buffers.get());
    ring->receive(rest.op, near.get(), kGroup, 100, false);
    turn_until([&] { return rest.done(); });
    EXPECT_EQ(rest.seen.at(0).res, 3);
    EXPECT_TRUE(rest.seen.at(0).socket_drained());
}

TEST_F(KernelFacts, ACancelledReceiveKeepsNoBuffer) {
    const auto buffers = lend(1);
    const auto [near, far] = tcp_pair();
    for (const bool poll_first : {false, true}) {
        for (int round = 0; round < 5; ++round) {  // five buffers would be four too many
            Witness receive(buffers.get());
            ring->receive(receive.op, near.get(), kGroup, 100, poll_first);
            turns(2);
            ASSERT_TRUE(receive.op.armed());
            ring->cancel(receive.op);
            turn_until([&] { return receive.done(); });
            EXPECT_EQ(receive.seen.at(0).res, -ECANCELED);
        }
    }
    say(far, "hello");
    Witness receive(buffers.get());
    ring->receive(receive.op, near.get(), kGroup, 100, false);
    turn_until([&] { return receive.done(); });
    EXPECT_EQ(receive.seen.at(0).res, 5);
}

TEST_F(KernelFacts, PollIsLevelTriggeredWhenItIsArmed) {
    const auto [near, far] = tcp_pair();
    say(far, "x");
    for (int round = 0; round < 3; ++round) {  // nobody reads: a Relay that gave others their turn
        Witness poll;
        ring->poll(poll.op, near.get(), POLLIN);
        turn_until([&] { return poll.done(); });
        EXPECT_EQ(poll.seen.at(0).res & POLLIN, POLLIN);
    }
}

// A listening socket on loopback, and clients that connect to it.
struct Door {
    Door() : socket(std::move(*listen_on(*Address::parse("127.0.0.1", 0), false))) {}
    Fd knock() const {
        const Address address = Address::of_local(socket.get());
        Fd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        EXPECT_EQ(connect(client.get(), address.data(), address.size()), 0);
        return client;
    }
    Fd socket;
};

// Fills the completion queue without reaping it, by cancellations of nothing, each of which fails.
void overflow(Ring& ring) {
    const Witness nothing;
    for (std::uint32_t i = 0; i < kCompletionEntries + 10; ++i) {
        ring.cancel(nothing.op);
    }
}

TEST_F(KernelFacts, AnOverflowOfTheCompletionQueueEndsAMultishotAndLosesNothing) {
    const Door door;
    Witness accept;
    ring->accept_each(accept.op, door.socket.get());
    turns(2);
    const Fd before = door.knock();
    turn_until([&] { return accept.seen.size() == 1; });
    EXPECT_TRUE(accept.op.armed());
    EXPECT_EQ(ring->figures().overflows, 0U);
    overflow(*ring);
    const Fd during = door.knock();
    turn_until([&] { return accept.seen.size() == 2; });
    EXPECT_FALSE(accept.op.armed());
    EXPECT_EQ(ring->figures().overflows, 1U);
    for (const Completion& completion : accept.seen) {
        EXPECT_GE(completion.res, 0);
        const Fd close_it(completion.res);
    }
}

TEST_F(KernelFacts, AListenerGoesOnAfterAnOverflow) {
    struct Owner final : Listener::Events {
        void on_accept(Listener&, Fd) override { ++accepted; }
        void on_accept_pause(Listener&, int error) override { ADD_FAILURE() << error; }
        void on_listener_joined(Listener&) override { joined = true; }
        int accepted = 0;
        bool joined = false;
    };
    Door door;
    const int number = door.socket.get();
    Owner owner;
    Listener listener(*ring, Fd(dup(number)), owner);
    listener.open();
    turns(2);
    std::vector<Fd> clients;
    for (int round = 1; round <= 3; ++round) {
        overflow(*ring);
        for (int i = 0; i < 5; ++i) {
            clients.push_back(door.knock());
        }
        turn_until([&] { return owner.accepted == 5 * round; });
    }
    listener.close();
    turn_until([&] { return owner.joined; });
    // The socket itself goes on listening for whoever else holds it, as systemd does.
    clients.push_back(door.knock());
}

TEST_F(KernelFacts, AnAcceptWaitsOnANonBlockingSocketToo) {
    const Door door;
    ASSERT_EQ(fcntl(door.socket.get(), F_SETFL, O_NONBLOCK), 0);
    Witness accept;
    ring->accept_each(accept.op, door.socket.get());
    turns(3);
    EXPECT_TRUE(accept.op.armed());
    const Fd client = door.knock();
    turn_until([&] { return accept.seen.size() == 1; });
    EXPECT_GE(accept.seen.at(0).res, 0);
    const Fd taken(accept.seen.at(0).res);
    ring->cancel(accept.op);
    turn_until([&] { return accept.done(); });
}

// Messages ----------------------------------------------------------------------------------------

TEST_F(KernelFacts, MessagesCrossThreadsInOrder) {
    constexpr int kRounds = 5000;
    auto kernel = make_kernel();
    ASSERT_TRUE(kernel.has_value());
    std::atomic<int> alive{0};
    Ring other(std::move(*kernel));
    std::vector<int> here;
    std::vector<int> there;
    const auto this_thread = std::this_thread::get_id();
    std::promise<void> enabled;  // before that, messages come back and lose their place
    std::thread thread([&] {
        EXPECT_EQ(other.enable(), 0);
        enabled.set_value();
        EXPECT_EQ(other.run(), 0);
    });
    enabled.get_future().wait();
    // Bursts that the other ring answers one by one, each with memory that crosses twice.
    for (int n = 0; n < kRounds; ++n) {
        auto text = std::make_unique<std::string>(std::to_string(n));
        ring->post(other.descriptor(),
                   make_message([&, text = std::move(text), count = Count(alive)]() mutable {
                       EXPECT_NE(std::this_thread::get_id(), this_thread);
                       there.push_back(std::stoi(*text));
                       other.post(ring->descriptor(),
                                  make_message([&, text = std::move(text), back = Count(alive)] {
                                      EXPECT_EQ(std::this_thread::get_id(), this_thread);
                                      here.push_back(std::stoi(*text));
                                  }));
                   }));
        if (n % 100 == 0) {
            ASSERT_EQ(ring->turn(false), 0);
        }
    }
    turn_until([&] { return here.size() == kRounds; });
    ring->post(other.descriptor(), make_message([&] { other.stop(); }));
    turns(2);
    thread.join();
    for (int n = 0; n < kRounds; ++n) {
        ASSERT_EQ(there[static_cast<std::size_t>(n)], n);
        ASSERT_EQ(here[static_cast<std::size_t>(n)], n);
    }
    EXPECT_EQ(alive.load(), 0);
}

TEST_F(KernelFacts, AMessageToARingThatIsNotEnabledIsRefusedAndSentAgain) {
    std::atomic<int> alive{0};
    int got = 0;
    {
        auto kernel = make_kernel();
        ASSERT_TRUE(kernel.has_value());
        Ring other(std::move(*kernel));
        ring->post(other.descriptor(), make_message([&, count = Count(alive)] { ++got; }));
        turns(5);
        EXPECT_GE(ring->figures().resent_messages, 1U);
        EXPECT_EQ(alive.load(), 1);
        ASSERT_EQ(other.enable(), 0);
        turns(2);
        ASSERT_EQ(other.turn(false), 0);
    }
    EXPECT_EQ(got, 1);
    EXPECT_EQ(alive.load(), 0);
}

TEST_F(KernelFacts, MessagesThatNobodyTurnedForAreFreedWithTheirRing) {
    std::atomic<int> alive{0};
    {
        auto kernel = make_kernel();
        ASSERT_TRUE(kernel.has_value());
        Ring other(std::move(*kernel));
        ASSERT_EQ(other.enable(), 0);
        for (int n = 0; n < 10; ++n) {
            ring->post(other.descriptor(), make_message([&, count = Count(alive)] { FAIL(); }));
        }
        turns(2);
        EXPECT_EQ(alive.load(), 10);
    }
    EXPECT_EQ(alive.load(), 0);
}

TEST_F(KernelFacts, AMessageToARingThatIsGoneIsFreed) {
    std::atomic<int> alive{0};
    int gone = -1;
    {
        auto kernel = make_kernel();
        ASSERT_TRUE(kernel.has_value());
        const Ring other(std::move(*kernel));
        gone = other.descriptor();
    }
    ring->post(gone, make_message([&, count = Count(alive)] { FAIL(); }));
    turn_until([&] { return alive.load() == 0; });
}

}  // namespace
}  // namespace portreeve::uring::test
