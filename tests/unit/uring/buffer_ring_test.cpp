// Every buffer is with the kernel or on loan, and comes back once.
#include "uring/buffer_ring.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <optional>
#include <string>

#include "tests/unit/uring/rings.h"

namespace portreeve::uring::test {
namespace {

constexpr std::uint16_t kGroup = 7;

struct Taker {
    Taker(Ring& ring, BufferRing& buffers) : ring_(ring), buffers_(buffers) {}
    void receive(int descriptor) { ring_.receive(op, descriptor, kGroup, 1000, false); }
    void received(Completion completion) {
        res = completion.res;
        if (completion.has_buffer()) {
            const BufferRing::Loan loan = buffers_.take(completion);
            text.append(reinterpret_cast<const char*>(loan.bytes().data()), loan.bytes().size());
        }
    }
    Ring& ring_;
    BufferRing& buffers_;
    int res = 1;
    std::string text;
    Op op = Op::to<&Taker::received>(this);
};

TEST(BufferRing, GivesEveryBufferToTheKernelOnce) {
    FakeRing fake;
    const auto buffers = BufferRing::make(fake.kernel, kGroup, {8, 64});
    ASSERT_TRUE(buffers.has_value());
    EXPECT_EQ(fake.kernel.buffers_free(kGroup), 8U);
    EXPECT_EQ((*buffers)->group(), kGroup);
    EXPECT_EQ((*buffers)->buffer_bytes(), 64U);
}

TEST(BufferRing, GetsEveryBufferBackOnceOverManyRounds) {
    for_each_seed(50, [](std::uint64_t seed) {
        FakeRing fake(seed, Faults::many());
        const auto buffers = BufferRing::make(fake.kernel, kGroup, {4, 16});
        ASSERT_TRUE(buffers.has_value());
        Taker taker(fake.ring, **buffers);
        FakeSocket& socket = fake.kernel.socket();
        std::string sent;
        for (int i = 0; i < 1000; ++i) {
            sent += static_cast<char>('a' + i % 26);
        }
        socket.input = sent;
        while (taker.text.size() < sent.size()) {
            if (!taker.op.armed()) {
                taker.receive(socket.number());
            }
            ASSERT_NO_FATAL_FAILURE(fake.turn());
            ASSERT_EQ(fake.kernel.buffers_lent(kGroup), 0U);
        }
        EXPECT_EQ(taker.text, sent);
    });
}

TEST(BufferRing, GetsBackTheBufferOfAnEndAndOfACancellation) {
    FakeRing fake;
    const auto buffers = BufferRing::make(fake.kernel, kGroup, {1, 16});
    ASSERT_TRUE(buffers.has_value());
    Taker taker(fake.ring, **buffers);
    FakeSocket& socket = fake.kernel.socket();
    for (const std::int32_t res : {0, -ECANCELED}) {
        taker.receive(socket.number());
        ASSERT_NO_FATAL_FAILURE(fake.turn());
        // The kernel takes the one buffer, and has nothing to put there.
        ASSERT_TRUE(fake.kernel.complete_with_buffer(IORING_OP_RECV, res, kGroup));
        ASSERT_EQ(fake.kernel.buffers_lent(kGroup), 1U);
        ASSERT_NO_FATAL_FAILURE(fake.turn());
        EXPECT_EQ(taker.res, res);
        EXPECT_EQ(fake.kernel.buffers_lent(kGroup), 0U);
    }
    EXPECT_EQ(taker.text, "");
}

TEST(BufferRing, ReportsWhatTheKernelRefuses) {
    FakeRing fake;
    const auto odd = BufferRing::make(fake.kernel, kGroup, {3, 64});
    ASSERT_FALSE(odd.has_value());
    EXPECT_EQ(odd.error(), -EINVAL);
    const auto first = BufferRing::make(fake.kernel, kGroup, {4, 64});
    const auto second = BufferRing::make(fake.kernel, kGroup, {4, 64});
    ASSERT_FALSE(second.has_value());
    EXPECT_EQ(second.error(), -EEXIST);
}

TEST(BufferRing, UnregistersItself) {
    FakeRing fake;
    { const auto gone = BufferRing::make(fake.kernel, kGroup, {4, 64}); }
    EXPECT_TRUE(BufferRing::make(fake.kernel, kGroup, {4, 64}).has_value());
}

}  // namespace
}  // namespace portreeve::uring::test
