#include "daemon/dns/answer.h"

#include <gmock/gmock.h>

#include <string>

namespace portreeve::dns {
namespace {

using ::testing::ElementsAre;
using namespace std::string_literals;

std::string number16(unsigned number) {
    return {static_cast<char>(number >> 8U), static_cast<char>(number & 0xFFU)};
}

std::string message(unsigned answers, const std::string& records) {
    return "\x12\x34\x81\x80"s + number16(1) + number16(answers) + number16(0) + number16(0) +
           "\4blog\4test\0"s + number16(16) + number16(1) + records;
}

// Of the name in the question.
std::string record(unsigned type, const std::string& ttl, const std::string& data,
                   unsigned of_class = 1) {
    return "\xc0\x0c" + number16(type) + number16(of_class) + ttl +
           number16(static_cast<unsigned>(data.size())) + data;
}

const std::string kMinute = "\0\0\0\x3c"s;
const std::string kSecond = "\0\0\0\1"s;

TxtAnswer read(const std::string& bytes) {
    // In memory of its own, so that a byte too far is seen.
    const std::vector<unsigned char> copy(bytes.begin(), bytes.end());
    return read_txt(copy);
}

LookupError::Kind error_of(const std::string& bytes) {
    const auto answer = read(bytes);
    EXPECT_FALSE(answer);
    return answer ? LookupError::Kind{} : answer.error().kind;
}

TEST(TxtAnswer, HasTheTextOfEachRecord) {
    const auto answer =
        read(message(2, record(16, kMinute, "\3abc\2de") + record(16, kMinute, "\0"s)));
    ASSERT_TRUE(answer);
    EXPECT_THAT(answer->records, ElementsAre("abcde", ""));
    EXPECT_EQ(answer->ttl_s, 60U);
}

TEST(TxtAnswer, HoldsAsLongAsTheShortestOnTheWayThere) {
    const auto alias = record(5, kSecond, "\5other\4test\0"s);
    const auto answer = read(message(2, alias + record(16, kMinute, "\3abc")));
    ASSERT_TRUE(answer);
    EXPECT_EQ(*answer, (Txt{{"abc"}, 1}));
}

TEST(TxtAnswer, DoesNotHoldForLongerThanTimeGoes) {
    const auto answer = read(message(1, record(16, "\x80\0\0\1"s, "\3abc")));
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->ttl_s, 0U);
}

TEST(TxtAnswer, PassesOverWhatWasNotAsked) {
    const auto other = record(46, kSecond, "signature") + record(16, kSecond, "\3abc", 3);
    const auto answer = read(message(3, other + record(16, kMinute, "\3def")));
    ASSERT_TRUE(answer);
    EXPECT_EQ(*answer, (Txt{{"def"}, 60}));
}

TEST(TxtAnswer, IsNoneWithAliasesAlone) {
    EXPECT_EQ(error_of(message(1, record(5, kMinute, "\5other\4test\0"s))),
              LookupError::Kind::no_data);
}

TEST(TxtAnswer, IsReadWholeOrNotAtAll) {
    const auto whole = message(2, record(16, kMinute, "\3abc") + record(16, kMinute, "\2de"));
    for (std::size_t bytes = 0; bytes < whole.size(); ++bytes) {
        EXPECT_EQ(error_of(whole.substr(0, bytes)), LookupError::Kind::server_failed) << bytes;
    }
    EXPECT_TRUE(read(whole + "more"));
    EXPECT_EQ(error_of(message(1, record(16, kMinute, "\4abc"))), LookupError::Kind::server_failed);
    EXPECT_EQ(error_of(message(1, "\xc0\x1b" + record(16, kMinute, "\3abc").substr(2))),
              LookupError::Kind::server_failed)
        << "a name that points at itself";
}

}  // namespace
}  // namespace portreeve::dns
