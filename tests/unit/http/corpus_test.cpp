// Every case of the corpus, in one piece, byte by byte, and cut at random.
#include <gtest/gtest.h>

#include <set>

#include "tests/unit/http/corpus.h"
#include "tests/unit/http/exchange.h"
#include "tests/unit/uring/seeds.h"

namespace portreeve::http::test {
namespace {

using Lines = std::vector<std::string>;
using uring::test::Dice;
using uring::test::for_each_seed;

Exchange exchange_of(const Case& example) {
    return example.is_response ? Exchange(example.methods) : Exchange();
}

// What is made of it if it comes in pieces of so many bytes as `pick()` says.
template <class Pick>
Lines cut(const Case& example, Pick pick) {
    Exchange exchange = exchange_of(example);
    std::string_view left = example.sent;
    while (!left.empty()) {
        const std::size_t size = std::min<std::size_t>(left.size(), pick());
        exchange.feed(left.substr(0, size));
        left.remove_prefix(size);
    }
    return exchange.finish();
}

TEST(Corpus, IsOfUse) {
    std::set<std::string> names;
    const auto cases = read_corpus();
    EXPECT_GE(cases.size(), 150U);
    for (const Case& example : cases) {
        SCOPED_TRACE(example.name);
        EXPECT_TRUE(names.insert(example.name).second) << "two cases have one name";
        EXPECT_FALSE(example.section.empty());
        EXPECT_FALSE(example.sent.empty());
        EXPECT_FALSE(example.expected.empty());
    }
}

TEST(Corpus, IsReadAsItSays) {
    for (const Case& example : read_corpus()) {
        SCOPED_TRACE(example.name + " (" + example.section + ")");
        EXPECT_EQ(cut(example, [&] { return example.sent.size(); }), example.expected);
    }
}

TEST(Corpus, IsReadTheSameByteByByte) {
    for (const Case& example : read_corpus()) {
        SCOPED_TRACE(example.name);
        EXPECT_EQ(cut(example, [] { return 1; }), example.expected);
    }
}

TEST(Corpus, IsReadTheSameInRandomPieces) {
    const auto cases = read_corpus();
    for_each_seed(50, [&cases](std::uint64_t seed) {
        Dice dice(seed);
        const std::size_t most = dice.between(2, 200);
        for (const Case& example : cases) {
            SCOPED_TRACE(example.name);
            EXPECT_EQ(cut(example, [&] { return dice.between(1, most); }), example.expected);
        }
    });
}

}  // namespace
}  // namespace portreeve::http::test
