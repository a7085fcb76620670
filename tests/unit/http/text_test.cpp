// The quick ways of looking at text, against the slow ones that say what they mean.
#include "daemon/http/text.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "tests/unit/uring/seeds.h"

namespace portreeve::http::test {
namespace {

// Every byte at every place among harmless ones of several lengths.
template <class Check>
void at_every_place(Check check) {
    for (int byte = 0; byte < 256; ++byte) {
        for (std::size_t size = 1; size <= 20; ++size) {
            for (std::size_t at = 0; at < size; ++at) {
                std::string text(size, 'a');
                text[at] = static_cast<char>(byte);
                check(text, static_cast<unsigned char>(byte));
            }
        }
    }
}

TEST(Letters, OfFieldsAreNoControlCharactersButTabs) {
    at_every_place([](const std::string& text, unsigned char byte) {
        const bool is_good = byte == '\t' || (byte >= 0x20 && byte != 0x7f);
        ASSERT_EQ(is_field_text(text), is_good) << int{byte} << " in " << text.size();
    });
    EXPECT_TRUE(is_field_text(""));
    EXPECT_TRUE(is_field_text("\t\t\t\t\t\t\t\t\t"));
    EXPECT_FALSE(is_field_text("\t\t\t\t\t\t\t\x01\t"));
}

TEST(Letters, OfWhatIsAskedForArePrintableAscii) {
    at_every_place([](const std::string& text, unsigned char byte) {
        ASSERT_EQ(is_uri_text(text), byte > 0x20 && byte < 0x7f && byte != '#')
            << int{byte} << " in " << text.size();
    });
}

TEST(Letters, OfWordsAreTheTokensOfTheStandard) {
    const std::string_view others = "!#$%&'*+-.^_`|~";
    for (int byte = 0; byte < 256; ++byte) {
        const char c = static_cast<char>(byte);
        const bool is_good = is_digit(c) || is_letter(c) || others.find(c) != others.npos;
        EXPECT_EQ(is_token_char(c), is_good) << byte;
    }
    EXPECT_FALSE(is_token(""));
    EXPECT_TRUE(is_token("a-b"));
    EXPECT_FALSE(is_token("a b"));
}

TEST(Letters, AreCheckedAlikeInRandomText) {
    uring::test::for_each_seed(2000, [](std::uint64_t seed) {
        uring::test::Dice dice(seed);
        const std::string text = dice.text(dice.between(0, 24));
        const auto bad = [](char c) {
            const auto byte = static_cast<unsigned char>(c);
            return byte != '\t' && (byte < 0x20 || byte == 0x7f);
        };
        ASSERT_EQ(is_field_text(text), std::none_of(text.begin(), text.end(), bad));
    });
}

TEST(Words, AreComparedWithoutCase) {
    EXPECT_TRUE(is_word("Keep-ALIVE", "keep-alive"));
    EXPECT_FALSE(is_word("keep-alive", "keep-alives"));
    EXPECT_FALSE(is_word("keep-alivex", "keep-alive"));
    EXPECT_FALSE(
        is_word("keep\x0d"
                "alive",
                "keep-alive"));
    EXPECT_EQ(trimmed(" \t a b\t "), "a b");
    EXPECT_EQ(trimmed(" \t"), "");
}

TEST(Numbers, AreDigitsAlone) {
    std::uint64_t number = 0;
    EXPECT_TRUE(read_number("0", number));
    EXPECT_EQ(number, 0U);
    EXPECT_TRUE(read_number("9999999999999999999", number));
    EXPECT_EQ(number, 9999999999999999999U);
    for (const std::string_view text :
         {"", " 1", "1 ", "+1", "-1", "0x1", "10000000000000000000"}) {
        EXPECT_FALSE(read_number(text, number)) << text;
    }
    EXPECT_EQ(hex_digit('a'), 10);
    EXPECT_EQ(hex_digit('F'), 15);
    EXPECT_EQ(hex_digit('7'), 7);
    EXPECT_EQ(hex_digit('g'), -1);
    EXPECT_EQ(hex_digit('@'), -1);
}

std::vector<std::string> elements(std::string_view list) {
    std::vector<std::string> made;
    for (std::string_view element; next_element(list, element);) {
        made.emplace_back(element);
    }
    return made;
}

TEST(Lists, ArePartedAtCommas) {
    EXPECT_EQ(elements("a"), std::vector<std::string>({"a"}));
    EXPECT_EQ(elements(" a ,\tb,, c"), std::vector<std::string>({"a", "b", "", "c"}));
    EXPECT_EQ(elements("a,"), std::vector<std::string>({"a", ""}));
    EXPECT_EQ(elements(","), std::vector<std::string>({"", ""}));
    EXPECT_EQ(elements(""), std::vector<std::string>({""}));
    EXPECT_EQ(elements(std::string_view()), std::vector<std::string>());
}

}  // namespace
}  // namespace portreeve::http::test
