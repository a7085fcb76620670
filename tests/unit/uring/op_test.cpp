// When an Op is armed, and what stops the program.
#include "uring/op.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/unit/uring/rings.h"

namespace portreeve::uring::test {
namespace {

struct Reader {
    explicit Reader(Ring& r) : ring(r) {}
    void read(int descriptor) {
        ring.read(op, descriptor, std::as_writable_bytes(std::span(&byte, 1)));
    }
    void done(Completion completion) {
        results.push_back(completion.res);
        armed_in_callback.push_back(op.armed());
        if (again_from >= 0) {
            read(std::exchange(again_from, -1));
        }
    }

    Ring& ring;
    char byte = 0;
    int again_from = -1;
    std::vector<int> results;
    std::vector<bool> armed_in_callback;
    Op op = Op::to<&Reader::done>(this);
};

TEST(Op, IsArmedFromSubmissionToItsTerminalCompletion) {
    FakeRing fake;
    Reader reader(fake.ring);
    FakeSocket& socket = fake.kernel.socket();
    EXPECT_FALSE(reader.op.armed());
    reader.read(socket.number());
    EXPECT_TRUE(reader.op.armed());
    fake.turn();
    EXPECT_TRUE(reader.op.armed());
    ASSERT_TRUE(fake.kernel.complete(IORING_OP_READ, 1, IORING_CQE_F_MORE));
    fake.turn();
    EXPECT_TRUE(reader.op.armed());
    ASSERT_TRUE(fake.kernel.complete(IORING_OP_READ, 0));
    fake.turn();
    EXPECT_FALSE(reader.op.armed());
    EXPECT_EQ(reader.results, (std::vector<int>{1, 0}));
    EXPECT_EQ(reader.armed_in_callback, (std::vector<bool>{true, false}));
}

TEST(Op, MayBeArmedAgainByItsOwnCallback) {
    FakeRing fake;
    Reader reader(fake.ring);
    FakeSocket& socket = fake.kernel.socket();
    socket.input = "ab";
    reader.again_from = socket.number();
    reader.read(socket.number());
    fake.turn_until([&] { return reader.results.size() == 2; });
    EXPECT_FALSE(reader.op.armed());
    EXPECT_EQ(reader.byte, 'b');
}

TEST(OpDeathTest, StopsTheProgramWhenDestroyedArmed) {
    EXPECT_EXIT(
        {
            FakeRing fake;
            Reader reader(fake.ring);
            reader.read(fake.kernel.socket().number());
        },
        ::testing::KilledBySignal(SIGABRT), "");
}

TEST(OpDeathTest, StopsTheProgramWhenSubmittedTwice) {
    EXPECT_EXIT(
        {
            FakeRing fake;
            Reader reader(fake.ring);
            const int descriptor = fake.kernel.socket().number();
            reader.read(descriptor);
            reader.read(descriptor);
            _exit(0);
        },
        ::testing::KilledBySignal(SIGABRT), "");
}

}  // namespace
}  // namespace portreeve::uring::test
