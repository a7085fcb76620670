// What waits for [events] command: in which order, how much of it, and what becomes of the rest.
#include "daemon/news_queue.h"

#include <gmock/gmock.h>
#include <poll.h>

#include <string>
#include <vector>

namespace portreeve::daemon {
namespace {

using conf::EventKind;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class NewsQueueTest : public ::testing::Test {
  protected:
    NewsQueueTest() { queue_.want({EventKind::up, EventKind::held, EventKind::refused}); }

    void tell(EventKind kind, const std::string& id, std::size_t name_bytes = 2) {
        TunnelEntry tunnel;
        tunnel.id = id;
        tunnel.name = std::string(name_bytes, 'n');
        queue_.tell(TunnelNews{kind, tunnel, nullptr, {}});
    }
    void refuse(std::uint32_t count, const std::string& host = "192.0.2.1") {
        const Source source(*uring::Address::parse(host, 1));
        for (std::uint32_t number = 0; number < count; ++number) {
            queue_.tell(RefusalNews{"connection", {"penalty", "no"}, host, {}, {}, {}}, source,
                        now_ms_);
        }
    }
    // A minute's refusals, of as many sources as it takes.
    void flood() {
        for (std::uint32_t number = 0; number < NewsQueue::kRefusals.lines; ++number) {
            refuse(1, "198.51.100." + std::to_string(number));
        }
    }
    // The subjects of all that may be taken, with `busy` ones left where they are.
    std::vector<std::string> take(const std::string& busy = "nobody") {
        std::vector<std::string> taken;
        while (auto news =
                   queue_.take([&](const std::string& subject) { return subject == busy; })) {
            taken.push_back(news->subject);
        }
        return taken;
    }
    [[nodiscard]] bool woken() const {
        pollfd ready{queue_.descriptor(), POLLIN, 0};
        return ::poll(&ready, 1, 0) == 1;
    }

    NewsQueue queue_;
    std::int64_t now_ms_ = 1'000'000;
};

TEST_F(NewsQueueTest, GivesTheOldestFirst) {
    EXPECT_TRUE(queue_.empty());
    EXPECT_FALSE(woken());
    tell(EventKind::up, "a");
    tell(EventKind::up, "b");
    tell(EventKind::held, "c");
    EXPECT_FALSE(queue_.empty());
    EXPECT_TRUE(woken());
    EXPECT_THAT(take(), ElementsAre("a", "b", "c"));
    EXPECT_TRUE(queue_.empty());
}

TEST_F(NewsQueueTest, PassesOverWhatIsBusy) {
    for (const char* id : {"a", "a", "b", "a", "c"}) {
        tell(EventKind::up, id);
    }
    EXPECT_THAT(take("a"), ElementsAre("b", "c"));
    EXPECT_THAT(take(), ElementsAre("a", "a", "a"));
}

TEST_F(NewsQueueTest, KeepsOnlyWhatIsWanted) {
    EXPECT_TRUE(queue_.wants(EventKind::up));
    EXPECT_FALSE(queue_.wants(EventKind::down));
    tell(EventKind::down, "a");
    tell(EventKind::up, "b");
    tell(EventKind::held, "c");
    refuse(1);
    queue_.want({EventKind::held});
    EXPECT_FALSE(queue_.wants(EventKind::up));
    EXPECT_THAT(take(), ElementsAre("c"));
    EXPECT_EQ(queue_.take_lost().full, 0U) << "it was not wanted any more";
}

TEST_F(NewsQueueTest, HasABoundAndCountsWhatIsBeyond) {
    constexpr std::size_t kBig = NewsQueue::kBytesMax / 8;  // twice in each: as the name, and above
    for (int number = 0; number < 10; ++number) {
        tell(EventKind::up, std::to_string(number), kBig);
    }
    tell(EventKind::up, "small");
    const auto lost = queue_.take_lost();
    const auto taken = take();
    EXPECT_EQ(lost.full + taken.size(), 11U);
    EXPECT_GE(taken.size(), 3U);
    EXPECT_LE(taken.size(), 5U);
    EXPECT_EQ(taken.back(), "small") << "what is small finds room";
    EXPECT_EQ(queue_.take_lost().full, 0U) << "told once";
    tell(EventKind::up, "again", kBig);
    EXPECT_THAT(take(), ElementsAre("again")) << "there is room again";
}

TEST_F(NewsQueueTest, HasRoomAgainForWhatWasForgotten) {
    const auto fill = [&](EventKind kind) {
        for (int number = 0; number < 8; ++number) {
            tell(kind, "a", NewsQueue::kBytesMax / 8);
        }
        EXPECT_GT(queue_.take_lost().full, 0U);
    };
    fill(EventKind::up);
    queue_.want({EventKind::held});
    tell(EventKind::held, "b", NewsQueue::kBytesMax / 8);
    EXPECT_EQ(queue_.take_lost().full, 0U);
    fill(EventKind::held);
    const auto waiting = take().size();
    fill(EventKind::held);
    queue_.give_up();
    EXPECT_EQ(queue_.take_lost().full, waiting);
    EXPECT_TRUE(queue_.empty());
    tell(EventKind::held, "c", NewsQueue::kBytesMax / 8);
    EXPECT_THAT(take(), ElementsAre("c"));
}

TEST_F(NewsQueueTest, TakesAFewRefusalsOfASourceInAMinute) {
    refuse(100);
    EXPECT_EQ(take().size(), NewsQueue::kRefusals.lines_per_source);
    EXPECT_EQ(queue_.take_lost().flood, 100U - NewsQueue::kRefusals.lines_per_source);
    refuse(1);
    EXPECT_THAT(take(), IsEmpty());
    refuse(1, "192.0.2.2");
    EXPECT_EQ(take().size(), 1U);
    now_ms_ += Ration::kPeriodMs;
    refuse(1);
    EXPECT_EQ(take().size(), 1U);
}

TEST_F(NewsQueueTest, TakesSomeMoreRefusalsOfAll) {
    flood();
    refuse(3);
    EXPECT_EQ(take().size(), NewsQueue::kRefusals.lines);
    EXPECT_EQ(queue_.take_lost().flood, 3U);
}

TEST_F(NewsQueueTest, LeavesRoomForTunnelsWhateverIsRefused) {
    for (int minute = 0; minute < 20; ++minute) {
        flood();
        now_ms_ += Ration::kPeriodMs;
    }
    tell(EventKind::up, "a");
    EXPECT_EQ(queue_.take_lost().full, 19U * NewsQueue::kRefusals.lines);
    EXPECT_THAT(take(""), ElementsAre("a"));
    EXPECT_EQ(take().size(), NewsQueue::kRefusals.lines);
    flood();
    EXPECT_EQ(take().size(), NewsQueue::kRefusals.lines) << "there is room again";
}

}  // namespace
}  // namespace portreeve::daemon
