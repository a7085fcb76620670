#include "daemon/http/proxy_protocol.h"

#include <gtest/gtest.h>

#include <arpa/inet.h>

namespace portreeve::http::test {
namespace {

using std::string_literals::operator""s;

Endpoint endpoint(const std::string& address, std::uint16_t port) {
    Endpoint made;
    made.port = port;
    const std::string mapped = address.find(':') == address.npos ? "::ffff:" + address : address;
    EXPECT_EQ(inet_pton(AF_INET6, mapped.c_str(), made.address.data()), 1);
    return made;
}

const Endpoints kV4{endpoint("192.0.2.1", 56324), endpoint("198.51.100.1", 443)};
const Endpoints kV6{endpoint("2001:db8::1", 1), endpoint("2001:db8::2", 65535)};

std::string text_of(const Endpoint& endpoint) {
    char text[INET6_ADDRSTRLEN]{};
    inet_ntop(AF_INET6, endpoint.address.data(), text, sizeof(text));
    return std::string(text) + " " + std::to_string(endpoint.port);
}

// What is made of the bytes; and of all their beginnings, that more are needed, or the same.
std::string parsed(const std::string& bytes) {
    std::string seen = "more";
    for (std::size_t size = 0; size <= bytes.size() && seen == "more"; ++size) {
        const auto header = parse_proxy_header(std::string_view(bytes).substr(0, size));
        if (!header) {
            seen = "refused";
        } else if (*header && (*header)->endpoints) {
            seen = text_of((*header)->endpoints->source) + " to " +
                   text_of((*header)->endpoints->destination) + ", " +
                   std::to_string((*header)->size_bytes);
        } else if (*header) {
            seen = "unknown, " + std::to_string((*header)->size_bytes);
        }
    }
    const auto whole = parse_proxy_header(bytes);
    EXPECT_EQ(!whole, seen == "refused") << bytes;
    EXPECT_EQ(whole && !*whole, seen == "more") << bytes;
    return seen;
}

TEST(ProxyProtocol, OfVersion1IsALine) {
    EXPECT_EQ(parsed("PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\nGET /"),
              "::ffff:192.0.2.1 56324 to ::ffff:198.51.100.1 443, 45");
    EXPECT_EQ(parsed("PROXY TCP6 2001:db8::1 2001:DB8:0::2 1 65535\r\n"),
              "2001:db8::1 1 to 2001:db8::2 65535, 46");
    EXPECT_EQ(parsed("PROXY UNKNOWN\r\n"), "unknown, 15");
    EXPECT_EQ(parsed("PROXY UNKNOWN ffff::1 ffff::2 1 2 whatever\r\n"), "unknown, 44");
    EXPECT_EQ(parsed("PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n"),
              "::ffff:0.0.0.0 0 to ::ffff:0.0.0.0 0, 32");
}

TEST(ProxyProtocol, OfVersion1IsStrict) {
    for (const std::string rest :
         {"TCP4 192.0.2.1 198.51.100.1 56324", "TCP4 192.0.2.1 198.51.100.1 56324 443 ",
          "TCP4 192.0.2.1 198.51.100.1 56324 443 1", "TCP4  192.0.2.1 198.51.100.1 56324 443",
          "TCP4 192.0.2.1 198.51.100.1 056324 443", "TCP4 192.0.2.1 198.51.100.1 56324 65536",
          "TCP4 192.0.2.1 198.51.100.1 -1 443", "TCP4 192.0.2.1 198.51.100.1 1 ",
          "TCP4 2001:db8::1 2001:db8::2 1 2", "TCP6 192.0.2.1 198.51.100.1 1 2",
          "TCP4 192.0.2.01 198.51.100.1 1 2", "TCP4 a.example b.example 1 2", "TCP4", "",
          "UDP4 192.0.2.1 198.51.100.1 1 2", "unknown", "UNKNOWNS",
          "TCP6 fe80::1%eth0 2001:db8::2 1 2"}) {
        EXPECT_EQ(parsed("PROXY " + rest + "\r\n"), "refused") << rest;
    }
    EXPECT_EQ(parsed("PROXY TCP4 192.0.2.1\0 198.51.100.1 1 2\r\n"s), "refused");
    EXPECT_EQ(parsed("PROXY TCP4 192.0.2.1 198.51.100.1 1 2\n"), "more");
    EXPECT_EQ(parsed("PROXY UNKNOWN " + std::string(91, 'x') + "\r\n"), "unknown, 107");
    EXPECT_EQ(parsed("PROXY UNKNOWN " + std::string(92, 'x') + "\r\n"), "refused");
    EXPECT_EQ(parsed("PROXY UNKNOWN " + std::string(93, 'x')), "refused");
}

TEST(ProxyProtocol, IsToldFromOthersByItsFirstBytes) {
    EXPECT_EQ(parsed("GET / HTTP/1.1\r\n"), "refused");
    EXPECT_EQ(parsed("PROXX"), "refused");
    EXPECT_EQ(parsed("proxy "), "refused");
    EXPECT_EQ(parsed("\r\n\r\nGET"), "refused");
    EXPECT_EQ(parsed("PRO"), "more");
    EXPECT_EQ(parsed("\r\n\r\n"), "more");
}

std::string v2(const std::string& command_and_family, const std::string& rest) {
    const auto size = static_cast<unsigned>(rest.size());
    return "\r\n\r\n\0\r\nQUIT\n"s + command_and_family + static_cast<char>(size >> 8U) +
           static_cast<char>(size & 0xFFU) + rest;
}

const std::string kV4Block = "\xc0\x00\x02\x01\xc6\x33\x64\x01\xdc\x04\x01\xbb"s;

TEST(ProxyProtocol, OfVersion2IsABlock) {
    const std::string seen = "::ffff:192.0.2.1 56324 to ::ffff:198.51.100.1 443, ";
    EXPECT_EQ(parsed(v2("\x21\x11", kV4Block) + "GET /"), seen + "28");
    EXPECT_EQ(parsed(v2("\x21\x11", kV4Block + "\x20\x00\x01x"s)), seen + "32");
    EXPECT_EQ(parsed(v2("\x21\x11", kV4Block + std::string(4068, 'x'))), seen + "4096");
    EXPECT_EQ(parsed(v2("\x20\x00"s, "")), "unknown, 16");
    EXPECT_EQ(parsed(v2("\x20\x11", kV4Block)), "unknown, 28");
    EXPECT_EQ(parsed(v2("\x21\x00"s, "")), "unknown, 16");
    EXPECT_EQ(parsed(v2("\x21\x12", kV4Block)), "unknown, 28");
    EXPECT_EQ(parsed(v2("\x21\x31", std::string(216, 'x'))), "unknown, 232");
}

TEST(ProxyProtocol, OfVersion2IsBounded) {
    EXPECT_EQ(parsed(v2("\x21\x11", kV4Block.substr(1))), "refused");
    EXPECT_EQ(parsed(v2("\x21\x21", std::string(35, 'x'))), "refused");
    EXPECT_EQ(parsed(v2("\x21\x11", kV4Block + std::string(4069, 'x'))), "refused");
    EXPECT_EQ(parsed(v2("\x22\x11", kV4Block)), "refused");
    EXPECT_EQ(parsed(v2("\x11\x11", kV4Block)), "refused");
    EXPECT_EQ(parsed(v2("\x21\x11", kV4Block).substr(0, 27)), "more");
}

TEST(ProxyProtocol, KnowsMappedAddresses) {
    EXPECT_TRUE(endpoint("192.0.2.1", 1).is_v4());
    for (const std::string address : {"::", "::192.0.2.1", "::ff:192.0.2.1", "::ff00:192.0.2.1",
                                      "::1:ffff:192.0.2.1", "1::ffff:192.0.2.1"}) {
        EXPECT_FALSE(endpoint(address, 1).is_v4()) << address;
    }
}

TEST(ProxyProtocol, IsWrittenAsItIsRead) {
    for (const auto& endpoints : {kV4, kV6, Endpoints{kV4.source, kV6.destination},
                                  Endpoints{kV6.source, kV4.destination}}) {
        for (const auto write : {write_proxy_v1, write_proxy_v2}) {
            std::string out = "before";
            write(endpoints, out);
            const auto header = parse_proxy_header(std::string_view(out).substr(6));
            ASSERT_TRUE(header && *header);
            EXPECT_EQ((*header)->size_bytes, out.size() - 6);
            EXPECT_EQ((*header)->endpoints, endpoints);
        }
    }
}

TEST(ProxyProtocol, IsWrittenByteForByte) {
    const auto written = [](auto write, const std::optional<Endpoints>& endpoints) {
        std::string out;
        write(endpoints, out);
        return out;
    };
    EXPECT_EQ(written(write_proxy_v1, kV4), "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n");
    EXPECT_EQ(written(write_proxy_v1, kV6), "PROXY TCP6 2001:db8::1 2001:db8::2 1 65535\r\n");
    EXPECT_EQ(written(write_proxy_v1, Endpoints{kV6.source, kV4.destination}),
              "PROXY TCP6 2001:db8::1 ::ffff:198.51.100.1 1 443\r\n");
    EXPECT_EQ(written(write_proxy_v1, std::nullopt), "PROXY UNKNOWN\r\n");
    EXPECT_EQ(written(write_proxy_v2, kV4), v2("\x21\x11", kV4Block));
    EXPECT_EQ(written(write_proxy_v2, std::nullopt), v2("\x20\x00"s, ""));
}

}  // namespace
}  // namespace portreeve::http::test
