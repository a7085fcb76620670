#include "ssh/patterns.h"

#include <gmock/gmock.h>

namespace portreeve::ssh {
namespace {

using ::testing::HasSubstr;

TEST(Glob, StarsAndQuestionMarks) {
    EXPECT_TRUE(glob_matches("", ""));
    EXPECT_FALSE(glob_matches("", "a"));
    EXPECT_TRUE(glob_matches("abc", "abc"));
    EXPECT_FALSE(glob_matches("abc", "abcd"));
    EXPECT_FALSE(glob_matches("abcd", "abc"));
    EXPECT_FALSE(glob_matches("abc", "ABC"));
    EXPECT_TRUE(glob_matches("*", ""));
    EXPECT_TRUE(glob_matches("**", "anything"));
    EXPECT_FALSE(glob_matches("?", ""));
    EXPECT_TRUE(glob_matches("?", "a"));
    EXPECT_FALSE(glob_matches("?", "ab"));
    EXPECT_TRUE(glob_matches("a*c", "ac"));
    EXPECT_TRUE(glob_matches("a*c", "abcbc"));
    EXPECT_FALSE(glob_matches("a*c", "abcb"));
    EXPECT_TRUE(glob_matches("*.b?*", "a.b.bc"));
    EXPECT_FALSE(glob_matches("*?b*?", "ab"));
    EXPECT_TRUE(glob_matches("*?b*?", "abc"));
    EXPECT_TRUE(glob_matches("*ab*ab", "abababab"));
    EXPECT_FALSE(glob_matches("[ab]", "a"));
}

// Tried in every way, this one would take longer than the universe has.
TEST(Glob, ManyStarsTakeNoTime) {
    std::string pattern;
    for (int i = 0; i < 100; ++i) {
        pattern += "a*";
    }
    EXPECT_FALSE(glob_matches(pattern + "b", std::string(250, 'a')));
    EXPECT_TRUE(glob_matches(pattern, std::string(250, 'a')));
}

TEST(AddressList, AddressesAndNetworks) {
    EXPECT_TRUE(address_in_list("192.0.2.1", "192.0.2.1"));
    EXPECT_FALSE(address_in_list("192.0.2.1", "192.0.2.11"));
    EXPECT_TRUE(address_in_list("10.0.0.0/8", "10.255.0.1"));
    EXPECT_FALSE(address_in_list("10.0.0.0/8", "11.0.0.1"));
    EXPECT_TRUE(address_in_list("192.0.2.128/25", "192.0.2.129"));
    EXPECT_FALSE(address_in_list("192.0.2.128/25", "192.0.2.127"));
    EXPECT_TRUE(address_in_list("192.0.2.1/32", "192.0.2.1"));
    EXPECT_FALSE(address_in_list("192.0.2.1/32", "192.0.2.0"));
    EXPECT_TRUE(address_in_list("0.0.0.0/0", "203.0.113.9"));
    EXPECT_TRUE(address_in_list("2001:db8::/32", "2001:db8:ffff::1"));
    EXPECT_FALSE(address_in_list("2001:db8::/32", "2001:db9::1"));
    EXPECT_TRUE(address_in_list("2001:db8:0:0::1", "2001:DB8::1"));
    EXPECT_TRUE(address_in_list("2001:db8::/33", "2001:db8:7fff::"));
    EXPECT_FALSE(address_in_list("2001:db8::/33", "2001:db8:8000::"));
    EXPECT_TRUE(address_in_list("192.0.2.1,10.0.0.0/8,::1", "::1"));
}

TEST(AddressList, GlobsMatchTheTextOfTheAddress) {
    EXPECT_TRUE(address_in_list("192.0.2.*", "192.0.2.77"));
    EXPECT_FALSE(address_in_list("192.0.2.*", "192.0.20.7"));
    EXPECT_TRUE(address_in_list("192.0.2.?", "192.0.2.7"));
    EXPECT_FALSE(address_in_list("192.0.2.?", "192.0.2.77"));
    EXPECT_TRUE(address_in_list("*", "192.0.2.7"));
    EXPECT_TRUE(address_in_list("*", "2001:db8::1"));
    EXPECT_TRUE(address_in_list("2001:DB8:*", "2001:0db8:0::1"));
    EXPECT_FALSE(address_in_list("*.example.com", "192.0.2.7"));
}

TEST(AddressList, WhatIsNegatedDeniesWhateverElseMatches) {
    EXPECT_FALSE(address_in_list("10.0.0.0/8,!10.1.0.0/16", "10.1.2.3"));
    EXPECT_FALSE(address_in_list("!10.1.0.0/16,10.0.0.0/8", "10.1.2.3"));
    EXPECT_TRUE(address_in_list("!10.1.0.0/16,10.0.0.0/8", "10.2.2.3"));
    EXPECT_FALSE(address_in_list("*,!10.1.2.?", "10.1.2.3"));
    // Only excluded, never included.
    EXPECT_FALSE(address_in_list("!10.1.0.0/16", "192.0.2.1"));
}

TEST(AddressList, Ipv4InIpv6ClothesIsIpv4) {
    EXPECT_TRUE(address_in_list("192.0.2.0/24", "::ffff:192.0.2.1"));
    EXPECT_TRUE(address_in_list("::ffff:192.0.2.0/120", "192.0.2.1"));
    EXPECT_FALSE(address_in_list("::ffff:192.0.2.0/120", "192.0.3.1"));
    EXPECT_TRUE(address_in_list("192.0.2.*", "::FFFF:c000:0201"));
    EXPECT_FALSE(address_in_list("::/0", "192.0.2.1"));
    EXPECT_FALSE(address_in_list("0.0.0.0/0", "::1"));
    EXPECT_FALSE(address_in_list("*,!192.0.2.0/24", "::ffff:192.0.2.1"));
}

TEST(AddressList, TheInterfaceOfALinkLocalAddressIsNoPartOfIt) {
    EXPECT_TRUE(address_in_list("fe80::/10", "fe80::1%eth0"));
    EXPECT_TRUE(address_in_list("fe80::1", "fe80::1%eth0"));
}

TEST(AddressList, ABadListLetsNobodyIn) {
    for (const char* bad :
         {"", ",", "10.1.2.3,", ",10.1.2.3", "10.1.2.3,!", "10.1.2.3,10.1.2.3/8",
          "10.1.2.3,10.0.0.0/33", "10.1.2.3,10.0.0.0/", "10.1.2.3,10.0.0.0/8/8",
          "10.1.2.3,10.0.0.0/-8", "10.1.2.3,10.0.0.0/8x", "10.1.2.3,name/8", "10.1.2.3,::/129",
          "10.1.2.3,2001:db8::1/32", "10.1.2.3,::ffff:0:0/90", "10.1.2.3,/8"}) {
        EXPECT_FALSE(address_in_list(bad, "10.1.2.3")) << bad;
        EXPECT_TRUE(why_bad_address_list(bad, false)) << bad;
        EXPECT_TRUE(why_bad_address_list(bad, true)) << bad;
    }
}

TEST(AddressList, WhatIsNoAddressIsInNoList) {
    for (const char* odd :
         {"", "gate.example.com", "10.1.2", "10.1.2.3/32", "10.1.2.3 ", "010.1.2.3"}) {
        EXPECT_FALSE(address_in_list("*", odd)) << odd;
    }
    EXPECT_FALSE(address_in_list("*", std::string("10.1.2.3\0", 9)));
    EXPECT_FALSE(address_in_list("*", std::string(1000, '1')));
}

TEST(AddressList, AGoodListIsNotComplainedOf) {
    for (const char* good : {"10.1.2.3", "10.0.0.0/8,!10.1.2.3", "*", "10.*", "?.?.?.?", "2001:*",
                             "dead*", "*.1", "::1,!fe80::/10", "*,!gate.example.com"}) {
        EXPECT_EQ(why_bad_address_list(good, false), std::nullopt) << good;
    }
    for (const char* good : {"10.1.2.3", "10.0.0.0/8,2001:db8::/32", "::ffff:10.0.0.0/104"}) {
        EXPECT_EQ(why_bad_address_list(good, true), std::nullopt) << good;
    }
}

TEST(AddressList, NamesCouldNeverMatch) {
    for (const char* name : {"gate.example.com", "*.example.com", "localhost", "10.1", "cafe",
                             "*.de", "10.1.2.300", "fe80::1%eth0", "10.1.2.3,host"}) {
        EXPECT_THAT(why_bad_address_list(name, false).value_or(""), HasSubstr("could never match"))
            << name;
    }
}

TEST(AddressList, CertificatesKnowNoGlobsAndNoNegation) {
    for (const char* bad : {"10.*", "*", "!10.1.2.3", "10.0.0.0/8,!10.1.2.3", "name"}) {
        EXPECT_TRUE(why_bad_address_list(bad, true)) << bad;
    }
}

TEST(AddressList, EntriesAreBoundedAndShownShort) {
    EXPECT_EQ(why_bad_address_list(std::string(kPatternBytesMax, '*'), false), std::nullopt);
    const std::string why =
        why_bad_address_list(std::string(kPatternBytesMax + 1, '*'), false).value_or("");
    EXPECT_THAT(why, HasSubstr("longer than 255"));
    EXPECT_LT(why_bad_address_list(std::string(kPatternBytesMax, 'x'), false)->size(), 300U);
}

}  // namespace
}  // namespace portreeve::ssh
