// Which sessions of an owner still answer, with a clock of the test's own.
#include "daemon/sibling_probe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/uring/rings.h"

namespace portreeve::daemon {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class SiblingProbeTest : public ::testing::Test, public SiblingProbe::Events {
  protected:
    void on_siblings_probed() override { ++over; }
    void pass(std::int64_t ms) {
        home.kernel.pass_ms(ms);
        home.turn();
    }

    uring::test::FakeRing home{1};
    const LeaseHolder one{nullptr, 1};
    const LeaseHolder two{nullptr, 2};
    int over = 0;
    SiblingProbe probe{home.ring, *this};
};

TEST_F(SiblingProbeTest, IsOverWhenAllHaveAnswered) {
    probe.start({one, two});
    probe.on_life(two);
    EXPECT_EQ(over, 0);
    probe.on_life(one);
    EXPECT_EQ(over, 1);
    EXPECT_THAT(probe.silent(), IsEmpty());
    pass(SiblingProbe::kWaitMs + 1);
    EXPECT_EQ(over, 1) << "said twice";
}

TEST_F(SiblingProbeTest, WaitsNoLongerThanItMay) {
    probe.start({one, two});
    probe.on_life(one);
    pass(SiblingProbe::kWaitMs - 1);
    EXPECT_EQ(over, 0);
    pass(2);
    EXPECT_EQ(over, 1);
    EXPECT_THAT(probe.silent(), ElementsAre(two));
}

TEST_F(SiblingProbeTest, BelievesAnAnswerThatComesLate) {
    probe.start({one});
    pass(SiblingProbe::kWaitMs + 1);
    probe.on_life(one);
    EXPECT_EQ(over, 1) << "said twice";
    EXPECT_THAT(probe.silent(), IsEmpty());
}

TEST_F(SiblingProbeTest, CallsNobodySilentForLong) {
    probe.start({one});
    pass(SiblingProbe::kWaitMs + 1);
    pass(SiblingProbe::kHoldsMs + 1);
    EXPECT_THAT(probe.silent(), IsEmpty());
}

TEST_F(SiblingProbeTest, SaysNothingOnceStopped) {
    probe.start({one});
    probe.stop();
    probe.on_life(one);
    pass(SiblingProbe::kWaitMs + 1);
    EXPECT_EQ(over, 0);
    EXPECT_THAT(probe.silent(), IsEmpty());
}

}  // namespace
}  // namespace portreeve::daemon
