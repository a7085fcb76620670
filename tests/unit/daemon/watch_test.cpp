// What those who watch are told, and when nothing is put together for them.
#include "daemon/watch.h"

#include <gmock/gmock.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/unit/uring/rings.h"

namespace portreeve::daemon {
namespace {

using conf::EventKind;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class WatchTest : public uring::test::RealRing, protected Watch::Events {
  protected:
    void SetUp() override {
        RealRing::SetUp();
        if (ring) {
            Watch::Events& self = *this;
            watch = std::make_unique<Watch>(*ring, queue, self);
            watch->open();
        }
    }
    void TearDown() override {
        if (watch && !idle) {
            watch->stop();
            turn_until([this] { return idle; });
        }
    }
    void on_news(std::string_view line) override {
        told.emplace_back(line);
        bytes_in_turn += line.size();
    }
    void on_watch_idle() override { idle = true; }

    void tell(const std::string& name, EventKind kind = EventKind::up) {
        TunnelEntry tunnel;
        tunnel.id = name;
        tunnel.name = name;
        queue.tell(TunnelNews{kind, tunnel, nullptr, {}});
    }
    void refuse(std::uint32_t count) {
        for (std::uint32_t number = 0; number < count; ++number) {
            queue.tell(RefusalNews{"login", {"unknown_key", "no"}, "192.0.2.1:1", {}, {}, {}},
                       Source(*uring::Address::parse("192.0.2.1", 1)), 1'000'000);
        }
    }
    void wait_told(std::size_t count) {
        turn_until([&] { return told.size() >= count; });
    }

    NewsQueue queue;
    std::unique_ptr<Watch> watch;
    std::vector<std::string> told;
    std::size_t bytes_in_turn = 0;
    bool idle = false;
};

TEST_F(WatchTest, TellsEveryKindInOrder) {
    watch->use(true);
    tell("a", EventKind::up);
    tell("a", EventKind::held);
    tell("a", EventKind::taken);
    tell("a", EventKind::down);
    refuse(1);
    wait_told(5);
    EXPECT_THAT(told, ElementsAre(HasSubstr(R"("event":"up")"), HasSubstr(R"("event":"held")"),
                                  HasSubstr(R"("event":"taken")"), HasSubstr(R"("event":"down")"),
                                  HasSubstr(R"("event":"refused")")));
}

TEST_F(WatchTest, WantsNothingWhileNobodyFollows) {
    EXPECT_FALSE(queue.wants(EventKind::up));
    watch->use(true);
    EXPECT_TRUE(queue.wants(EventKind::up));
    tell("a");
    watch->use(false);
    EXPECT_FALSE(queue.wants(EventKind::up));
    tell("b");
    watch->use(true);
    tell("c");
    wait_told(1);
    EXPECT_THAT(told, ElementsAre(HasSubstr(R"("name":"c")"))) << "what waited is forgotten";
}

TEST_F(WatchTest, TellsMuchInSeveralTurns) {
    watch->use(true);
    const std::string name(Watch::kBytesATurn / 8, 'n');  // twice in each
    constexpr std::size_t kCount = 16;
    for (std::size_t number = 0; number < kCount; ++number) {
        tell(name);
    }
    while (told.size() < kCount) {
        bytes_in_turn = 0;
        ASSERT_EQ(ring->turn(false), 0);
        EXPECT_LE(bytes_in_turn, Watch::kBytesATurn * 3 / 2);
    }
    EXPECT_THAT(told, SizeIs(kCount));
}

TEST_F(WatchTest, SaysHowManyWereLost) {
    watch->use(true);
    refuse(NewsQueue::kRefusals.lines_per_source);
    wait_told(NewsQueue::kRefusals.lines_per_source);
    told.clear();
    refuse(7);  // wakes nobody
    wait_told(1);
    EXPECT_THAT(told, ElementsAre(AllOf(HasSubstr(R"({"event":"lost","time":")"),
                                        HasSubstr(R"("events":7})"), ::testing::EndsWith("\n"))));
}

TEST_F(WatchTest, SaysNothingOfWhatWasLostBefore) {
    watch->use(true);
    refuse(100);
    watch->use(false);
    watch->use(true);
    tell("a");
    watch->stop();
    EXPECT_THAT(told, ElementsAre(HasSubstr(R"("name":"a")")));
}

TEST_F(WatchTest, TellsWhatWaitsBeforeItEnds) {
    watch->use(true);
    for (int number = 0; number < 8; ++number) {
        tell(std::string(Watch::kBytesATurn / 4, 'n'));
    }
    watch->stop();
    EXPECT_THAT(told, SizeIs(8));
    EXPECT_FALSE(watch->idle());
    turn_until([this] { return idle; });
    EXPECT_TRUE(watch->idle());
    EXPECT_FALSE(queue.wants(EventKind::up));
}

TEST_F(WatchTest, EndsWithNobodyThere) {
    watch->stop();
    turn_until([this] { return idle; });
    EXPECT_THAT(told, IsEmpty());
}

}  // namespace
}  // namespace portreeve::daemon
