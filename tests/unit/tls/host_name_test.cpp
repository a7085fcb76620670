#include "daemon/tls/host_name.h"

#include <gtest/gtest.h>

namespace portreeve::tls::test {
namespace {

TEST(HostName, HasOneForm) {
    EXPECT_EQ(host_name("Blog.Example"), "blog.example");
    EXPECT_EQ(host_name("blog.example."), "blog.example");
    EXPECT_EQ(host_name("a_b-c.1"), "a_b-c.1");
    EXPECT_EQ(host_name(std::string(253, 'a')), std::string(253, 'a'));
}

TEST(HostName, IsNotAnything) {
    for (const std::string text :
         {"", ".", "a..b", ".a", "a..", "a b", "*.a", "a:1", "a/b", "\xc3\xa4.a"}) {
        EXPECT_EQ(host_name(text), std::nullopt) << text;
    }
    EXPECT_EQ(host_name(std::string("a\0b", 3)), std::nullopt);
    EXPECT_EQ(host_name(std::string(254, 'a')), std::nullopt);
}

TEST(HostName, OfACertificateMayBeAWildcard) {
    EXPECT_EQ(certificate_name("*.Example"), "*.example");
    EXPECT_EQ(certificate_name("a.example"), "a.example");
    for (const char* text : {"*", "*.", "a*.example", "*a.example", "*.*.example", "a.*.example"}) {
        EXPECT_EQ(certificate_name(text), std::nullopt) << text;
    }
    EXPECT_EQ(wildcard_for("a.b.example"), "*.b.example");
    EXPECT_EQ(wildcard_for("example"), "");
}

TEST(HostName, IsTakenFromTheExtension) {
    const auto asked = [](std::string_view bytes) {
        const auto host = asked_host(bytes);
        return host.is_broken ? "broken" : "=" + host.name;
    };
    using std::literals::string_view_literals::operator""sv;
    EXPECT_EQ(asked("\0\x04\0\0\x01"
                    "A"sv),
              "=a");
    EXPECT_EQ(asked("\0\x0a\0\0\x07"
                    "1.2.3.4"sv),
              "=");
    EXPECT_EQ(asked(""sv), "broken");
    EXPECT_EQ(asked("\0"sv), "broken");
    EXPECT_EQ(asked("\0\0"sv), "broken");
    EXPECT_EQ(asked("\0\x05\0\0\x01"
                    "a"sv),
              "broken");
    EXPECT_EQ(asked("\0\x04\x01\0\x01"
                    "a"sv),
              "broken");
    EXPECT_EQ(asked("\0\x04\0\0\x02"
                    "a"sv),
              "broken");
    EXPECT_EQ(asked("\0\x03\0\0\0"sv), "broken");
}

}  // namespace
}  // namespace portreeve::tls::test
