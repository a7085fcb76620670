// The objects that [events] command reads: docs/EVENTS.md promises their keys.
#include "daemon/news.h"

#include <gtest/gtest.h>

namespace portreeve::daemon {
namespace {

constexpr std::int64_t kNow = 1'767'225'600;

TunnelEntry tunnel() {
    TunnelEntry made;
    made.id = "0123456789abcdef";
    made.name = "pc42";
    made.port = 20'001;
    return made;
}

TEST(News, OfATunnelHasItsObject) {
    const News up = news_of(TunnelNews{conf::EventKind::up, tunnel(), nullptr, {}}, kNow);
    EXPECT_EQ(up.kind, conf::EventKind::up);
    EXPECT_EQ(up.subject, "0123456789abcdef");
    EXPECT_EQ(up.about, "pc42:20001");
    EXPECT_EQ(up.text, R"({"event":"up","time":"2026-01-01T00:00:00Z","tunnel":)" +
                           json_of(tunnel()) + "}\n");
}

TEST(News, SayWhy) {
    const Refusal why{"lost", "the \"line\"\nbroke \xff"};
    EXPECT_EQ(news_of(TunnelNews{conf::EventKind::held, tunnel(), &why, {}}, kNow).text,
              R"({"event":"held","time":"2026-01-01T00:00:00Z","code":"lost",)"
              R"("sentence":"the \"line\"\nbroke )"
              "\xef\xbf\xbd"
              R"(","tunnel":)" +
                  json_of(tunnel()) + "}\n");
}

TEST(News, OfATakeOverSayWhoHadIt) {
    const Refusal why{"taken_over", "taken"};
    EXPECT_EQ(
        news_of(TunnelNews{conf::EventKind::taken, tunnel(), &why, "192.0.2.1:4022"}, kNow).text,
        R"({"event":"taken","time":"2026-01-01T00:00:00Z","code":"taken_over",)"
        R"("sentence":"taken","former_client":"192.0.2.1:4022","tunnel":)" +
            json_of(tunnel()) + "}\n");
}

TEST(News, OfARefusalHaveNoSubjectOfTheirOwn) {
    const News refused = news_of(RefusalNews{"forward",
                                             {"port_not_allowed", "no"},
                                             "192.0.2.1:4022",
                                             "pc42",
                                             "SHA256:x",
                                             "localhost:80"},
                                 kNow);
    EXPECT_EQ(refused.kind, conf::EventKind::refused);
    EXPECT_EQ(refused.subject, "");
    EXPECT_EQ(refused.about, "192.0.2.1:4022");
    EXPECT_EQ(refused.text,
              R"({"event":"refused","time":"2026-01-01T00:00:00Z","code":"port_not_allowed",)"
              R"("sentence":"no","what":"forward","client":"192.0.2.1:4022","user":"pc42",)"
              R"("fingerprint":"SHA256:x","asked":"localhost:80"})"
              "\n");
}

}  // namespace
}  // namespace portreeve::daemon
