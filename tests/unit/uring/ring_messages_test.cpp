// Messages between rings: delivered in order, sent again when they must be, and never leaked.
//
// Three of these were bugs: a message to a ring that was not enabled yet vanished, one to a ring
// whose thread had ended was sent again for ever, and one that had not left the sender was leaked.
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <vector>

#include "tests/unit/uring/rings.h"

namespace portreeve::uring::test {
namespace {

// Counts its live copies, so that a leak and a double free both show.
class Token {
  public:
    explicit Token(int& alive) : alive_(&alive) { ++*alive_; }
    Token(Token&& other) noexcept : alive_(other.alive_) { ++*alive_; }
    Token(const Token&) = delete;
    Token& operator=(const Token&) = delete;
    Token& operator=(Token&&) = delete;
    ~Token() { --*alive_; }

  private:
    int* alive_;
};

struct Never {
    void done(Completion) {}
    Op op = Op::to<&Never::done>(this);
};

class RingMessages : public ::testing::Test {
  protected:
    void TearDown() override { EXPECT_EQ(alive_, 0) << "messages leaked, or destroyed twice"; }
    std::unique_ptr<Message> number(int n) {
        return make_message([this, n, token = Token(alive_)] { got_.push_back(n); });
    }
    int alive_ = 0;
    std::vector<int> got_;
};

TEST_F(RingMessages, ArriveInOrder) {
    FakeRing a(1);
    FakeRing b(2);
    for (int n = 0; n < 100; ++n) {
        a.ring.post(b.ring.descriptor(), number(n));
    }
    a.turn();
    b.turn();
    ASSERT_EQ(got_.size(), 100U);
    for (int n = 0; n < 100; ++n) {
        EXPECT_EQ(got_[static_cast<std::size_t>(n)], n);
    }
}

TEST_F(RingMessages, AreSentAgainWhileTheTargetHasNoRoom) {
    FakeRing a(1);
    FakeRing b(2, {.completion_entries = 4});
    for (int n = 0; n < 20; ++n) {
        a.ring.post(b.ring.descriptor(), number(n));
    }
    for (int turns = 0; got_.size() < 20; ++turns) {
        ASSERT_LT(turns, 100);
        a.turn();
        b.turn();
    }
    EXPECT_GE(a.ring.figures().resent_messages, 16U);
}

TEST_F(RingMessages, WaitForARingThatIsNotEnabledYet) {
    FakeRing a(1);
    auto kernel = std::make_unique<FakeKernel>(2);
    Ring b(std::move(kernel));
    a.ring.post(b.descriptor(), number(1));
    a.turn();
    a.turn();
    ASSERT_EQ(b.enable(), 0);
    a.turn();
    ASSERT_EQ(b.turn(false), 0);
    EXPECT_EQ(got_, std::vector<int>{1});
}

TEST_F(RingMessages, ToARingThatIsGoneAreDropped) {
    FakeRing a(1);
    std::optional<FakeRing> b(std::in_place, 2);
    const int gone = b->ring.descriptor();
    b.reset();
    a.ring.post(gone, number(1));
    a.turn();
    EXPECT_EQ(alive_, 0);
    EXPECT_EQ(a.ring.figures().resent_messages, 0U);
}

TEST_F(RingMessages, ToARingWhoseThreadHasEndedAreDropped) {
    FakeRing a(1);
    FakeRing b(2);
    b.kernel.refuse_messages = -EOWNERDEAD;
    a.ring.post(b.ring.descriptor(), number(1));
    a.turn();
    EXPECT_EQ(alive_, 0);
    EXPECT_EQ(a.ring.figures().resent_messages, 0U);
}

TEST_F(RingMessages, ThatArrivedAfterTheLastTurnAreFreedWithTheRing) {
    FakeRing a(1);
    {
        FakeRing b(2);
        a.ring.post(b.ring.descriptor(), number(1));
        a.turn();
        EXPECT_EQ(alive_, 1);
    }
    EXPECT_EQ(alive_, 0);
    EXPECT_TRUE(got_.empty());
}

TEST_F(RingMessages, ThatCameBackAfterTheLastTurnAreFreedWithTheRing) {
    FakeRing b(2);
    b.kernel.refuse_messages = -EOVERFLOW;
    {
        FakeRing a(1);
        a.ring.post(b.ring.descriptor(), number(1));
        ASSERT_EQ(a.kernel.submit(), 0);
    }
    EXPECT_EQ(alive_, 0);
}

TEST_F(RingMessages, ThatWereNotSubmittedAreSentOrFreedWithTheRing) {
    FakeRing b(2);
    {
        FakeRing a(1, {.submission_entries = 2, .completion_entries = 1});
        const Never never;
        for (int i = 0; i < 3; ++i) {  // nothing is taken any more
            a.ring.cancel(never.op);
            a.kernel.submit();
        }
        for (int n = 0; n < 5; ++n) {
            a.ring.post(b.ring.descriptor(), number(n));
        }
        EXPECT_EQ(alive_, 5);
    }
    b.turn();
    EXPECT_EQ(alive_, 0);
}

class OwnRingMessages : public RealRing {};

// Whoever sends need not ask whether the receiver lives on another thread.
TEST_F(OwnRingMessages, ArriveInALaterTurn) {
    int delivered = 0;
    ring->post(ring->descriptor(), make_message([&] { ++delivered; }));
    EXPECT_EQ(delivered, 0);
    turn_until([&] { return delivered == 1; });
}

}  // namespace
}  // namespace portreeve::uring::test
