#include "daemon/http/label.h"

#include <gtest/gtest.h>

#include <set>

namespace portreeve::http::test {
namespace {

TEST(Labels, AreLettersDigitsAndHyphens) {
    for (const std::string_view label :
         {"a", "blog", "Blog", "a-b", "1", "123", "a--b", "xn--bcher-kva", "XN--BCHER-KVA"}) {
        EXPECT_TRUE(is_label(label)) << label;
    }
    EXPECT_TRUE(is_label(std::string(63, 'a')));
    for (const std::string_view label : {"", "-", "-a", "a-", "a_b", "a.b", "a b", "\xc3\xbc",
                                         "a\n", "ab--c", "a---b", "xn-", "yn--a", "*"}) {
        EXPECT_FALSE(is_label(label)) << label;
    }
    EXPECT_FALSE(is_label(std::string(64, 'a')));
    EXPECT_FALSE(is_label(std::string_view("a\0", 2)));
}

TEST(Labels, OfTheOperatorAreReserved) {
    for (const std::string_view label : {"www", "WWW", "www2", "www123", "api", "admin", "Mail",
                                         "abuse", "wpad", "localhost", "webmaster", "acme"}) {
        EXPECT_TRUE(is_reserved(label)) << label;
    }
    for (const std::string_view label :
         {"", "blog", "app", "wwwx", "www-2", "ww", "apis", "ap", "dev", " ", "api auth"}) {
        EXPECT_FALSE(is_reserved(label)) << label;
    }
}

TEST(DerivedLabels, StayTheSame) {
    // Whoever changes one of these changes everybody's address.
    EXPECT_EQ(derived_label("SHA256:fingerprint", "alice"), "natihe-zagede");
    EXPECT_EQ(derived_label("SHA256:fingerprint", "alice", 1), "nasinu-tejuri");
    EXPECT_EQ(derived_label("SHA256:fingerprint", "bob"), "vufini-vazari");
    EXPECT_NE(derived_label("a", "bc"), derived_label("ab", "c"));
}

TEST(DerivedLabels, AreLabelsAndRarelyTheSame) {
    std::set<std::string> seen;
    std::set<char> letters;
    constexpr int kOwners = 10'000;
    for (int owner = 0; owner < kOwners; ++owner) {
        const auto label = derived_label("SHA256:" + std::to_string(owner), "alice");
        ASSERT_EQ(label.size(), 13U);
        ASSERT_TRUE(is_label(label) && !is_reserved(label)) << label;
        ASSERT_EQ(label[6], '-');
        letters.insert(label.begin(), label.end());
        seen.insert(label);
    }
    EXPECT_GE(seen.size(), kOwners - 2);
    EXPECT_EQ(std::string(letters.begin(), letters.end()), "-abdefghijkmnprstuvwz");
    seen.clear();
    for (std::uint32_t attempt = 0; attempt < 1000; ++attempt) {
        seen.insert(derived_label("SHA256:fingerprint", "alice", attempt));
    }
    EXPECT_EQ(seen.size(), 1000U);
}

}  // namespace
}  // namespace portreeve::http::test
