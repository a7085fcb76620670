#include "daemon/http/first_bytes.h"

#include <gtest/gtest.h>

#include <string>

namespace portreeve::http::test {
namespace {

// Of the bytes, after more were wanted for each of their beginnings, or as soon as it was known.
Protocol told(std::string_view bytes) {
    Protocol seen = Protocol::need_more;
    for (std::size_t size = 0; size <= bytes.size() && seen == Protocol::need_more; ++size) {
        seen = classify(bytes.substr(0, size));
    }
    EXPECT_EQ(classify(bytes), seen) << bytes;
    return seen;
}

TEST(FirstBytes, TellTheProtocol) {
    EXPECT_EQ(told("SSH-2.0-OpenSSH_9.2\r\n"), Protocol::ssh);
    EXPECT_EQ(told("SSH-"), Protocol::ssh);
    EXPECT_EQ(told("\x16\x03\x01\x02"), Protocol::tls);
    EXPECT_EQ(told("\x16\x03\x04"), Protocol::tls);
    EXPECT_EQ(told("GET / HTTP/1.1\r\n"), Protocol::http);
    EXPECT_EQ(told("SEARCH /"), Protocol::http);
    EXPECT_EQ(told("SSH /"), Protocol::http);
    EXPECT_EQ(told("PROPFIND /"), Protocol::http);
    EXPECT_EQ(told("PRI /"), Protocol::http);
    EXPECT_EQ(told("x "), Protocol::http);
    EXPECT_EQ(told("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), Protocol::http2);
}

TEST(FirstBytes, MayNotSuffice) {
    for (const std::string_view bytes :
         {"", "S", "SSH", "\x16", "\x16\x03", "GET", "PRI * HTTP", "P"}) {
        EXPECT_EQ(told(bytes), Protocol::need_more) << bytes;
    }
    EXPECT_EQ(told(std::string(32, 'A')), Protocol::need_more);
}

TEST(FirstBytes, MayBeOfNothingThatIsServed) {
    for (const std::string_view bytes : {"\x16\x02", "\x16\x03\x05", "\x16\x03\xff", "\x15\x03\x01",
                                         " GET /", "\r\n", "GET\t/", "SSH\n", "\x80", "1 "}) {
        EXPECT_EQ(told(bytes), Protocol::unknown) << bytes;
    }
    EXPECT_EQ(told(std::string(33, 'A') + " /"), Protocol::unknown);
    EXPECT_EQ(told(std::string(32, 'A') + " /"), Protocol::http);
    EXPECT_EQ(told(std::string_view("\0", 1)), Protocol::unknown);
}

}  // namespace
}  // namespace portreeve::http::test
