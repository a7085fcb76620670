#include "daemon/source.h"

#include <gtest/gtest.h>

namespace portreeve::daemon {
namespace {

Source source(const std::string& host, std::uint16_t port = 1) {
    return Source(*uring::Address::parse(host, port));
}

TEST(Source, OfAnIpv4AddressIsTheAddress) {
    EXPECT_EQ(source("192.0.2.1", 1), source("192.0.2.1", 2));
    EXPECT_NE(source("192.0.2.1"), source("192.0.2.2"));
    EXPECT_EQ(source("192.0.2.1").text(), "192.0.2.1");
    EXPECT_TRUE(source("192.0.2.1").is_v4());
}

TEST(Source, OfAnIpv6AddressIsItsNetwork) {
    EXPECT_EQ(source("2001:db8:1:2::3"), source("2001:db8:1:2:ffff:ffff:ffff:ffff"));
    EXPECT_NE(source("2001:db8:1:2::"), source("2001:db8:1:3::"));
    EXPECT_EQ(source("2001:db8:1:2::3").text(), "2001:db8:1:2::/64");
    EXPECT_FALSE(source("2001:db8:1:2::3").is_v4());
}

TEST(Source, OfAMappedAddressIsTheIpv4Address) {
    EXPECT_EQ(source("::ffff:192.0.2.1"), source("192.0.2.1"));
    EXPECT_EQ(source("::ffff:192.0.2.1").text(), "192.0.2.1");
}

TEST(Source, MayBeUnknownAndIsThenNoNetwork) {
    const Source unknown{uring::Address()};
    EXPECT_FALSE(unknown.known());
    EXPECT_TRUE(source("::").known());
    EXPECT_EQ(unknown, Source());
    EXPECT_NE(unknown, source("::"));
    EXPECT_EQ(unknown.text(), "unknown");
}

TEST(Source, KeepsTheWholeAddressForWhoAsks) {
    const auto bytes = address_bytes(*uring::Address::parse("2001:db8::7", 1));
    EXPECT_EQ(bytes[0], 0x20);
    EXPECT_EQ(bytes[15], 7);
    const auto v4 = address_bytes(*uring::Address::parse("192.0.2.7", 1));
    EXPECT_EQ(v4, address_bytes(*uring::Address::parse("::ffff:192.0.2.7", 1)));
}

}  // namespace
}  // namespace portreeve::daemon
