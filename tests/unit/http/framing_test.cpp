// The cases of RFC 9112, section 6.3, are in the corpus; here is what it cannot say: the numbers.
#include "daemon/http/framing.h"

#include "tests/unit/http/messages.h"

namespace portreeve::http::test {
namespace {

TEST(Framings, OfRequestsAreNoneOrLengthOrChunked) {
    EXPECT_EQ(framing_of(get("").head()), Framing{});
    EXPECT_EQ(framing_of(get("Content-Length: 0\r\n").head()), Framing{});
    EXPECT_EQ(framing_of(get("Content-Length: 00012\r\n").head()),
              (Framing{Framing::Kind::length, 12}));
    EXPECT_EQ(framing_of(get("Transfer-Encoding: chunked\r\n").head()),
              Framing{Framing::Kind::chunked});
}

TEST(Framings, OfResponsesDependOnWhatTheyAnswer) {
    const auto response = answer("Content-Length: 12\r\n");
    EXPECT_EQ(framing_of(response.head(), "GET"), (Framing{Framing::Kind::length, 12}));
    EXPECT_EQ(framing_of(response.head(), "HEAD"), Framing{});
    EXPECT_EQ(framing_of(response.head(), "head"), (Framing{Framing::Kind::length, 12}));
    EXPECT_EQ(framing_of(answer("").head(), "POST"), Framing{Framing::Kind::until_close});
    EXPECT_EQ(framing_of(answer("", "HTTP/1.1 204").head(), "GET"), Framing{});
}

TEST(Framings, AreRefusedWithTheStatusOfWhoeverIsToBlame) {
    const std::string both = "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n";
    const std::string other = "Transfer-Encoding: gzip, chunked\r\n";
    EXPECT_EQ(framing_of(get(both).head()).error().status, 400);
    EXPECT_EQ(framing_of(get(other).head()).error().status, 501);
    EXPECT_EQ(framing_of(answer(both).head(), "GET").error().status, 502);
    EXPECT_EQ(framing_of(answer(other).head(), "GET").error().status, 502);
    EXPECT_EQ(framing_of(answer(both).head(), "GET").error().why,
              "both Transfer-Encoding and Content-Length are there");
}

}  // namespace
}  // namespace portreeve::http::test
