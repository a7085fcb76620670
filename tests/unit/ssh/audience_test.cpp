#include "ssh/audience.h"

#include <gmock/gmock.h>

namespace portreeve::ssh {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kKey = "SHA256:p2QAMXNIC1TJYWeIOttrVc98/R1BUFWu3/LiyKgUfQM";

TEST(Audience, IsKeysAndGroupsOrAnyone) {
    const auto some = Audience::parse(std::string(kKey) + ",ops,the-others_2");
    ASSERT_TRUE(some) << some.error();
    EXPECT_FALSE(some->anyone);
    EXPECT_THAT(some->members, ElementsAre(kKey, "ops", "the-others_2"));
    EXPECT_EQ(some->text(), std::string(kKey) + ",ops,the-others_2");
    const auto all = Audience::parse("any");
    ASSERT_TRUE(all);
    EXPECT_TRUE(all->anyone);
    EXPECT_EQ(all->text(), "any");
}

TEST(Audience, IsNothingElse) {
    for (const char* text : {"", ",", "ops,", "two words", "SHA256:short", "ops;dev", "../x",
                             "SHA256:p2QAMXNIC1TJYWeIOttrVc98/R1BUFWu3/LiyKgUfQM=", "a\nb"}) {
        const auto made = Audience::parse(text);
        ASSERT_FALSE(made) << text;
        EXPECT_THAT(made.error(), HasSubstr("SHA256:"));
    }
}

TEST(Audience, HasABound) {
    std::string many = "g";
    for (std::size_t count = 1; count < Audience::kMembersMax; ++count) {
        many += ",g";
    }
    EXPECT_TRUE(Audience::parse(many));
    EXPECT_FALSE(Audience::parse(many + ",g"));
}

TEST(Audience, GrowsByWhatItHasNot) {
    Audience who = *Audience::parse("ops");
    who.add(*Audience::parse("ops,dev"));
    EXPECT_THAT(who.members, ElementsAre("ops", "dev"));
    EXPECT_FALSE(who.anyone);
    who.add(*Audience::parse("any"));
    EXPECT_TRUE(who.anyone);
}

}  // namespace
}  // namespace portreeve::ssh
