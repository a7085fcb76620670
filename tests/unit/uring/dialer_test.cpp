// A Dialer on the real kernel, where connections are refused, taken and left waiting; and on the
// fake one, whose clock can be set forward and whose cancellations come out in every way.
#include "uring/dialer.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <vector>

#include "tests/unit/uring/rings.h"
#include "tests/unit/uring/seeds.h"

namespace portreeve::uring::test {
namespace {

// Destroys its Dialer as soon as it may: what is still armed then stops the program.
struct Owner final : Dialer::Events {
    explicit Owner(Ring& ring) : on(ring), dialer(std::make_unique<Dialer>(ring, *this)) {}
    void on_dialed(tl::expected<Fd, int> result) override {
        ++answers;
        EXPECT_TRUE(on.timers().empty()) << "the time limit goes on";
        if (result) {
            socket = std::move(*result);
        } else {
            error = result.error();
        }
        on.post(destroy_);
    }
    void destroy() { dialer.reset(); }

    Ring& on;
    std::unique_ptr<Dialer> dialer;
    Fd socket;
    int error = 0;
    int answers = 0;

  private:
    Task destroy_ = Task::to<&Owner::destroy>(this);
};

// A loopback address where somebody listens.
struct Door {
    explicit Door(const char* host = "127.0.0.1")
        : socket(*listen_on(*Address::parse(host, 0), false)),
          address(Address::of_local(socket.get())) {}
    Fd socket;
    Address address;
};

// One where nobody does: bound, so that nobody else can be there either.
struct Wall {
    Wall() : socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        const Address any = *Address::parse("127.0.0.1", 0);
        EXPECT_EQ(bind(socket.get(), any.data(), any.size()), 0);
        address = Address::of_local(socket.get());
    }
    Fd socket;
    Address address;
};

class Dialing : public RealRing {
  protected:
    void dial(Owner& owner, std::vector<Address> addresses) {
        owner.dialer->start(std::move(addresses));
        EXPECT_EQ(owner.answers, 0) << "answered inside start()";
        turn_until([&] { return !owner.dialer; });
        EXPECT_EQ(owner.answers, 1);
    }
};

TEST_F(Dialing, HandsOverAConnectedSocket) {
    const Door door;
    Owner owner(*ring);
    dial(owner, {door.address});
    ASSERT_TRUE(owner.socket);
    const Fd theirs(accept4(door.socket.get(), nullptr, nullptr, SOCK_CLOEXEC));
    EXPECT_EQ(Address::of_peer(theirs.get()).text(), Address::of_local(owner.socket.get()).text());
}

TEST_F(Dialing, TellsThatNobodyListens) {
    const Wall wall;
    Owner owner(*ring);
    dial(owner, {wall.address});
    EXPECT_FALSE(owner.socket);
    EXPECT_EQ(owner.error, -ECONNREFUSED);
}

TEST_F(Dialing, TriesTheSecondAddressAfterTheFirst) {
    const Wall wall;
    const Door door;
    Owner owner(*ring);
    dial(owner, {wall.address, door.address});
    ASSERT_TRUE(owner.socket);
    EXPECT_EQ(Address::of_peer(owner.socket.get()).text(), door.address.text());
}

TEST_F(Dialing, StaysWithTheFirstThatTakesIt) {
    const Door first;
    const Door second;
    Owner owner(*ring);
    dial(owner, {first.address, second.address});
    ASSERT_TRUE(owner.socket);
    EXPECT_EQ(Address::of_peer(owner.socket.get()).text(), first.address.text());
}

TEST_F(Dialing, NamesTheFirstOfSeveralErrors) {
    const Wall wall;
    Owner owner(*ring);
    dial(owner, {wall.address, Address()});  // the second is no address at all
    EXPECT_EQ(owner.error, -ECONNREFUSED);
}

TEST_F(Dialing, ToNoAddressIsAnsweredToo) {
    Owner owner(*ring);
    dial(owner, {});
    EXPECT_EQ(owner.error, -EINVAL);
}

TEST_F(Dialing, ClosedWhileConnectingJoinsFirst) {
    const Door door;
    ASSERT_EQ(listen(door.socket.get(), 0), 0);
    Owner first(*ring);
    dial(first, {door.address});  // fills the backlog; who comes next is not answered
    ASSERT_TRUE(first.socket);
    Owner second(*ring);
    second.dialer->start({door.address});
    for (int turns = 0; turns < 20; ++turns) {
        ASSERT_EQ(ring->turn(false), 0);
    }
    ASSERT_EQ(second.answers, 0);
    second.dialer->close();
    EXPECT_EQ(second.answers, 0) << "answered inside close()";
    turn_until([&] { return !second.dialer; });
    EXPECT_EQ(second.error, -ECANCELED);
}

TEST_F(Dialing, ClosedAtOnceHandsOverNothing) {
    const Door door;
    Owner owner(*ring);
    owner.dialer->start({door.address});
    owner.dialer->close();
    turn_until([&] { return !owner.dialer; });
    EXPECT_FALSE(owner.socket);
    EXPECT_EQ(owner.error, -ECANCELED);
}

const Address& somewhere() {
    static const Address address = *Address::parse("192.0.2.1", 80);
    return address;
}

TEST(DialerTime, IsLimitedForAllAddressesTogether) {
    FakeRing fake;
    fake.kernel.connect_results = {-EHOSTUNREACH};
    Owner owner(fake.ring);
    owner.dialer->start({somewhere(), somewhere(), somewhere()});
    fake.turn();
    fake.kernel.pass_ms(Dialer::kTimeLimitMs - 100);
    fake.turn();
    EXPECT_EQ(owner.answers, 0);
    fake.kernel.pass_ms(200);
    fake.turn_until([&] { return !owner.dialer; });
    EXPECT_EQ(owner.error, -ETIMEDOUT);
    EXPECT_EQ(fake.kernel.pending(), 0U);
}

TEST(DialerTime, DoesNotEndADialThatIsConnected) {
    FakeRing fake;
    Owner owner(fake.ring);
    owner.dialer->start({somewhere()});
    fake.turn();
    ASSERT_TRUE(fake.kernel.complete(IORING_OP_CONNECT, 0));
    fake.kernel.pass_ms(Dialer::kTimeLimitMs + 1);
    fake.turn_until([&] { return !owner.dialer; });
    EXPECT_TRUE(owner.socket);
}

TEST(DialerSeeds, AnswersOnceWithNothingArmed) {
    for_each_seed(300, [](std::uint64_t seed) {
        Dice dice(seed);
        FakeRing fake(seed, Faults::many());
        for (std::size_t count = dice.between(0, 3); count > 0; --count) {
            fake.kernel.connect_results.push_back(dice.chance(30) ? 0 : -ECONNREFUSED);
        }
        Owner owner(fake.ring);
        owner.dialer->start(std::vector<Address>(dice.between(0, 3), somewhere()));
        for (std::size_t turns = dice.between(0, 6); turns > 0; --turns) {
            ASSERT_NO_FATAL_FAILURE(fake.turn());
        }
        const bool closed = dice.chance(50) && owner.answers == 0;
        if (closed) {
            owner.dialer->close();
        } else {
            fake.kernel.pass_ms(Dialer::kTimeLimitMs + 1);
        }
        fake.turn_until([&] { return !owner.dialer; });
        ASSERT_EQ(owner.answers, 1);
        ASSERT_EQ(owner.socket.get() >= 0, owner.error == 0);
        ASSERT_FALSE(closed && owner.socket) << "a socket for one that had given up";
        ASSERT_EQ(fake.kernel.pending(), 0U);
    });
}

}  // namespace
}  // namespace portreeve::uring::test
