#include "ssh/permits.h"

#include <gmock/gmock.h>

namespace portreeve::ssh {
namespace {

using ::testing::HasSubstr;

ListenPattern listen(std::string_view text) {
    const auto made = ListenPattern::parse(text);
    EXPECT_TRUE(made) << text << ": " << (made ? "" : made.error());
    return made.value_or(ListenPattern{});
}

OpenPattern open(std::string_view text) {
    const auto made = OpenPattern::parse(text);
    EXPECT_TRUE(made) << text << ": " << (made ? "" : made.error());
    return made.value_or(OpenPattern{});
}

TEST(PermitListen, ABarePortIsOfAnyAddressButNoName) {
    const ListenPattern bare = listen("8080");
    for (const char* address : {"", "*", "localhost", "127.0.0.1", "::", "192.0.2.1"}) {
        EXPECT_TRUE(bare.matches(address, 8080, false)) << address;
        EXPECT_FALSE(bare.matches(address, 8081, false)) << address;
    }
    EXPECT_FALSE(bare.matches("blog", 8080, true));
    EXPECT_FALSE(listen("*").matches("blog", 80, true));
    EXPECT_TRUE(listen("*").matches("localhost", 80, false));
    EXPECT_TRUE(listen("*").matches("localhost", 0, false));
}

TEST(PermitListen, AHostOfStarIsAnything) {
    EXPECT_TRUE(listen("*:8080").matches("", 8080, false));
    EXPECT_TRUE(listen("*:8080").matches("blog", 8080, true));
    EXPECT_FALSE(listen("*:8080").matches("blog", 8081, true));
    EXPECT_TRUE(listen("*:*").matches("blog", 0, true));
}

TEST(PermitListen, HostsMatchAsTheClientWroteThem) {
    EXPECT_TRUE(listen("localhost:80").matches("localhost", 80, false));
    EXPECT_TRUE(listen("localhost:80").matches("LocalHost", 80, false));
    EXPECT_TRUE(listen("LocalHost:80").matches("localhost", 80, false));
    EXPECT_FALSE(listen("localhost:80").matches("127.0.0.1", 80, false));
    EXPECT_FALSE(listen("127.0.0.1:80").matches("localhost", 80, false));
    EXPECT_FALSE(listen("localhost:80").matches("", 80, false));
    EXPECT_TRUE(listen(":80").matches("", 80, false));
    EXPECT_FALSE(listen(":80").matches("localhost", 80, false));
    EXPECT_TRUE(listen("127.0.0.*:80").matches("127.0.0.5", 80, false));
}

TEST(PermitListen, NamesTakeGlobs) {
    EXPECT_TRUE(listen("blog:80").matches("Blog", 80, true));
    EXPECT_FALSE(listen("blog:80").matches("blogs", 80, true));
    EXPECT_TRUE(listen("alice-*:*").matches("alice-pc", 22, true));
    EXPECT_FALSE(listen("alice-*:*").matches("bob-pc", 22, true));
    EXPECT_TRUE(listen("pc?:22").matches("pc1", 22, true));
    EXPECT_FALSE(listen("pc?:22").matches("pc10", 22, true));
    EXPECT_TRUE(listen("[a:b]:80").matches("a:b", 80, true));
}

TEST(PermitListen, Ipv6IsWrittenInBrackets) {
    EXPECT_TRUE(listen("[::1]:80").matches("::1", 80, false));
    EXPECT_FALSE(listen("[::1]:80").matches("::2", 80, false));
    EXPECT_TRUE(listen("[2001:DB8:*]:80").matches("2001:db8::5", 80, false));
    EXPECT_TRUE(listen("[127.0.0.1]:80").matches("127.0.0.1", 80, false));
    EXPECT_THAT(ListenPattern::parse("::1:80").error(), HasSubstr("[::1]:PORT"));
}

TEST(PermitListen, Ranges) {
    const ListenPattern range = listen("localhost:20000-20999");
    EXPECT_FALSE(range.matches("localhost", 19999, false));
    EXPECT_TRUE(range.matches("localhost", 20000, false));
    EXPECT_TRUE(range.matches("localhost", 20999, false));
    EXPECT_FALSE(range.matches("localhost", 21000, false));
    EXPECT_FALSE(range.matches("127.0.0.1", 20000, false));
    EXPECT_FALSE(range.matches("localhost", 0, false));
    EXPECT_TRUE(listen("1-65535").matches("", 65535, false));
    EXPECT_TRUE(listen("80-80").matches("", 80, false));
}

TEST(PermitListen, PortZeroIsOneOfTheServersChoice) {
    EXPECT_TRUE(listen("0").matches("", 0, false));
    EXPECT_FALSE(listen("0").matches("", 1, false));
    EXPECT_TRUE(listen("localhost:0").matches("localhost", 0, false));
    EXPECT_FALSE(listen("80").matches("", 0, false));
}

TEST(PermitListen, OnlyNumbersNamePorts) {
    EXPECT_TRUE(listen("80").names_port(80));
    EXPECT_FALSE(listen("80").names_port(81));
    EXPECT_TRUE(listen("blog:1-100").names_port(80));
    EXPECT_FALSE(listen("blog:1-100").names_port(101));
    EXPECT_FALSE(listen("*").names_port(80));
    EXPECT_FALSE(listen("*").names_port(0));
    EXPECT_TRUE(listen("0").names_port(0));
}

TEST(PermitListen, WhatIsNotWellFormed) {
    for (
        const char* bad :
        {"",         "blog",      "http",          "65536", "-1",      "-",    "1-",      "-2",
         "2-1",      "0-5",       "1-65536",       "1-2-3", "80,81",   "8o",   " 80",     "+80",
         "blog:",    "blog:http", "localhost:80:", "[::1]", "[::1]80", "[::1", "[::1:80", "host/80",
         "/path:80", "**",        "99999999999"}) {
        EXPECT_FALSE(ListenPattern::parse(bad)) << bad;
    }
    EXPECT_TRUE(ListenPattern::parse(std::string(255, 'a') + ":80"));
    EXPECT_FALSE(ListenPattern::parse(std::string(256, 'a') + ":80"));
}

TEST(PermitOpen, HostsAreExactButForCase) {
    EXPECT_TRUE(open("db.example.com:5432").matches("db.example.com", 5432));
    EXPECT_TRUE(open("DB.example.com:5432").matches("db.Example.com", 5432));
    EXPECT_FALSE(open("db.example.com:5432").matches("db.example.com", 5433));
    EXPECT_FALSE(open("db.example.com:5432").matches("db2.example.com", 5432));
    EXPECT_FALSE(open("*.example.com:80").matches("db.example.com", 80));
    EXPECT_TRUE(open("[::1]:80").matches("::1", 80));
    EXPECT_FALSE(open("[::1]:80").matches("0:0::1", 80));
}

TEST(PermitOpen, StarsAreAny) {
    EXPECT_TRUE(open("*:80").matches("anything", 80));
    EXPECT_FALSE(open("*:80").matches("anything", 81));
    EXPECT_TRUE(open("pc:*").matches("pc", 65535));
    EXPECT_FALSE(open("pc:*").matches("mac", 22));
    EXPECT_TRUE(open("*:*").matches("anything", 1));
}

TEST(PermitOpen, WhatIsNotWellFormed) {
    for (const char* bad : {"", "80", "any", "none", "host", "host:", ":80", "[]:80", "host:0",
                            "host:80-90", "host:http", "host:65536", "::1:80", "[::1]", "a/b:80"}) {
        EXPECT_FALSE(OpenPattern::parse(bad)) << bad;
    }
}

}  // namespace
}  // namespace portreeve::ssh
