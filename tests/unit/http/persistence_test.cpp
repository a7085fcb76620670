#include "daemon/http/persistence.h"

#include "tests/unit/http/messages.h"

namespace portreeve::http::test {
namespace {

constexpr Framing kNone{Framing::Kind::none};
constexpr Framing kChunked{Framing::Kind::chunked};
constexpr Framing kUntilClose{Framing::Kind::until_close};

bool keeps_visitor_of(std::string_view lines, std::string_view version, const Framing& framing) {
    const auto request = get(lines, "GET / HTTP/" + std::string(version));
    return keeps_visitor(request.head().version, request.head().connection, framing);
}

TEST(Persistence, OfVisitorsIsAsTheyWishAndAsTheBodyAllows) {
    EXPECT_TRUE(keeps_visitor_of("", "1.1", kNone));
    EXPECT_TRUE(keeps_visitor_of("", "1.1", kChunked));
    EXPECT_TRUE(keeps_visitor_of("Connection: keep-alive\r\n", "1.1", kNone));
    EXPECT_TRUE(keeps_visitor_of("Connection: keep-alive\r\n", "1.0", kNone));
    EXPECT_FALSE(keeps_visitor_of("", "1.0", kNone));
    EXPECT_FALSE(keeps_visitor_of("Connection: close\r\n", "1.1", kNone));
    EXPECT_FALSE(keeps_visitor_of("Connection: keep-alive, close\r\n", "1.0", kNone));
    EXPECT_FALSE(keeps_visitor_of("", "1.1", kUntilClose));
    EXPECT_FALSE(keeps_visitor_of("Connection: keep-alive\r\n", "1.0", kChunked));
}

bool keeps_target_of(std::string_view lines, std::string_view first, const Framing& framing) {
    return keeps_target(answer(lines, first).head(), framing);
}

TEST(Persistence, OfTargetsIsWhereTheNextResponseIsBeyondDoubt) {
    Framing doubtful;
    doubtful.is_doubtful = true;
    EXPECT_TRUE(keeps_target_of("", "HTTP/1.1 200 OK", kNone));
    EXPECT_TRUE(keeps_target_of("Connection: keep-alive\r\n", "HTTP/1.0 200 OK", kNone));
    EXPECT_FALSE(keeps_target_of("", "HTTP/1.0 200 OK", kNone));
    EXPECT_FALSE(keeps_target_of("Connection: Close\r\n", "HTTP/1.1 200 OK", kNone));
    EXPECT_FALSE(keeps_target_of("", "HTTP/1.1 200 OK", kUntilClose));
    EXPECT_FALSE(keeps_target_of("", "HTTP/1.1 204 No Content", doubtful));
    EXPECT_FALSE(keeps_target_of("", "HTTP/1.1 101 Switching Protocols", kNone));
}

std::string asked(std::string_view lines, std::string_view version = "1.1") {
    return std::string(asked_protocols(get(lines, "GET / HTTP/" + std::string(version)).head()));
}

TEST(Upgrades, AreAskedForByBothFields) {
    EXPECT_EQ(asked("Connection: Upgrade\r\nUpgrade: websocket\r\n"), "websocket");
    EXPECT_EQ(asked("Connection: keep-alive, upgrade\r\nUpgrade: a/1, b\r\n"), "a/1, b");
    EXPECT_EQ(asked("Upgrade: websocket\r\n"), "");
    EXPECT_EQ(asked("Connection: Upgrade\r\n"), "");
    EXPECT_EQ(asked("Connection: Upgrade\r\nUpgrade: websocket\r\n", "1.0"), "");
    EXPECT_EQ(asked("Connection: Upgrade\r\nUpgrade: a\r\nUpgrade: b\r\n"), "");
}

TEST(Upgrades, ToHttp2AreNotPassedOn) {
    EXPECT_EQ(asked("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"), "");
    EXPECT_EQ(asked("Connection: Upgrade\r\nUpgrade: websocket, H2C\r\n"), "");
    EXPECT_EQ(asked("Connection: Upgrade\r\nUpgrade: h2\r\n"), "");
}

bool switches(std::string_view lines, std::string_view wanted, std::string_view status = "101") {
    return switches_protocol(answer(lines, "HTTP/1.1 " + std::string(status)).head(), wanted);
}

TEST(Upgrades, AreAnsweredByOneThatWasAskedFor) {
    const std::string_view websocket = "Connection: Upgrade\r\nUpgrade: WebSocket\r\n";
    EXPECT_TRUE(switches(websocket, "websocket"));
    EXPECT_TRUE(switches(websocket, "other, websocket"));
    EXPECT_FALSE(switches(websocket, "other"));
    EXPECT_FALSE(switches(websocket, ""));
    EXPECT_FALSE(switches(websocket, "websocket", "200"));
    EXPECT_FALSE(switches("Upgrade: websocket\r\n", "websocket"));
    EXPECT_FALSE(switches("Connection: Upgrade\r\n", "websocket"));
    EXPECT_FALSE(switches("Connection: Upgrade\r\nUpgrade:\r\n", "websocket"));
    EXPECT_FALSE(switches("Connection: Upgrade\r\nUpgrade: websocket, other\r\n", "websocket"));
}

}  // namespace
}  // namespace portreeve::http::test
