#include "daemon/http/client_hello.h"

#include <gtest/gtest.h>

#include "tests/unit/uring/seeds.h"

namespace portreeve::http::test {
namespace {

std::string sized(std::size_t width, const std::string& bytes) {
    std::string made;
    for (std::size_t left = width; left > 0; --left) {
        made += static_cast<char>(bytes.size() >> (8 * (left - 1)) & 0xFFU);
    }
    return made + bytes;
}

std::string extension(std::uint8_t kind, const std::string& bytes) {
    return std::string(1, '\0') + static_cast<char>(kind) + sized(2, bytes);
}

std::string server_name(const std::string& name) {
    return extension(0, sized(2, std::string(1, '\0') + sized(2, name)));
}

// What stands before the extensions.
struct Vectors {
    std::string session = "session";
    std::string ciphers = "\x13\x01";
    std::string compressions = std::string(1, '\0');
};

// A ClientHello with these extensions, or with none at all.
std::string message(const std::string& extensions, bool has_extensions = true,
                    const Vectors& vectors = {}) {
    const std::string body = "\x03\x03" + std::string(32, 'r') + sized(1, vectors.session) +
                             sized(2, vectors.ciphers) + sized(1, vectors.compressions) +
                             (has_extensions ? sized(2, extensions) : "");
    return "\x01" + sized(3, body);
}

// In records of at most `size` bytes.
std::string records(const std::string& handshake, std::size_t size = 16384) {
    std::string made;
    for (std::size_t at = 0; at < handshake.size(); at += size) {
        made += "\x16\x03\x01" + sized(2, handshake.substr(at, size));
    }
    return made;
}

std::string outcome(std::string_view bytes) {
    const auto hello = parse_client_hello(bytes);
    if (!hello) {
        return "refused";
    }
    if (!*hello) {
        return "more";
    }
    return (*hello)->server_name ? std::string((*hello)->server_name->name()) : "none";
}

// Of the bytes, after it was "more" for each of their beginnings, or as soon as it was not.
std::string parsed(const std::string& bytes) {
    std::string seen = "more";
    for (std::size_t size = 0; size <= bytes.size() && seen == "more"; ++size) {
        seen = outcome(std::string_view(bytes).substr(0, size));
    }
    EXPECT_EQ(outcome(bytes), seen);
    return seen;
}

// As OpenSSL 3.0 sends it.
constexpr std::string_view kOpensslHex =
    "1603010139010001350303063b3ea6e0afeac706bb37b6872a29df75615d5eac148831376d6cdd2adb1eaa20df6806"
    "2c21b459c6b8c7ad62a4eb1f941cbfbf6aead95d8031107a4ca4750734003e130213031301c02cc030009fcca9cca8"
    "ccaac02bc02f009ec024c028006bc023c0270067c00ac0140039c009c0130033009d009c003d003c0035002f00ff01"
    "0000ae00000011000f00000c426c6f672e6578616d706c65000b000403000102000a00160014001d0017001e001900"
    "1801000101010201030104002300000016000000170000000d002a0028040305030603080708080809080a080b0804"
    "08050806040105010601030303010302040205020602002b0009080304030303020301002d00020101003300260024"
    "001d0020c6a076215c1f5b46791a26a1671dd9307fbbd5f5f6758f83f60e53b5088ade14";

std::string from_hex(std::string_view hex) {
    std::string made;
    for (std::size_t at = 0; at < hex.size(); at += 2) {
        made += static_cast<char>(std::stoi(std::string(hex.substr(at, 2)), nullptr, 16));
    }
    return made;
}

TEST(ClientHellos, TellTheName) {
    EXPECT_EQ(parsed(from_hex(kOpensslHex)), "blog.example");
    EXPECT_EQ(parsed(records(message(server_name("a.example")))), "a.example");
    const auto others =
        extension(16, "alpn") + server_name("A.EXAMPLE") + extension(43, "versions");
    EXPECT_EQ(parsed(records(message(others)) + "\x14\x03\x03"), "a.example");
}

TEST(ClientHellos, MayNameNobody) {
    EXPECT_EQ(parsed(records(message(""))), "none");
    EXPECT_EQ(parsed(records(message("", false))), "none");
    EXPECT_EQ(parsed(records(message(extension(16, "alpn")))), "none");
}

TEST(ClientHellos, MayComeInPieces) {
    const auto hello = message(server_name("a.example"));
    EXPECT_EQ(parsed(records(hello, 50)), "a.example");
    EXPECT_EQ(parsed(records(hello, hello.size() / kHelloRecordsMax + 1)), "a.example");
    EXPECT_EQ(parsed(records(hello, 1)), "refused");
    uring::test::for_each_seed(50, [](std::uint64_t seed) {
        uring::test::Dice dice(seed);
        const auto large =
            message(extension(51, dice.text(dice.between(0, 3000))) + server_name("a.example"));
        ASSERT_EQ(parsed(records(large, dice.between(100, 500))), "a.example");
    });
}

TEST(ClientHellos, AreBounded) {
    const auto of_size = [](std::size_t size) {
        const auto rest = message(server_name("a") + extension(21, ""));
        return message(server_name("a") + extension(21, std::string(size - rest.size() + 4, 'x')));
    };
    EXPECT_EQ(outcome(records(of_size(kHelloBytesMax))), "a");
    EXPECT_EQ(outcome(records(of_size(kHelloBytesMax + 1))), "refused");
}

TEST(ClientHellos, AreToldFromOtherBytes) {
    EXPECT_EQ(parsed("GET / HTTP/1.1\r\n"), "refused");
    EXPECT_EQ(parsed("\x15\x03\x01"), "refused");
    EXPECT_EQ(parsed("\x16\x02"), "refused");
    EXPECT_EQ(parsed("\x16\x03\x05"), "refused");
    EXPECT_EQ(parsed(std::string("\x16\x03\x01\0\0", 5)), "refused");
    EXPECT_EQ(parsed("\x16\x03\x01\x40\x01"), "refused");
    EXPECT_EQ(parsed(records("\x02" + message("").substr(1))), "refused");  // a ServerHello
    EXPECT_EQ(parsed("\x16\x03"), "more");
}

TEST(ClientHellos, HaveLengthsThatAgree) {
    const auto hello = message(server_name("a.example") + extension(16, "alpn"));
    // Each byte of a length that is one more or one less changes where something ends.
    const std::size_t session = 4 + 34;
    const std::size_t ciphers = session + 8;
    const std::size_t compressions = ciphers + 4;
    const std::size_t extensions = compressions + 2;
    for (const std::size_t at : {session, ciphers + 1, compressions, extensions + 1, extensions + 5,
                                 extensions + 7, extensions + 10}) {
        for (const int by : {-1, 1, 100}) {
            auto broken = hello;
            broken[at] = static_cast<char>(broken[at] + by);
            EXPECT_NE(outcome(records(broken)), "a.example") << at << " by " << by;
            EXPECT_NE(outcome(records(broken)), "more") << at << " by " << by;
        }
    }
    EXPECT_EQ(parsed(records(message(std::string(3, '\0')))), "refused");
}

TEST(ClientHellos, HaveVectorsOfTheSizesThatThereAre) {
    const auto with = [](const Vectors& vectors) {
        return parsed(records(message(server_name("a"), true, vectors)));
    };
    EXPECT_EQ(with({"", "\x13\x01\x13\x02", "ab"}), "a");
    EXPECT_EQ(with({std::string(32, 's')}), "a");
    EXPECT_EQ(with({std::string(33, 's')}), "refused");
    EXPECT_EQ(with({"", ""}), "refused");
    EXPECT_EQ(with({"", "abc"}), "refused");
    EXPECT_EQ(with({"", "ab", ""}), "refused");
}

TEST(ClientHellos, NameOneHostInOneWay) {
    const std::string zero(1, '\0');
    for (const std::string& name :
         {std::string(), std::string("a b"), std::string("a.example:443"), std::string("a:"),
          std::string("[::1]"), std::string(255, 'a'), "a" + zero, std::string(".")}) {
        EXPECT_EQ(parsed(records(message(server_name(name)))), "refused") << name;
    }
    EXPECT_EQ(parsed(records(message(server_name("a") + server_name("a")))), "refused");
    const auto two = extension(0, sized(2, zero + sized(2, "a") + zero + sized(2, "b")));
    EXPECT_EQ(parsed(records(message(two))), "refused");
    const auto other_kind = extension(0, sized(2, "\x01" + sized(2, "a")));
    EXPECT_EQ(parsed(records(message(other_kind))), "refused");
    EXPECT_EQ(parsed(records(message(extension(0, "")))), "refused");
}

}  // namespace
}  // namespace portreeve::http::test
