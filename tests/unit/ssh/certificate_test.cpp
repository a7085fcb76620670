#include "ssh/certificate.h"

#include <gmock/gmock.h>
#include <libssh/libssh.h>

#include <array>

#include "ssh/key_blob.h"
#include "tests/unit/ssh/keygen.h"

namespace portreeve::ssh {
namespace {

using testing::Authority;
using testing::CertificateBody;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::Keygen;
using testing::wire_number;
using testing::wire_option;
using testing::wire_string;

using Blob = std::vector<std::byte>;
using Names = std::vector<std::string>;

constexpr std::array kTypes = {"ed25519",   "rsa",        "ecdsa-256", "ecdsa-384",
                               "ecdsa-521", "ed25519-sk", "ecdsa-sk"};

std::string error_of(const Blob& blob) {
    const auto certificate = Certificate::parse(blob);
    return certificate ? "none" : certificate.error();
}

const Authority& authority() {
    static const Authority made(Authority::Kind::ed25519);
    return made;
}

// What is wrong with a certificate that only differs from a good one as `body` says.
std::string error_of(const CertificateBody& body) {
    return error_of(authority().certify(body.text()));
}

std::string code_of(const std::optional<Denial>& denial) {
    return denial ? std::string(denial->code) : "none";
}

std::string certificate_type_of(const PublicKey& key) {
    return key.type.substr(0, key.type.find('@')) + "-cert-v01@openssh.com";
}

class CertificatesOf : public ::testing::TestWithParam<const char*> {
  protected:
    Keygen keygen_;
};

TEST_P(CertificatesOf, ThisTypeAreRead) {
    keygen_.make_key("user", GetParam());
    keygen_.make_key("ca");
    const Blob blob =
        keygen_.certify("user", "ca", "-n alice,bob -z 42 -V 19700101000100Z:20400101000000Z");
    const auto certificate = Certificate::parse(blob);
    ASSERT_TRUE(certificate) << certificate.error();
    EXPECT_EQ(certificate->key, keygen_.key("user"));
    EXPECT_EQ(certificate->key.type, keygen_.key("user").type);
    EXPECT_EQ(certificate->key.fingerprint, keygen_.key("user").fingerprint);
    EXPECT_EQ(certificate->authority, keygen_.key("ca"));
    EXPECT_EQ(certificate->serial, 42U);
    EXPECT_EQ(certificate->key_id, "someone");
    EXPECT_TRUE(certificate->is_user);
    EXPECT_THAT(certificate->principals, ElementsAre("alice", "bob"));
    EXPECT_EQ(certificate->valid_after_s, 60U);
    EXPECT_EQ(certificate->valid_before_s, 2'208'988'800U);
    EXPECT_FALSE(certificate->why_denied(Names{"bob"}, 1000));
}

// libssh must read the same key from the same bytes, because it is that key's login it checks.
TEST_P(CertificatesOf, ThisTypeComeThroughLibsshAsTheyWere) {
    keygen_.make_key("user", GetParam());
    keygen_.make_key("ca");
    keygen_.certify("user", "ca");
    const std::string base64 = testing::base64_of(keygen_.path("user-cert.pub"));
    const std::string type = certificate_type_of(keygen_.key("user"));
    EXPECT_TRUE(is_certificate_type(type));
    const auto as_key = PublicKey::parse(type, base64);
    ASSERT_TRUE(as_key);
    EXPECT_EQ(as_key->base64, base64);
    const auto certificate = Certificate::parse_base64(as_key->base64);
    ASSERT_TRUE(certificate) << certificate.error();
    EXPECT_EQ(certificate->key, keygen_.key("user"));
}

INSTANTIATE_TEST_SUITE_P(Keys, CertificatesOf, ::testing::ValuesIn(kTypes));

class CertificatesBy : public ::testing::TestWithParam<const char*> {
  protected:
    // By the authority "ca", of the type under test.
    Blob make() {
        const std::string type = GetParam();
        keygen_.make_key("user");
        if (type != "ed25519-sk" && type != "ecdsa-sk") {
            keygen_.make_key("ca", type);
            return keygen_.certify("user", "ca");
        }
        const Authority device(type == "ecdsa-sk" ? Authority::Kind::security_ecdsa
                                                  : Authority::Kind::security_ed25519);
        Blob made = device.certify(CertificateBody().text());
        EXPECT_THAT(keygen_.show(made, CertificateBody().type), HasSubstr("Serial: 7"))
            << "OpenSSH itself must take what this test signed";
        return made;
    }

    Keygen keygen_;
};

TEST_P(CertificatesBy, ThisTypeAreVerified) {
    const auto certificate = Certificate::parse(make());
    ASSERT_TRUE(certificate) << certificate.error();
    EXPECT_FALSE(certificate->why_denied(Names{"alice"}, 1500));
}

TEST_P(CertificatesBy, ThisTypeAreRefusedWhereverTheyAreChanged) {
    const Blob good = make();
    for (std::size_t at = 0; at < good.size(); ++at) {
        Blob changed = good;
        changed[at] ^= std::byte{1};
        EXPECT_FALSE(Certificate::parse(changed)) << "byte " << at << " of " << good.size();
    }
}

TEST_P(CertificatesBy, ThisTypeAreRefusedWhereverTheyAreCut) {
    const Blob good = make();
    for (std::size_t size = 0; size < good.size(); ++size) {
        EXPECT_FALSE(Certificate::parse(Bytes(good).first(size))) << size;
    }
}

INSTANTIATE_TEST_SUITE_P(Authorities, CertificatesBy, ::testing::ValuesIn(kTypes));

// What a test changes in a certificate must be all that is wrong with it.
TEST(Certificate, OfOurOwnMakingIsGoodToOpensshToo) {
    const Blob blob = authority().certify(CertificateBody().text());
    EXPECT_EQ(error_of(blob), "none");
    EXPECT_THAT(Keygen().show(blob, CertificateBody().type), HasSubstr("Serial: 7"));
    Blob changed = blob;
    changed.back() ^= std::byte{1};
    EXPECT_THAT(Keygen().show(changed, CertificateBody().type), HasSubstr("failed: "));
}

TEST(Certificate, GrantsNothingThatItDoesNotSay) {
    Keygen keygen;
    keygen.make_key("user");
    keygen.make_key("ca");
    const auto bare = Certificate::parse(keygen.certify("user", "ca", "-n alice -O clear"));
    ASSERT_TRUE(bare) << bare.error();
    EXPECT_FALSE(bare->permit_port_forwarding || bare->permit_pty || bare->no_touch_required ||
                 bare->verify_required);
    EXPECT_FALSE(bare->force_command);
    EXPECT_EQ(bare->source_address, "");
    const auto usual = Certificate::parse(keygen.certify("user", "ca"));
    ASSERT_TRUE(usual) << usual.error();
    EXPECT_TRUE(usual->permit_port_forwarding);
    EXPECT_TRUE(usual->permit_pty);
    EXPECT_FALSE(usual->no_touch_required);
}

TEST(Certificate, SaysItsOptions) {
    Keygen keygen;
    keygen.make_key("user");
    keygen.make_key("ca");
    const auto certificate = Certificate::parse(keygen.certify(
        "user", "ca",
        "-n alice -O clear -O permit-port-forwarding -O no-touch-required -O verify-required "
        "-O force-command='echo no' -O source-address=192.0.2.0/24,2001:db8::/32 "
        "-O extension:mail@example.com=x"));
    ASSERT_TRUE(certificate) << certificate.error();
    EXPECT_TRUE(certificate->permit_port_forwarding);
    EXPECT_FALSE(certificate->permit_pty);
    EXPECT_TRUE(certificate->no_touch_required);
    EXPECT_TRUE(certificate->verify_required);
    EXPECT_EQ(certificate->force_command, "echo no");
    EXPECT_EQ(certificate->source_address, "192.0.2.0/24,2001:db8::/32");
}

TEST(Certificate, WithACriticalOptionThatIsUnknownIsRefused) {
    Keygen keygen;
    keygen.make_key("user");
    keygen.make_key("ca");
    EXPECT_EQ(error_of(keygen.certify("user", "ca", "-n alice -O critical:moon@example.com=full")),
              "the certificate has the critical option \"moon@example.com\", which is not known "
              "here");
}

TEST(Certificate, WithAnExtensionAmongTheCriticalOptionsIsRefused) {
    CertificateBody body;
    body.critical = wire_option("permit-port-forwarding");
    EXPECT_THAT(error_of(body), HasSubstr("\"permit-port-forwarding\", which is not known"));
}

TEST(Certificate, WithACriticalOptionAmongTheExtensionsIsNotBoundByIt) {
    CertificateBody body;
    body.extensions = wire_option("force-command", wire_string("echo no"));
    const auto certificate = Certificate::parse(authority().certify(body.text()));
    ASSERT_TRUE(certificate) << certificate.error();
    EXPECT_FALSE(certificate->force_command);
}

TEST(Certificate, WithOptionsThatAreNotWellFormedIsRefused) {
    const std::string command = wire_option("force-command", wire_string("echo no"));
    const std::string source = wire_option("source-address", wire_string("192.0.2.1"));
    const struct {
        std::string critical;
        const char* why;
    } cases[] = {
        {command + command, "force-command twice"},
        {source + command + source, "source-address twice"},
        {wire_option("force-command"), "force-command, which ends inside"},
        {wire_option("force-command", wire_string("echo") + "x"), "after the end of its value"},
        {wire_option("verify-required", "x"), "after the end of its value"},
        {wire_option("source-address", wire_string("")), "source-address where"},
        {wire_option("source-address", wire_string("example.com")), "source-address where"},
        {wire_option("source-address", wire_string("192.0.2.*")), "source-address where"},
        {wire_option("source-address", wire_string("!192.0.2.1")), "source-address where"},
        {wire_option("source-address", wire_string("192.0.2.1,")), "source-address where"},
        {wire_option("force-command", wire_string({"a\0b", 3})), "zero byte"},
        {wire_option("new\nline"), "control characters"},
        {wire_string("verify-required"), "ends inside its option's value"},
        {"xyz", "ends inside its option's name"},
    };
    for (const auto& one : cases) {
        CertificateBody body;
        body.critical = one.critical;
        EXPECT_THAT(error_of(body), HasSubstr(one.why));
    }
    CertificateBody body;
    body.extensions = wire_option("permit-pty", "x");
    EXPECT_THAT(error_of(body), HasSubstr("permit-pty, which has bytes after the end"));
    body.extensions = wire_option("unknown@example.com", "x");
    EXPECT_EQ(error_of(body), "none");
}

// As sshd: the order of options does not matter, and one that only sets a flag may come twice.
TEST(Certificate, MayHaveItsOptionsInAnyOrder) {
    CertificateBody body;
    body.critical = wire_option("verify-required") +
                    wire_option("force-command", wire_string("echo")) +
                    wire_option("verify-required");
    EXPECT_EQ(error_of(body), "none");
}

TEST(Certificate, ThatIsNotWellFormedIsRefused) {
    CertificateBody body;
    body.kind = 3;
    EXPECT_THAT(error_of(body), HasSubstr("neither for a user nor for a host, but of kind 3"));
    body = {};
    body.key_id = std::string("a\0b", 3);
    EXPECT_THAT(error_of(body), HasSubstr("zero byte in its key id"));
    body = {};
    body.principals = wire_string("");
    EXPECT_THAT(error_of(body), HasSubstr("empty principal"));
    body.principals = wire_string({"alice\0", 6});
    EXPECT_THAT(error_of(body), HasSubstr("zero byte in its principal"));
    body.principals = "ab";
    EXPECT_THAT(error_of(body), HasSubstr("principals that ends inside"));
    body = {};
    body.type = "ssh-dss-cert-v01@openssh.com";
    EXPECT_THAT(error_of(body), HasSubstr("ssh-dss-cert-v01@openssh.com, which is not known"));
    body.type = "ssh-ed25519-cert-v02@openssh.com";
    EXPECT_THAT(error_of(body), HasSubstr("which is not known here"));
    body.type = "ssh-ed25519";
    EXPECT_THAT(error_of(body), HasSubstr("is not a certificate, but of type ssh-ed25519"));
    EXPECT_THAT(error_of(Blob()), HasSubstr("ends inside its type"));
    Blob longer = authority().certify(CertificateBody().text());
    longer.push_back(std::byte{0});
    EXPECT_THAT(error_of(longer), HasSubstr("bytes after the end of its signature"));
}

TEST(Certificate, ThatIsTooLargeIsRefused) {
    CertificateBody body;
    body.key_id = std::string(Certificate::kBlobBytesMax, 'x');
    const Blob blob = authority().certify(body.text());
    EXPECT_THAT(error_of(blob), HasSubstr("are the most that is taken"));
    EXPECT_FALSE(Certificate::parse_base64(to_base64(blob)));
    body = {};
    body.principals.clear();
    for (std::size_t count = 0; count < Certificate::kPrincipalsMax; ++count) {
        body.principals += wire_string("alice");
    }
    EXPECT_EQ(error_of(body), "none");
    body.principals += wire_string("alice");
    EXPECT_THAT(error_of(body), HasSubstr("more than 256 principals"));
}

TEST(Certificate, IsReadFromBase64) {
    const std::string base64 = to_base64(authority().certify(CertificateBody().text()));
    EXPECT_TRUE(Certificate::parse_base64(base64));
    for (const std::string& bad : {base64 + "\n", base64 + "=", " " + base64, std::string(),
                                   std::string("===="), std::string("A"), std::string("!!!!")}) {
        EXPECT_FALSE(Certificate::parse_base64(bad)) << bad;
    }
}

// Two spellings of one key would be two keys to a list of revoked ones.
TEST(Certificate, OfAKeyInAnotherSpellingIsRefused) {
    Keygen keygen;
    keygen.make_key("p384", "ecdsa-384");
    const Blob p384 = testing::blob_of(keygen.path("p384.pub"));
    WireReader in(p384);
    in.string("type");
    CertificateBody body;
    body.type = "ecdsa-sha2-nistp384-cert-v01@openssh.com";
    body.key_fields = as_text(in.left());
    EXPECT_EQ(error_of(body), "none");
    body.type = "ecdsa-sha2-nistp256-cert-v01@openssh.com";
    EXPECT_THAT(error_of(body), HasSubstr("another curve than its type"));
    body.type = "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com";
    body.key_fields += wire_string("ssh:");
    EXPECT_THAT(error_of(body), HasSubstr("another curve than its type"));

    const Authority rsa(Authority::Kind::rsa);
    WireReader fields(as_bytes(rsa.blob()));
    fields.string("type");
    const std::string exponent(as_text(fields.string("exponent")));
    const std::string modulus(as_text(fields.string("modulus")));
    body.type = "ssh-rsa-cert-v01@openssh.com";
    body.key_fields = wire_string(exponent) + wire_string(modulus);
    EXPECT_EQ(error_of(body), "none");
    body.key_fields = wire_string(exponent) + wire_string(std::string(1, '\0') + modulus);
    EXPECT_THAT(error_of(body), HasSubstr("not well formed for its type"));
    body.key_fields = wire_string(modulus) + wire_string(modulus);
    EXPECT_THAT(error_of(body), HasSubstr("exponent of 2048 bits"));
    body.type = "ssh-ed25519-cert-v01@openssh.com";
    body.key_fields = wire_string("short");
    EXPECT_THAT(error_of(body), HasSubstr("not well formed for its type"));
}

TEST(Certificate, WithWeakRsaIsRefused) {
    Keygen keygen;
    keygen.make_key("weak", "rsa-1024");
    keygen.make_key("strong", "rsa");
    EXPECT_EQ(
        error_of(keygen.certify("weak", "strong")),
        "the certificate certifies a key that is RSA with 1024 bits; 2048 to 16384 are taken");
    EXPECT_THAT(error_of(keygen.certify("strong", "weak")),
                HasSubstr("authority's key that is RSA with 1024 bits"));
}

TEST(Certificate, SignedWithSha1IsRefused) {
    Keygen keygen;
    keygen.make_key("user");
    keygen.make_key("ca", "rsa");
    EXPECT_THAT(error_of(keygen.certify("user", "ca", "-n alice -t ssh-rsa")),
                HasSubstr("RSA and SHA-1 (ssh-rsa), which can be forged"));
    for (const std::string algorithm : {"rsa-sha2-256", "rsa-sha2-512"}) {
        EXPECT_EQ(error_of(keygen.certify("user", "ca", "-n alice -t " + algorithm)), "none");
    }
}

TEST(Certificate, SignedByACertificateIsRefused) {
    const Blob certificate = authority().certify(CertificateBody().text());
    const std::string data = CertificateBody().text() + wire_string(as_text(certificate));
    const std::string whole = data + wire_string(authority().sign(data));
    EXPECT_THAT(error_of(Blob(as_bytes(whole).begin(), as_bytes(whole).end())),
                HasSubstr("only a plain key can be an authority"));
}

// All of these have been signed by the right key, in a form that is not the right one.
TEST(Certificate, WithASignatureOfAnotherFormIsRefused) {
    const Authority rsa(Authority::Kind::rsa);
    const Authority ecdsa(Authority::Kind::ecdsa);
    const Authority device(Authority::Kind::security_ed25519);
    const auto error_with = [](const Authority& by, const std::string& signature) {
        const std::string whole =
            CertificateBody().text() + wire_string(by.blob()) + wire_string(signature);
        return error_of(Blob(as_bytes(whole).begin(), as_bytes(whole).end()));
    };
    const auto data_for = [](const Authority& by) {
        return CertificateBody().text() + wire_string(by.blob());
    };
    const std::string good = authority().sign(data_for(authority()));
    EXPECT_EQ(error_with(authority(), good), "none");
    EXPECT_THAT(error_with(authority(), good + "x"), HasSubstr("after the end of its value"));
    EXPECT_THAT(error_with(authority(), ""), HasSubstr("ends inside its algorithm"));
    EXPECT_THAT(error_with(authority(), wire_string("ssh-ed25519") + wire_string("")),
                HasSubstr("not signed by the authority"));
    const std::string of_rsa = rsa.sign(data_for(rsa));
    EXPECT_EQ(error_with(rsa, of_rsa), "none");
    EXPECT_THAT(error_with(authority(), of_rsa), HasSubstr("does not fit its authority's key"));
    EXPECT_THAT(error_with(rsa, good), HasSubstr("does not fit its authority's key"));
    EXPECT_THAT(error_with(rsa, wire_string("rsa-sha2-256") + of_rsa.substr(4 + 12)),
                HasSubstr("not signed by the authority"));
    const std::string of_ecdsa = ecdsa.sign(data_for(ecdsa));
    EXPECT_EQ(error_with(ecdsa, of_ecdsa), "none");
    WireReader in(as_bytes(of_ecdsa));
    in.string("algorithm");
    const std::string pair(as_text(in.string("value")));
    EXPECT_THAT(error_with(ecdsa, wire_string("ecdsa-sha2-nistp256") + wire_string(pair + "x")),
                HasSubstr("not signed by the authority"));
    const std::string of_device = device.sign(data_for(device));
    EXPECT_EQ(error_with(device, of_device), "none");
    EXPECT_THAT(error_with(device, of_device + "x"), HasSubstr("after the end of its value"));
    EXPECT_THAT(error_with(device, of_device.substr(0, of_device.size() - 1)),
                HasSubstr("ends inside its counter"));
}

TEST(Certificate, HoldsFromItsFirstSecondToItsLast) {
    const auto certificate = Certificate::parse(authority().certify(CertificateBody().text()));
    ASSERT_TRUE(certificate) << certificate.error();
    const Names names = {"alice"};
    EXPECT_EQ(code_of(certificate->why_denied(names, 999)), "certificate_not_yet_valid");
    EXPECT_EQ(code_of(certificate->why_denied(names, 1000)), "none");
    EXPECT_EQ(code_of(certificate->why_denied(names, 1999)), "none");
    const auto expired = certificate->why_denied(names, 2000);
    ASSERT_TRUE(expired);
    EXPECT_EQ(std::string_view(expired->code), "certificate_expired");
    EXPECT_EQ(expired->sentence, "the certificate 7 of " + certificate->authority.fingerprint +
                                     " expired at 1970-01-01T00:33:20Z");
}

TEST(Certificate, MayHoldForEver) {
    Keygen keygen;
    keygen.make_key("user");
    keygen.make_key("ca");
    const auto certificate = Certificate::parse(keygen.certify("user", "ca"));
    ASSERT_TRUE(certificate) << certificate.error();
    EXPECT_EQ(certificate->valid_after_s, 0U);
    EXPECT_EQ(certificate->valid_before_s, Certificate::kForEver);
    EXPECT_FALSE(certificate->why_denied(Names{"alice"}, 0));
    EXPECT_FALSE(certificate->why_denied(Names{"alice"}, Certificate::kForEver));
    CertificateBody body;
    body.valid_after_s = body.valid_before_s = Certificate::kForEver - 1;
    const auto far = Certificate::parse(authority().certify(body.text()));
    ASSERT_TRUE(far) << far.error();
    EXPECT_THAT(far->why_denied(Names{"alice"}, 5)->sentence,
                HasSubstr("not valid before second 18446744073709551614"));
}

TEST(Certificate, IsForItsPrincipalsAlone) {
    Keygen keygen;
    keygen.make_key("user");
    keygen.make_key("ca");
    const auto certificate = Certificate::parse(keygen.certify("user", "ca", "-n alice,bob"));
    ASSERT_TRUE(certificate) << certificate.error();
    EXPECT_FALSE(certificate->why_denied(Names{"bob"}, 1));
    EXPECT_FALSE(certificate->why_denied(Names{"carol", "alice"}, 1));
    for (const Names& names :
         {Names{}, Names{""}, Names{"carol"}, Names{"Alice"}, Names{"alice,bob"}, Names{"*"}}) {
        EXPECT_EQ(code_of(certificate->why_denied(names, 1)), "certificate_wrong_principal");
    }
    const auto nobody = Certificate::parse(keygen.certify("user", "ca", ""));
    ASSERT_TRUE(nobody) << nobody.error();
    EXPECT_EQ(code_of(nobody->why_denied(Names{"alice"}, 1)), "certificate_no_principals");
}

TEST(Certificate, OfAHostIsForNoUser) {
    Keygen keygen;
    keygen.make_key("host");
    keygen.make_key("ca");
    const auto certificate = Certificate::parse(keygen.certify("host", "ca", "-h -n alice"));
    ASSERT_TRUE(certificate) << certificate.error();
    EXPECT_FALSE(certificate->is_user);
    EXPECT_EQ(code_of(certificate->why_denied(Names{"alice"}, 1)), "certificate_not_user");
}

TEST(CertificateTypes, AreToldFromPlainOnes) {
    for (const char* type : {"ssh-rsa", "ssh-ed25519", "sk-ssh-ed25519@openssh.com", "", "cert"}) {
        EXPECT_FALSE(is_certificate_type(type)) << type;
    }
    for (const char* type : {"ssh-dss-cert-v01@openssh.com", "ssh-rsa-cert-v00@openssh.com",
                             "rsa-sha2-512-cert-v01@openssh.com"}) {
        EXPECT_TRUE(is_certificate_type(type)) << type;
    }
}

}  // namespace
}  // namespace portreeve::ssh
