// Which known word a mistyped one suggests, and when none is near enough.
#include "conf/nearest.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>

namespace portreeve::conf {

namespace {

constexpr std::array<std::string_view, 5> kKnown = {"keepalive", "listen", "sessions",
                                                    "sessions_per_ip", "ip"};

TEST(Nearest, FindsTheFewestEdits) {
    EXPECT_EQ(nearest("keepalve", kKnown), "keepalive");    // removed
    EXPECT_EQ(nearest("keeppalive", kKnown), "keepalive");  // inserted
    EXPECT_EQ(nearest("keepalibe", kKnown), "keepalive");   // replaced
    EXPECT_EQ(nearest("lisetn", kKnown), "listen");         // swapped: two edits
    EXPECT_EQ(nearest("session", kKnown), "sessions");
    EXPECT_EQ(nearest("session_per_ip", kKnown), "sessions_per_ip");
    EXPECT_EQ(nearest("Keep-Alive", kKnown), "keepalive");  // case is no edit
    EXPECT_EQ(nearest("KEEPALIVE", kKnown), "keepalive");
}

TEST(Nearest, SuggestsNothingThatIsFarOff) {
    EXPECT_EQ(nearest("hear", kKnown), "");
    EXPECT_EQ(nearest("keep", kKnown), "");
    EXPECT_EQ(nearest("", kKnown), "");
    EXPECT_EQ(nearest("x", kKnown), "");  // every letter replaced or added is no likeness
    EXPECT_EQ(nearest("io", kKnown), "ip");
    EXPECT_EQ(nearest("ox", kKnown), "");
    EXPECT_EQ(nearest("listen", {}), "");
    EXPECT_EQ(nearest(std::string(100'000, 'k'), kKnown), "");
}

TEST(Nearest, PrefersTheNearerToTheFirst) {
    constexpr std::array<std::string_view, 2> known = {"startups_per_ip", "sessions_per_ip"};
    EXPECT_EQ(nearest("sessionsper_ip", known), "sessions_per_ip");
    constexpr std::array<std::string_view, 2> turned = {"sessions_per_ip", "startups_per_ip"};
    EXPECT_EQ(nearest("sessionsper_ip", turned), "sessions_per_ip");
}

}  // namespace

}  // namespace portreeve::conf
