#include "ssh/revocation.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "ssh/key_blob.h"
#include "tests/unit/ssh/keygen.h"

namespace portreeve::ssh {
namespace {

using ::testing::HasSubstr;
using testing::Keygen;
using ::testing::StartsWith;
using testing::wire_number;
using testing::wire_string;

std::string text_of(const std::optional<std::string>& why) {
    return why.value_or("not revoked");
}

// A user, a stranger and two authorities, of which each has certified the user.
class RevokedKeysFile : public ::testing::Test {
  protected:
    RevokedKeysFile() {
        for (const char* name : {"user", "stranger", "ca", "other_ca"}) {
            keygen_.make_key(name);
        }
    }

    PublicKey key(const std::string& name) { return keygen_.key(name); }
    Certificate certify(const std::string& authority, std::uint64_t serial,
                        const std::string& key_id = "someone") {
        return Certificate::parse(
                   keygen_.certify("user", authority,
                                   "-n alice -I " + key_id + " -z " + std::to_string(serial)))
            .value();
    }
    // What ssh-keygen makes of a specification, its own text form of a list.
    RevokedKeys make(const std::string& specification, const std::string& options = "") {
        keygen_.folder().write("specification", specification);
        keygen_.run("-k " + options + " -f krl specification");
        return read();
    }
    RevokedKeys read() {
        auto made = RevokedKeys::read(keygen_.path("krl"));
        EXPECT_TRUE(made) << made.error();
        return made.value();
    }
    std::string base64(const std::string& name) {
        return testing::base64_of(keygen_.path(name + ".pub"));
    }
    std::string line(const std::string& name) { return "ssh-ed25519 " + base64(name) + " x\n"; }

    Keygen keygen_;
};

TEST_F(RevokedKeysFile, RevokesKeysByTheirBlobs) {
    const RevokedKeys revoked = make("key: " + line("user"));
    EXPECT_EQ(
        text_of(revoked.why_revoked(key("user"))),
        "the key " + key("user").fingerprint + " is revoked by name in " + keygen_.path("krl"));
    EXPECT_FALSE(revoked.why_revoked(key("stranger")));
    EXPECT_THAT(text_of(revoked.why_revoked(certify("ca", 1))),
                StartsWith("the certified key SHA256:"));
}

TEST_F(RevokedKeysFile, RevokesKeysByTheirHashes) {
    for (const std::string kind : {"sha1", "sha256"}) {
        const RevokedKeys revoked = make(kind + ": " + line("user") + kind + ": " + line("ca"));
        EXPECT_THAT(text_of(revoked.why_revoked(key("user"))),
                    HasSubstr(kind == "sha1" ? "SHA1 fingerprint" : "SHA256 fingerprint"));
        EXPECT_FALSE(revoked.why_revoked(key("stranger"))) << kind;
        EXPECT_TRUE(revoked.why_revoked(key("ca"))) << kind;
        EXPECT_TRUE(revoked.why_revoked(certify("other_ca", 1))) << kind;
    }
    const RevokedKeys revoked = make("hash: " + key("user").fingerprint + "\n");
    EXPECT_TRUE(revoked.why_revoked(key("user")));
    EXPECT_FALSE(revoked.why_revoked(key("stranger")));
}

TEST_F(RevokedKeysFile, RevokesAnAuthorityWithAllItsCertificates) {
    for (const std::string kind : {"key", "sha1", "sha256"}) {
        const RevokedKeys revoked = make(kind + ": " + line("ca"));
        EXPECT_THAT(text_of(revoked.why_revoked(certify("ca", 1))),
                    StartsWith("the authority's key " + key("ca").fingerprint))
            << kind;
        EXPECT_FALSE(revoked.why_revoked(certify("other_ca", 1))) << kind;
        EXPECT_FALSE(revoked.why_revoked(key("user"))) << kind;
    }
}

// ssh-keygen picks between lists, ranges and bitmaps by size: these need all three.
TEST_F(RevokedKeysFile, RevokesCertificatesBySerialNumber) {
    std::string specification = "serial: 5\nserial: 100-200\nserial: 1000000\n";
    for (int serial = 5000; serial < 5500; serial += 2) {
        specification += "serial: " + std::to_string(serial) + "\n";
    }
    specification += "serial: 18446744073709551615\n";
    const RevokedKeys revoked = make(specification, "-s ca.pub");
    for (const std::uint64_t serial :
         {5ULL, 100ULL, 150ULL, 200ULL, 1'000'000ULL, 5000ULL, 5002ULL, 5498ULL, ~0ULL}) {
        const Certificate certificate = certify("ca", serial);
        EXPECT_EQ(text_of(revoked.why_revoked(certificate)),
                  "the certificate " + std::to_string(serial) + " of " + key("ca").fingerprint +
                      " is revoked by its serial number in " + keygen_.path("krl"));
    }
    for (const std::uint64_t serial :
         {0ULL, 4ULL, 6ULL, 99ULL, 201ULL, 999'999ULL, 5001ULL, 5499ULL, 5500ULL, ~0ULL - 1}) {
        EXPECT_FALSE(revoked.why_revoked(certify("ca", serial))) << serial;
    }
    EXPECT_FALSE(revoked.why_revoked(certify("other_ca", 5)));
    EXPECT_FALSE(revoked.why_revoked(key("user")));
    EXPECT_FALSE(revoked.why_revoked(key("ca")));
}

TEST_F(RevokedKeysFile, RevokesCertificatesByKeyId) {
    const RevokedKeys revoked = make("id: lost\nid: stolen\n", "-s ca.pub");
    EXPECT_THAT(text_of(revoked.why_revoked(certify("ca", 0, "stolen"))),
                HasSubstr("is revoked by its key id"));
    EXPECT_TRUE(revoked.why_revoked(certify("ca", 7, "lost")));
    EXPECT_FALSE(revoked.why_revoked(certify("ca", 7, "los")));
    EXPECT_FALSE(revoked.why_revoked(certify("other_ca", 7, "lost")));
}

TEST_F(RevokedKeysFile, RevokesACertificateThatItWasMadeFrom) {
    const Certificate one = certify("ca", 77);
    keygen_.run("-k -f krl user-cert.pub");
    const RevokedKeys revoked = read();
    EXPECT_TRUE(revoked.why_revoked(one));
    EXPECT_FALSE(revoked.why_revoked(certify("ca", 78)));
    EXPECT_FALSE(revoked.why_revoked(key("user")));
}

TEST_F(RevokedKeysFile, RevokesCertificatesOfAnyAuthority) {
    const RevokedKeys revoked = make("id: lost\nserial: 9\n", "-s none");
    for (const std::string authority : {"ca", "other_ca"}) {
        EXPECT_TRUE(revoked.why_revoked(certify(authority, 1, "lost"))) << authority;
        EXPECT_TRUE(revoked.why_revoked(certify(authority, 9))) << authority;
        EXPECT_FALSE(revoked.why_revoked(certify(authority, 1))) << authority;
    }
}

TEST_F(RevokedKeysFile, MayBeAddedTo) {
    make("serial: 1\n", "-s ca.pub");
    make("serial: 1\n", "-u -s other_ca.pub");
    const RevokedKeys revoked = make("key: " + line("stranger"), "-u");
    EXPECT_TRUE(revoked.why_revoked(certify("ca", 1)));
    EXPECT_TRUE(revoked.why_revoked(certify("other_ca", 1)));
    EXPECT_TRUE(revoked.why_revoked(key("stranger")));
}

TEST_F(RevokedKeysFile, AgreesWithSshKeygen) {
    std::string specification = "serial: 3\nserial: 10-20\nid: lost\n";
    for (int serial = 1000; serial < 1200; serial += 3) {
        specification += "serial: " + std::to_string(serial) + "\n";
    }
    const RevokedKeys revoked = make(specification, "-s ca.pub");
    for (const std::uint64_t serial :
         {1U, 3U, 9U, 10U, 20U, 21U, 999U, 1000U, 1001U, 1003U, 1198U, 1199U}) {
        const Certificate certificate = certify("ca", serial);
        const std::string answer = testing::output_of("cd " + keygen_.folder().path() +
                                                      " && ssh-keygen -Q -f krl user-cert.pub");
        EXPECT_EQ(revoked.why_revoked(certificate).has_value(),
                  answer.find("REVOKED") != std::string::npos)
            << serial << ": " << answer;
    }
}

TEST_F(RevokedKeysFile, HoldsKeysOfAllTypes) {
    std::string specification;
    for (const std::string type :
         {"rsa", "ecdsa-256", "ecdsa-384", "ecdsa-521", "ed25519-sk", "ecdsa-sk"}) {
        keygen_.make_key(type, type);
        const PublicKey made = key(type);
        specification += "key: " + made.type + " " + made.base64 + "\n";
    }
    const RevokedKeys revoked = make(specification);
    EXPECT_TRUE(revoked.why_revoked(key("rsa")));
    EXPECT_TRUE(revoked.why_revoked(key("ecdsa-384")));
    EXPECT_TRUE(revoked.why_revoked(key("ecdsa-sk")));
}

// What is no longer safe to log in with is what one revokes.
TEST_F(RevokedKeysFile, HoldsWeakKeys) {
    keygen_.make_key("weak", "rsa-1024");
    EXPECT_TRUE(make("key: ssh-rsa " + base64("weak") + "\n").why_revoked(key("weak")));
}

TEST_F(RevokedKeysFile, MayBeOneKeyALine) {
    certify("ca", 1);
    const std::string path =
        keygen_.folder().write("plain", "# lost in May\n\n  \t" + line("user") + "ssh-ed25519\t" +
                                            base64("ca") + "\r\nssh-ed25519 " + base64("stranger"));
    const auto revoked = RevokedKeys::read(path);
    ASSERT_TRUE(revoked) << revoked.error();
    EXPECT_THAT(text_of(revoked->why_revoked(key("user"))), HasSubstr("is revoked by name"));
    EXPECT_TRUE(revoked->why_revoked(key("stranger")));
    EXPECT_TRUE(revoked->why_revoked(certify("ca", 1)));
    EXPECT_FALSE(revoked->why_revoked(key("other_ca")));
}

// As in sshd, a certificate on a line stands for the key in it.
TEST_F(RevokedKeysFile, MayHaveACertificateOnALine) {
    certify("ca", 1);
    const std::string path = keygen_.path("user-cert.pub");
    const auto revoked = RevokedKeys::read(path);
    ASSERT_TRUE(revoked) << revoked.error();
    EXPECT_TRUE(revoked->why_revoked(key("user")));
    EXPECT_TRUE(revoked->why_revoked(certify("other_ca", 2)));
    EXPECT_FALSE(revoked->why_revoked(key("ca")));
}

TEST_F(RevokedKeysFile, MayBeEmpty) {
    const auto revoked = RevokedKeys::read(keygen_.folder().write("plain", ""));
    ASSERT_TRUE(revoked) << revoked.error();
    EXPECT_FALSE(revoked->why_revoked(key("user")));
    EXPECT_FALSE(make("").why_revoked(certify("ca", 1)));
}

// A line that is not understood could be the one that matters.
TEST_F(RevokedKeysFile, IsRefusedForALineThatIsNoKey) {
    const std::string good = base64("user");
    const std::vector<std::string> lines = {
        "garbage",
        "ssh-ed25519",
        "ssh-rsa " + good,
        "ssh-ed25519 " + good + "=",
        "ssh-ed25519 " + good.substr(0, 64),
        "restrict ssh-ed25519 " + good,
        "serial: 1",
        "ssh-ed25519-cert-v01@openssh.com " + good,
    };
    for (const std::string& bad : lines) {
        const std::string path =
            keygen_.folder().write("plain", line("user") + "# fine\n" + bad + "\n" + line("ca"));
        const auto revoked = RevokedKeys::read(path);
        ASSERT_FALSE(revoked) << bad;
        EXPECT_THAT(revoked.error(), StartsWith(path + ":3: this line of revoked keys ")) << bad;
    }
}

// Nobody can log in with a key whose type is not known here, so it does no harm on a list.
TEST_F(RevokedKeysFile, MayHoldKeysOfUnknownTypes) {
    const std::string blob = wire_string("ssh-lattice") + wire_string("any");
    const std::string path =
        keygen_.folder().write("plain", "ssh-lattice " + to_base64(as_bytes(blob)) + "\n");
    EXPECT_TRUE(RevokedKeys::read(path));
}

TEST_F(RevokedKeysFile, IsRefusedWhenItCannotBeRead) {
    const std::string missing = keygen_.path("missing");
    EXPECT_EQ(RevokedKeys::read(missing).error(),
              missing + ": revoked keys cannot be read: No such file or directory");
    EXPECT_THAT(RevokedKeys::read(keygen_.folder().path()).error(), HasSubstr("Is a directory"));
    const std::string large = keygen_.folder().write(
        "large", "#" + std::string(RevokedKeys::kFileBytesMax - 1, 'x') + "\n");
    EXPECT_THAT(RevokedKeys::read(large).error(), HasSubstr("larger than 16777216 bytes"));
    const std::string largest =
        keygen_.folder().write("largest", "#" + std::string(RevokedKeys::kFileBytesMax - 1, 'x'));
    EXPECT_TRUE(RevokedKeys::read(largest));
}

TEST_F(RevokedKeysFile, IsRefusedWhereverItIsCut) {
    make("key: " + line("user") + "sha1: " + line("ca") + "serial: 4\nid: x\n", "-s ca.pub");
    std::ifstream stream(keygen_.path("krl"), std::ios::binary);
    const std::string whole((std::istreambuf_iterator<char>(stream)), {});
    ASSERT_TRUE(RevokedKeys::parse(as_bytes(whole), "whole"));
    std::size_t accepted = 0;
    for (std::size_t size = 1; size < whole.size(); ++size) {
        accepted += RevokedKeys::parse(as_bytes(whole.substr(0, size)), "cut") ? 1U : 0U;
    }
    // Only a cut between two of the four parts leaves a list that is whole in itself.
    EXPECT_EQ(accepted, 3U);
}

// --- lists that ssh-keygen does not make ---------------------------------------------------------

std::string section(std::uint8_t type, const std::string& content) {
    return wire_number(type, 1) + wire_string(content);
}

std::string header(std::uint32_t format = 1) {
    return std::string("SSHKRL\n\0", 8) + wire_number(format, 4) + wire_number(1, 8) +
           wire_number(2, 8) + wire_number(0, 8) + wire_string("") + wire_string("comment");
}

// A list with one certificate section, for any authority.
std::string of_certificates(std::uint8_t type, const std::string& content) {
    return header() + section(1, wire_string("") + wire_string("") + section(type, content));
}

std::string error_of(const std::string& list) {
    const auto revoked = RevokedKeys::parse(as_bytes(list), "krl");
    return revoked ? "none" : revoked.error();
}

TEST(RevocationList, WithAnUnknownPartIsRefused) {
    EXPECT_EQ(error_of(header()), "none");
    EXPECT_EQ(error_of(header(2)),
              "krl: the list of revoked keys is of format version 2; 1 is the one that is known");
    EXPECT_THAT(error_of(header() + section(9, "")), HasSubstr("section of type 9, which is not"));
    EXPECT_THAT(error_of(of_certificates(0x24, "")), HasSubstr("certificate section of type 36"));
    EXPECT_THAT(error_of(header() + wire_number(4, 1) + wire_string("key") + wire_string("sig")),
                HasSubstr("signed inside"));
}

TEST(RevocationList, WithAnExtensionIsRefusedIfItMatters) {
    const auto extension = [](char critical) {
        return wire_string("moon@example.com") + std::string(1, critical) + wire_string("full");
    };
    EXPECT_EQ(error_of(header() + section(255, extension(0))), "none");
    EXPECT_EQ(error_of(of_certificates(0x39, extension(0))), "none");
    EXPECT_THAT(error_of(header() + section(255, extension(1))),
                HasSubstr("critical extension \"moon@example.com\""));
    EXPECT_THAT(error_of(of_certificates(0x39, extension(1))),
                HasSubstr("critical extension \"moon@example.com\""));
    EXPECT_THAT(error_of(header() + section(255, extension(0) + "x")),
                HasSubstr("section of type 255 that has bytes after the end"));
    EXPECT_THAT(error_of(of_certificates(0x39, extension(0) + "x")),
                HasSubstr("certificate section of type 57 that has bytes after the end"));
}

TEST(RevocationList, WithASectionThatIsNotWellFormedIsRefused) {
    const std::string key = wire_string("ssh-ed25519") + wire_string("short");
    const struct {
        std::string list;
        const char* why;
    } cases[] = {
        {header() + section(2, wire_string(key)), "a key that is not well formed for its type"},
        {header() + section(2, wire_string("")), "a key that ends inside its type"},
        {header() + section(2, wire_string(wire_string("ssh-rsa-cert-v01@openssh.com"))),
         "a certificate where a plain key belongs"},
        {header() + section(2, "xyz"), "section of type 2 that ends inside its key"},
        {header() + section(3, wire_string(std::string(32, 'x'))), "32 bytes where 20 belong"},
        {header() + section(5, wire_string(std::string(20, 'x'))), "20 bytes where 32 belong"},
        {header() + section(1, wire_string(key) + wire_string("")), "authority's key that is not"},
        {header() + section(1, ""), "section of type 1 that ends inside its authority's key"},
        {header() + section(1, wire_string("") + wire_string("") + "x"),
         "section of type 1 that ends inside its certificate section"},
        {of_certificates(0x20, "xyz"), "ends inside its serial number"},
        {of_certificates(0x20, wire_number(0, 8)), "serial number 0"},
        {of_certificates(0x21, wire_number(5, 8)), "ends inside its last serial number"},
        {of_certificates(0x21, wire_number(5, 8) + wire_number(4, 8)), "from 5 down to 4"},
        {of_certificates(0x21, wire_number(0, 8) + wire_number(4, 8)), "serial number 0"},
        {of_certificates(0x21, wire_number(3, 8) + wire_number(4, 8) + "x"), "bytes after the end"},
        {of_certificates(0x22, wire_number(1, 8)), "ends inside its bitmap"},
        {of_certificates(0x22, wire_number(0, 8) + wire_string("\x01")), "serial number 0"},
        {of_certificates(0x22, wire_number(1, 8) + wire_string("\x80")), "negative number"},
        {of_certificates(0x22, wire_number(~0ULL, 8) + wire_string("\x02")), "past the highest"},
        {of_certificates(0x23, "xyz"), "ends inside its key id"},
        {of_certificates(0x23, wire_string({"a\0b", 3})), "zero byte in its key id"},
    };
    for (const auto& one : cases) {
        EXPECT_THAT(error_of(one.list), HasSubstr(one.why));
    }
}

RevocationList::Certificates serials_of(const std::string& list) {
    return parse_krl(as_bytes(list)).value().certificates.at("");
}

TEST(RevocationList, TakesABitmapToTheLastBit) {
    const auto some =
        serials_of(of_certificates(0x22, wire_number(10, 8) + wire_string({"\x01\x00\x81", 3})));
    EXPECT_TRUE(some.has_serial(10) && some.has_serial(17) && some.has_serial(26));
    EXPECT_FALSE(some.has_serial(9) || some.has_serial(11) || some.has_serial(16) ||
                 some.has_serial(18) || some.has_serial(25) || some.has_serial(27));
    const auto last =
        serials_of(of_certificates(0x22, wire_number(~0ULL - 1, 8) + wire_string("\x03")));
    EXPECT_TRUE(last.has_serial(~0ULL) && last.has_serial(~0ULL - 1));
    EXPECT_FALSE(last.has_serial(0) || last.has_serial(~0ULL - 2));
}

TEST(RevocationList, JoinsRangesThatOverlap) {
    std::string sections = wire_string("") + wire_string("");
    for (const auto& [first, last] : {std::pair{50U, 60U}, {10U, 100U}, {20U, 30U}, {101U, 101U}}) {
        sections += section(0x21, wire_number(first, 8) + wire_number(last, 8));
    }
    const auto made = serials_of(header() + section(1, sections));
    EXPECT_TRUE(made.has_serial(10) && made.has_serial(45) && made.has_serial(99) &&
                made.has_serial(101));
    EXPECT_FALSE(made.has_serial(9) || made.has_serial(102));
}

// A bitmap of every other bit is the densest that ranges can be.
TEST(RevocationList, WithTooManyRangesIsRefused) {
    const std::string densest(RevocationList::kSerialRangesMax / 4, '\x55');
    EXPECT_EQ(error_of(of_certificates(0x22, wire_number(1, 8) + wire_string(densest))), "none");
    EXPECT_THAT(error_of(of_certificates(0x22, wire_number(1, 8) + wire_string("\x01" + densest))),
                HasSubstr("more than 1000000 ranges"));
}

}  // namespace
}  // namespace portreeve::ssh
