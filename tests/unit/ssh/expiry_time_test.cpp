#include "ssh/expiry_time.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <string>

namespace portreeve::ssh {
namespace {

// The time zone of a test's own, put back when it is over.
class Zone {
  public:
    explicit Zone(const char* name) {
        const char* before = std::getenv("TZ");
        had_ = before != nullptr;
        before_ = had_ ? before : "";
        ::setenv("TZ", name, 1);
        ::tzset();
    }
    Zone(const Zone&) = delete;
    Zone& operator=(const Zone&) = delete;
    Zone(Zone&&) = delete;
    Zone& operator=(Zone&&) = delete;
    ~Zone() {
        had_ ? ::setenv("TZ", before_.c_str(), 1) : ::unsetenv("TZ");
        ::tzset();
    }

  private:
    bool had_ = false;
    std::string before_;
};

TEST(ExpiryTime, InUtc) {
    EXPECT_EQ(parse_expiry_time("19700101Z"), 0);
    EXPECT_EQ(parse_expiry_time("20240229Z"), 1709164800);
    EXPECT_EQ(parse_expiry_time("202402291234Z"), 1709210040);
    EXPECT_EQ(parse_expiry_time("20240229123456Z"), 1709210096);
    EXPECT_EQ(parse_expiry_time("20240229123456z"), 1709210096);
    EXPECT_EQ(parse_expiry_time("20240229123456UTC"), 1709210096);
    EXPECT_EQ(parse_expiry_time("20380119031408Z"), 2147483648);
    EXPECT_EQ(parse_expiry_time("99991231235959Z"), 253402300799);
    EXPECT_EQ(parse_expiry_time("19691231235959Z"), -1);
}

// POSIX's own notation, so that no time zone database is needed: two hours east of Greenwich, three
// in summer.
TEST(ExpiryTime, InTheHostsZoneWithItsSummerTime) {
    const Zone zone("XST-2XDT,M3.5.0,M10.5.0");
    EXPECT_EQ(parse_expiry_time("20240115120000"), *parse_expiry_time("20240115100000Z"));
    EXPECT_EQ(parse_expiry_time("20240715120000"), *parse_expiry_time("20240715090000Z"));
    EXPECT_EQ(parse_expiry_time("20240115"), *parse_expiry_time("202401142200Z"));
}

TEST(ExpiryTime, WhatIsNoTime) {
    for (const char* bad : {"",
                            "Z",
                            "UTC",
                            "2024",
                            "202402",
                            "2024022",
                            "202402291",
                            "2024022912",
                            "20240229123",
                            "2024022912345",
                            "202402291234567",
                            "20230229",
                            "20240230Z",
                            "20240001",
                            "20241301",
                            "20240100",
                            "20240132",
                            "202402292400",
                            "202402291260",
                            "20240229123461",
                            "2024-02-29",
                            "2024 2 1",
                            "20240229+",
                            "20240229 Z",
                            "20240229ZZ",
                            "202402291x00",
                            "forever",
                            "+7d"}) {
        EXPECT_EQ(parse_expiry_time(bad), std::nullopt) << bad;
    }
}

}  // namespace
}  // namespace portreeve::ssh
