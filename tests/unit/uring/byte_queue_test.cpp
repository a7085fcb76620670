// The queue against a string that does the same, and what a send in flight relies on.
#include "uring/byte_queue.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "tests/unit/uring/seeds.h"

namespace portreeve::uring::test {
namespace {

std::span<const std::byte> bytes(const std::string& text) {
    return std::as_bytes(std::span(text));
}

std::string text_of(std::span<const iovec> pieces) {
    std::string text;
    for (const iovec& piece : pieces) {
        text.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
    }
    return text;
}

TEST(ByteQueue, AgreesWithAStringOnRandomUse) {
    for_each_seed(100, [](std::uint64_t seed) {
        Dice dice(seed);
        SlabPool pool;
        ByteQueue queue(pool);
        std::string model;
        for (int step = 0; step < 200; ++step) {
            if (dice.chance(50)) {
                const std::size_t most = dice.chance(20) ? 3 * SlabPool::kSlabBytes : 300;
                const std::string more = dice.text(dice.between(0, most));
                queue.append(bytes(more));
                model += more;
            } else {
                const std::size_t count = dice.between(0, model.size());
                queue.consume(count);
                model.erase(0, count);
            }
            ASSERT_EQ(queue.size(), model.size());
            ASSERT_EQ(queue.empty(), model.empty());
            std::array<iovec, 4> pieces{};
            const std::size_t used = queue.gather(pieces);
            const std::string head = text_of(std::span(pieces).first(used));
            ASSERT_EQ(model.compare(0, head.size(), head), 0);
            ASSERT_TRUE(head.size() == model.size() || used == pieces.size());
            for (const iovec& piece : std::span(pieces).first(used)) {
                ASSERT_GT(piece.iov_len, 0U);  // an empty piece could make a send of nothing
            }
        }
    });
}

TEST(ByteQueue, KeepsGatheredBytesInPlaceWhileMoreIsAppended) {
    SlabPool pool;
    ByteQueue queue(pool);
    std::string sent;
    for (int i = 0; i < 5; ++i) {
        sent += std::string(9000, static_cast<char>('a' + i));
    }
    queue.append(bytes(sent));
    std::array<iovec, 16> pieces{};
    const std::size_t used = queue.gather(pieces);
    for (int i = 0; i < 50; ++i) {
        queue.append(bytes(std::string(5000, 'z')));
    }
    EXPECT_EQ(text_of(std::span(pieces).first(used)), sent);
    std::array<iovec, 1> first{};
    ASSERT_EQ(queue.gather(first), 1U);
    EXPECT_EQ(first[0].iov_base, pieces[0].iov_base);
}

TEST(ByteQueue, HoldsNoSlabWhileEmpty) {
    SlabPool pool;
    ByteQueue queue(pool);
    queue.append(bytes("x"));
    std::array<iovec, 1> piece{};
    ASSERT_EQ(queue.gather(piece), 1U);
    const void* const place = piece[0].iov_base;
    queue.consume(1);
    EXPECT_EQ(queue.gather(piece), 0U);
    // Given back: the next who asks gets that very slab, and gets it clean.
    ByteQueue other(pool);
    other.append(bytes("yy"));
    ASSERT_EQ(other.gather(piece), 1U);
    EXPECT_EQ(piece[0].iov_base, place);
    EXPECT_EQ(piece[0].iov_len, 2U);
}

TEST(ByteQueue, GivesItsSlabsBackWhenCleared) {
    SlabPool pool;
    ByteQueue queue(pool);
    queue.append(bytes(std::string(100'000, 'q')));
    queue.clear();
    EXPECT_TRUE(queue.empty());
    EXPECT_EQ(queue.size(), 0U);
    queue.append(bytes("again"));
    std::array<iovec, 2> pieces{};
    EXPECT_EQ(text_of(std::span(pieces).first(queue.gather(pieces))), "again");
}

TEST(SlabPool, KeepsNoMoreThanItsBound) {
    SlabPool pool;
    std::vector<SlabPool::Slab*> slabs;
    for (std::size_t i = 0; i < SlabPool::kCachedMax + 10; ++i) {
        slabs.push_back(pool.take());
    }
    for (SlabPool::Slab* slab : slabs) {
        pool.give_back(slab);
    }
    EXPECT_EQ(pool.cached(), SlabPool::kCachedMax);
}

}  // namespace
}  // namespace portreeve::uring::test
