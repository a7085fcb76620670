#include "daemon/http/host.h"

#include <gtest/gtest.h>

namespace portreeve::http::test {
namespace {

std::string parsed(std::string_view text) {
    const auto host = Host::parse(text);
    return host ? std::string(host->name()) + " " + std::to_string(host->port()) : "none";
}

TEST(Hosts, HaveOneForm) {
    EXPECT_EQ(parsed("Blog.Example.COM"), "blog.example.com 0");
    EXPECT_EQ(parsed("blog.example.com."), "blog.example.com 0");
    EXPECT_EQ(parsed("blog.example.com.:8080"), "blog.example.com 8080");
    EXPECT_EQ(parsed("a_b-c:"), "a_b-c 0");
    EXPECT_EQ(parsed("[2001:DB8::0:1]:443"), "2001:db8::1 443");
    EXPECT_EQ(parsed("[::FFFF:192.0.2.1]"), "::ffff:192.0.2.1 0");
    EXPECT_TRUE(Host::parse("[::1]")->is_v6());
    EXPECT_FALSE(Host::parse("a")->is_v6());
}

TEST(Hosts, AreBounded) {
    const std::string label(63, 'a');
    const std::string longest = label + "." + label + "." + label + "." + std::string(61, 'b');
    EXPECT_EQ(parsed(longest), longest + " 0");
    EXPECT_EQ(parsed(longest + "."), longest + " 0");
    EXPECT_EQ(parsed(longest + "b"), "none");
    EXPECT_EQ(parsed(label + "a"), "none");
    EXPECT_EQ(parsed("a:65535"), "a 65535");
    for (const std::string_view text :
         {"",        ".",   ":80",     "a..", "a:0",  "a:65536", "a:-1", "a:99999999999999999999",
          "a:80:80", "a b", "a/b",     "a@b", "a%20", "*",       "[::1", "[::1]80",
          "[]",      "[1]", "[::1%1]", "::1"}) {
        EXPECT_EQ(parsed(text), "none") << text;
    }
    EXPECT_EQ(parsed(std::string_view("[::1\0]", 6)), "none");
    EXPECT_EQ(parsed("[" + std::string(46, ':') + "]"), "none");
    EXPECT_EQ(parsed("[0000:0000:0000:0000:0000:ffff:192.100.200.1]"), "::ffff:192.100.200.1 0");
}

}  // namespace
}  // namespace portreeve::http::test
