// What a visitor gets to read.
#include "daemon/http/response_writer.h"

#include "tests/unit/http/messages.h"

namespace portreeve::http::test {
namespace {

std::string written(const Response& response, const ResponsePlan& plan = {},
                    std::string_view method = "GET") {
    std::string out;
    write_response(response.head(), framing_of(response.head(), method).value(), plan, out);
    return out;
}

constexpr ResponsePlan kOld{Version::v1_0, true};
constexpr ResponsePlan kLast{Version::v1_1, false};

TEST(ResponseWriter, WritesTheWholeHead) {
    const auto response = answer(
        "Server: x\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\n"
        "Set-Cookie: a\r\nSet-Cookie: b\r\nContent-Length: 005\r\nUpgrade: h2,h2c\r\n",
        "HTTP/1.0 404 Not Found");
    EXPECT_EQ(written(response),
              "HTTP/1.1 404 Not Found\r\n"
              "Server: x\r\n"
              "Set-Cookie: a\r\n"
              "Set-Cookie: b\r\n"
              "Content-Length: 5\r\n"
              "\r\n");
}

TEST(ResponseWriter, SaysWhenItCameWhereTheTargetDoesNot) {
    const ResponsePlan at{Version::v1_1, true, 784'111'777};
    EXPECT_EQ(
        written(answer("Content-Length: 0\r\n"), at),
        "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 0\r\n\r\n");
    EXPECT_EQ(written(answer("DATE: x\r\nContent-Length: 0\r\n"), at),
              "HTTP/1.1 200 OK\r\nDATE: x\r\nContent-Length: 0\r\n\r\n");
    EXPECT_EQ(written(answer("", "HTTP/1.1 100 Continue"), at), "HTTP/1.1 100 Continue\r\n\r\n");
}

TEST(ResponseWriter, TakesOutBlanksBeforeColons) {
    EXPECT_EQ(written(answer("A: 1\r\nB : 2\r\nC\t :3\r\nD:4\r\nE: 5\r\nContent-Length : 0\r\n")),
              "HTTP/1.1 200 OK\r\nA: 1\r\nB: 2\r\nC: 3\r\nD:4\r\nE: 5\r\n"
              "Content-Length: 0\r\n\r\n");
}

TEST(ResponseWriter, SaysWhatBecomesOfTheConnection) {
    const auto response = answer("Content-Length: 0\r\n", "HTTP/1.1 200");
    EXPECT_EQ(written(response), "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n");
    EXPECT_EQ(written(response, kLast),
              "HTTP/1.1 200 \r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(written(response, kOld),
              "HTTP/1.1 200 \r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n");
}

TEST(ResponseWriter, WritesChunksOnlyForThoseWhoReadThem) {
    const auto response = answer("Transfer-Encoding: Chunked\r\nTrailer: X\r\n");
    EXPECT_EQ(written(response),
              "HTTP/1.1 200 OK\r\nTrailer: X\r\nTransfer-Encoding: chunked\r\n\r\n");
    EXPECT_EQ(written(response, {Version::v1_0, false}),
              "HTTP/1.1 200 OK\r\nTrailer: X\r\nConnection: close\r\n\r\n");
}

TEST(ResponseWriter, KeepsTheLengthThatABodyWouldHave) {
    EXPECT_EQ(written(answer("Content-Length: 5\r\n"), {}, "HEAD"),
              "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    EXPECT_EQ(written(answer("Content-Length: 5\r\n", "HTTP/1.1 304 Not Modified")),
              "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n");
    EXPECT_EQ(written(answer("Transfer-Encoding: chunked\r\n"), {}, "HEAD"),
              "HTTP/1.1 200 OK\r\n\r\n");
}

TEST(ResponseWriter, WritesNoLengthWhereThereCanBeNoBody) {
    EXPECT_EQ(written(answer("Content-Length: 5\r\n", "HTTP/1.1 204 No Content")),
              "HTTP/1.1 204 No Content\r\n\r\n");
    EXPECT_EQ(written(answer("Content-Length: 0\r\n", "HTTP/1.1 204 No Content")),
              "HTTP/1.1 204 No Content\r\n\r\n");
}

TEST(ResponseWriter, SaysNothingOfTheConnectionInBetween) {
    EXPECT_EQ(written(answer("Connection: close\r\n", "HTTP/1.1 100 Continue"), kLast),
              "HTTP/1.1 100 Continue\r\n\r\n");
    EXPECT_EQ(written(answer("Link: x\r\n", "HTTP/1.1 103 Early Hints")),
              "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n");
}

TEST(ResponseWriter, PassesUpgradesOnWhereTheyMeanSomething) {
    const std::string fields = "Connection: Upgrade\r\nUpgrade: websocket\r\nX: y\r\n";
    EXPECT_EQ(written(answer(fields, "HTTP/1.1 101 Switching Protocols"), kLast),
              "HTTP/1.1 101 Switching Protocols\r\nX: y\r\n"
              "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    EXPECT_EQ(
        written(answer(fields + "Content-Length: 0\r\n", "HTTP/1.1 426 Upgrade Required"), kLast),
        "HTTP/1.1 426 Upgrade Required\r\nX: y\r\nContent-Length: 0\r\n"
        "Connection: Upgrade, close\r\nUpgrade: websocket\r\n\r\n");
    EXPECT_EQ(written(answer(fields + "Content-Length: 0\r\n")),
              "HTTP/1.1 200 OK\r\nX: y\r\nContent-Length: 0\r\n\r\n");
}

}  // namespace
}  // namespace portreeve::http::test
