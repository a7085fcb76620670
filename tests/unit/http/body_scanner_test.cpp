// What the scanner is to a proxy: cheap, exact about the end, and able to take chunks away. Which
// chunks it refuses is in the corpus.
#include "daemon/http/body_scanner.h"

#include <gtest/gtest.h>

namespace portreeve::http::test {
namespace {

BodyScanner chunked() {
    return BodyScanner(Framing{Framing::Kind::chunked});
}

TEST(BodyScanners, AreSmall) {
    EXPECT_LE(sizeof(BodyScanner), 40U);
}

TEST(BodyScanners, LeaveWhatBelongsToTheNextMessage) {
    BodyScanner none;
    EXPECT_TRUE(none.is_done());
    EXPECT_EQ(none.take("GET"), 0U);

    BodyScanner length(Framing{Framing::Kind::length, 5});
    EXPECT_EQ(length.take("hel"), 3U);
    EXPECT_FALSE(length.is_done());
    EXPECT_EQ(length.take("loGET"), 2U);
    EXPECT_TRUE(length.is_done());
    EXPECT_EQ(length.take("GET"), 0U);

    BodyScanner chunks = chunked();
    EXPECT_EQ(chunks.take("5\r\nhello\r\n0\r\nX: y\r\n\r\nGET"), 21U);
    EXPECT_TRUE(chunks.is_done());
    EXPECT_EQ(chunks.take("GET"), 0U);
}

TEST(BodyScanners, EndWithTheConnectionWhereNothingElseSaysSo) {
    BodyScanner body(Framing{Framing::Kind::until_close});
    EXPECT_EQ(body.take("anything"), 8U);
    EXPECT_FALSE(body.is_done());
    EXPECT_TRUE(body.ends_at_close());
    EXPECT_FALSE(chunked().ends_at_close());
}

// HTTP/1.0 visitors get the content alone.
TEST(BodyScanners, TellContentFromChunks) {
    BodyScanner body = chunked();
    std::string_view left = "5;a=b\r\nhello\r\n6\r\n world\r\n0\r\nX: y\r\n\r\n";
    std::string content;
    while (!body.is_done()) {
        const auto piece = body.next(left);
        ASSERT_TRUE(piece);
        ASSERT_GT(piece->size_bytes, 0U);
        if (piece->is_content) {
            content += left.substr(0, piece->size_bytes);
        }
        left.remove_prefix(piece->size_bytes);
    }
    EXPECT_EQ(content, "hello world");
    EXPECT_TRUE(left.empty());
}

TEST(BodyScanners, WaitWhereThereAreNoBytes) {
    BodyScanner body = chunked();
    EXPECT_EQ(body.next("")->size_bytes, 0U);
    EXPECT_EQ(body.take(""), 0U);
    EXPECT_FALSE(body.is_done());
}

TEST(BodyScanners, CountEveryByteOfLargeChunks) {
    BodyScanner body = chunked();
    EXPECT_EQ(body.take("7fffffffffffffff\r\n"), 18U);
    const std::string megabyte(1024 * 1024, 'x');
    EXPECT_EQ(body.take(megabyte), megabyte.size());
    EXPECT_FALSE(body.is_done());
}

TEST(BodyScanners, BoundLinesByTheMessage) {
    const std::string longest = "1;" + std::string(BodyScanner::kChunkLineBytesMax - 2, 'a');
    BodyScanner body = chunked();
    // Each chunk may have such a line: the bound is not for all of them together.
    EXPECT_EQ(body.take(longest + "\r\nx\r\n"), longest.size() + 5);
    EXPECT_EQ(body.take(longest + "\r\nx\r\n"), longest.size() + 5);
    const auto taken = body.take(longest + "a\r\n");
    ASSERT_FALSE(taken);
    EXPECT_EQ(taken.error().why, "the lines around a body's chunks are too long");
}

}  // namespace
}  // namespace portreeve::http::test
