// What happened, as a line for people.
#include "daemon/news_text.h"

#include <gtest/gtest.h>

#include "daemon/news.h"

namespace portreeve::daemon {
namespace {

using Json = nlohmann::ordered_json;

TunnelEntry pc42() {
    TunnelEntry tunnel;
    tunnel.name = "pc42";
    tunnel.address = "127.0.0.1";
    tunnel.port = 20001;
    tunnel.client = "192.0.2.7:4022";
    return tunnel;
}

std::string line(const News& news) {
    return line_of(Json::parse(news.text));
}

TEST(NewsText, OfATunnel) {
    EXPECT_EQ(line(news_of(TunnelNews{conf::EventKind::up, pc42(), nullptr, {}}, 0)),
              "1970-01-01T00:00:00Z  up       pc42 (tcp 127.0.0.1:20001) from 192.0.2.7:4022");
    const Refusal lost{"lost", "the client closed the connection"};
    TunnelEntry restored = pc42();
    restored.client.clear();
    EXPECT_EQ(line(news_of(TunnelNews{conf::EventKind::held, restored, &lost, {}}, 0)),
              "1970-01-01T00:00:00Z  held     pc42 (tcp 127.0.0.1:20001): "
              "the client closed the connection (lost)");
    const Refusal taken{"taken_over", "taken over"};
    TunnelEntry name = pc42();
    name.kind = LeaseKind::name;
    name.address = "pc42";
    name.port = 22;
    EXPECT_EQ(line(news_of(TunnelNews{conf::EventKind::taken, name, &taken, "192.0.2.6:1"}, 0)),
              "1970-01-01T00:00:00Z  taken    pc42 (private pc42:22) from 192.0.2.7:4022, "
              "was 192.0.2.6:1: taken over (taken_over)");
}

TEST(NewsText, OfARefusal) {
    const Refusal no{"port_privileged", "port 80 is privileged"};
    EXPECT_EQ(
        line(news_of(RefusalNews{"forward", no, "192.0.2.7:1", "alice", "SHA256:x", ":80"}, 0)),
        "1970-01-01T00:00:00Z  refused  forward :80 of alice from 192.0.2.7:1: "
        "port 80 is privileged (port_privileged)");
    EXPECT_EQ(line(news_of(RefusalNews{"connection", no, "192.0.2.7:1", {}, {}, {}}, 0)),
              "1970-01-01T00:00:00Z  refused  connection from 192.0.2.7:1: "
              "port 80 is privileged (port_privileged)");
}

TEST(NewsText, OfWhatWasLost) {
    EXPECT_EQ(line_of(Json::parse(lost_line(3, 0))),
              "1970-01-01T00:00:00Z  lost     3 events: more happened at once than can be told");
}

TEST(NewsText, CommandsNoTerminal) {
    TunnelEntry tunnel = pc42();
    tunnel.name = "a\x1b[2J\n";
    EXPECT_EQ(line(news_of(TunnelNews{conf::EventKind::up, tunnel, nullptr, {}}, 0)),
              "1970-01-01T00:00:00Z  up       a?[2J? (tcp 127.0.0.1:20001) from 192.0.2.7:4022");
}

TEST(NewsText, BearsWhatItDoesNotKnow) {
    EXPECT_EQ(line_of({{"event", "sunrise"}, {"time", "today"}, {"tunnel", 3}}), "today  sunrise");
    EXPECT_EQ(line_of({{"event", 1}, {"sentence", "hm"}}), "           hm");
    EXPECT_EQ(line_of(Json::object()), "");
}

}  // namespace
}  // namespace portreeve::daemon
