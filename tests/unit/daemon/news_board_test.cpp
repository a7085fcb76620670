// Who is told what: each of two queues gets what it wants, whatever the other does with its own.
#include "daemon/news_board.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "conf/values.h"

namespace portreeve::daemon {
namespace {

using conf::EventKind;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class NewsBoardTest : public ::testing::Test {
  protected:
    void tell(EventKind kind, const std::string& id) {
        TunnelEntry tunnel;
        tunnel.id = id;
        board_.tell(TunnelNews{kind, tunnel, nullptr, {}});
    }
    void refuse() {
        board_.tell(RefusalNews{"login", {"unknown_key", "no"}, "192.0.2.1:1", {}, {}, {}},
                    Source(*uring::Address::parse("192.0.2.1", 1)), 1'000'000);
    }
    static std::vector<std::string> take(NewsQueue& queue) {
        std::vector<std::string> taken;
        while (auto news = queue.take([](const std::string&) { return false; })) {
            taken.push_back(std::string(name_of(news->kind)) + " " + news->subject);
        }
        return taken;
    }

    NewsBoard board_;
};

TEST_F(NewsBoardTest, WantsWhatEitherWants) {
    EXPECT_FALSE(board_.wants(EventKind::up));
    board_.for_watch().want({EventKind::up});
    board_.for_command().want({EventKind::held});
    EXPECT_TRUE(board_.wants(EventKind::up));
    EXPECT_TRUE(board_.wants(EventKind::held));
    EXPECT_FALSE(board_.wants(EventKind::down));
}

TEST_F(NewsBoardTest, TellsEachWhatItWants) {
    board_.for_watch().want({EventKind::up, EventKind::down, EventKind::refused});
    board_.for_command().want({EventKind::down});
    tell(EventKind::up, "a");
    tell(EventKind::down, "a");
    refuse();
    EXPECT_THAT(take(board_.for_command()), ElementsAre("down a"));
    EXPECT_THAT(take(board_.for_watch()), ElementsAre("up a", "down a", "refused "));
}

TEST_F(NewsBoardTest, CountsForNobodyWhatItDoesNotWant) {
    board_.for_command().want({EventKind::refused});
    for (std::uint32_t number = 0; number <= NewsQueue::kRefusals.lines_per_source; ++number) {
        refuse();
    }
    EXPECT_EQ(board_.for_command().take_lost().flood, 1U);
    EXPECT_EQ(board_.for_watch().take_lost().flood, 0U);
    board_.for_watch().want({EventKind::refused});
    refuse();
    EXPECT_THAT(take(board_.for_watch()), ElementsAre("refused ")) << "it has its own ration";
}

TEST_F(NewsBoardTest, HasRoomForOneWhereTheOtherHasNone) {
    board_.for_watch().want({EventKind::up});
    board_.for_command().want({EventKind::up});
    TunnelEntry big;
    big.name = std::string(NewsQueue::kBytesMax / 4, 'n');  // twice in each
    for (int number = 0; number < 4; ++number) {
        board_.tell(TunnelNews{EventKind::up, big, nullptr, {}});
        take(board_.for_command());
    }
    EXPECT_EQ(board_.for_command().take_lost().full, 0U);
    EXPECT_GT(board_.for_watch().take_lost().full, 0U);
    EXPECT_THAT(take(board_.for_command()), IsEmpty());
}

}  // namespace
}  // namespace portreeve::daemon
