// When the status line is told, with a clock of the test's own.
#include "daemon/status_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/uring/rings.h"

namespace portreeve::daemon {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class StatusLineTest : public ::testing::Test, public StatusLine::Events {
  protected:
    StatusLineTest() { pass(10 * StatusLine::kPauseMs); }

    [[nodiscard]] std::string status() const override { return now; }
    void on_status_changed(const std::string& status) override { told.push_back(status); }
    void pass(std::int64_t ms) {
        home.kernel.pass_ms(ms);
        home.turn();
    }
    void become(const std::string& status) {
        now = status;
        line.look();
    }

    uring::test::FakeRing home{1};
    std::string now = "start";
    std::vector<std::string> told;
    StatusLine line{home.ring, *this};
};

TEST_F(StatusLineTest, IsToldAtOnceAfterAPause) {
    become("one");
    EXPECT_THAT(told, ElementsAre("one"));
}

TEST_F(StatusLineTest, IsToldOnceForManyChangesAndIsTrueInTheEnd) {
    EXPECT_EQ(line.tell(), "start");
    for (const char* status : {"one", "two", "three"}) {
        become(status);
    }
    pass(StatusLine::kPauseMs - 1);
    EXPECT_THAT(told, IsEmpty());
    pass(2);
    EXPECT_THAT(told, ElementsAre("three"));
}

TEST_F(StatusLineTest, IsNotToldWhenItIsAsBefore) {
    EXPECT_EQ(line.tell(), "start");
    become("one");
    become("start");
    pass(StatusLine::kPauseMs + 1);
    EXPECT_THAT(told, IsEmpty());
}

TEST_F(StatusLineTest, IsNotToldOnceStopped) {
    EXPECT_EQ(line.tell(), "start");
    become("one");
    line.stop();
    become("two");
    pass(StatusLine::kPauseMs + 1);
    EXPECT_THAT(told, IsEmpty());
}

}  // namespace
}  // namespace portreeve::daemon
