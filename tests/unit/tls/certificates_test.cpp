#include "daemon/tls/certificates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/tls/pair.h"
#include "tests/unit/tls/conversation.h"

namespace portreeve::tls::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class CertificatesTest : public ::testing::Test {
  protected:
    [[nodiscard]] std::string path(const std::string& name) const { return folder_.path(name); }
    [[nodiscard]] Certificates read() const { return Certificates::read(folder_.path(), now_s()); }
    // Beside each of these a good one is served.
    [[nodiscard]] std::string one_fault() const {
        put(folder_, "good", issue({.names = {"good.example"}}));
        const auto read = Certificates::read(folder_.path(), now_s());
        EXPECT_EQ(read.pairs().size(), 1U);
        EXPECT_EQ(read.faults().size(), 1U);
        return read.faults().empty() ? "" : read.faults().front();
    }
    [[nodiscard]] std::string one_warning() const {
        const auto read = Certificates::read(folder_.path(), now_s());
        EXPECT_THAT(read.faults(), IsEmpty());
        EXPECT_EQ(read.warnings().size(), 1U);
        return read.warnings().empty() ? "" : read.warnings().front();
    }

    Folder folder_;
};

TEST_F(CertificatesTest, ReadsPairsInTheOrderOfTheirFiles) {
    put(folder_, "b", issue({.names = {"B.example", "*.B.example", "b.example"}}));
    put(folder_, "a", issue({.names = {"a.example"}, .kind = "RSA", .until_s = 1000}));
    put(folder_, "c.d", issue({.names = {"192.0.2.1", "c.example"}, .kind = "ED25519"}));
    static_cast<void>(folder_.write("README", "nothing to see"));
    static_cast<void>(folder_.write(".e.crt", "half written"));
    const auto certificates = read();
    EXPECT_THAT(certificates.faults(), IsEmpty());
    EXPECT_THAT(certificates.warnings(), IsEmpty());
    const auto shown = certificates.shown();
    ASSERT_EQ(shown.size(), 3U);
    EXPECT_EQ(shown[0].label, "a");
    EXPECT_EQ(shown[0].key_kind, "RSA");
    EXPECT_NEAR(static_cast<double>(shown[0].not_after_s), static_cast<double>(now_s() + 1000), 20);
    EXPECT_EQ(shown[1].label, "b");
    EXPECT_EQ(shown[1].key_kind, "EC");
    EXPECT_THAT(shown[1].names, ElementsAre("b.example", "*.b.example"));
    EXPECT_EQ(shown[2].label, "c.d");
    EXPECT_EQ(shown[2].key_kind, "ED25519");
    EXPECT_THAT(shown[2].names, ElementsAre("c.example"));
}

TEST_F(CertificatesTest, AFolderThatIsNotThereHasNone) {
    const auto certificates = Certificates::read(path("nowhere"), now_s());
    EXPECT_TRUE(certificates.empty());
    EXPECT_THAT(certificates.faults(), IsEmpty());
}

TEST_F(CertificatesTest, WhatIsNoFolderIsAFault) {
    const auto certificates = Certificates::read(folder_.write("file", ""), now_s());
    EXPECT_THAT(certificates.faults(),
                ElementsAre(path("file") + " cannot be read: Not a directory"));
}

TEST_F(CertificatesTest, AKeyHasToBeThere) {
    static_cast<void>(folder_.write("a.crt", issue({}).pem()));
    EXPECT_EQ(one_fault(),
              path("a.key") + " is not there: it is the private key of " + path("a.crt"));
}

TEST_F(CertificatesTest, AKeyHasToBeOfItsCertificate) {
    put(folder_, "a", issue({}));
    put_key(folder_, "a", issue({}).key_pem());
    EXPECT_EQ(one_fault(), path("a.key") + " is not the key of the first certificate in " +
                               path("a.crt") +
                               ": copy both of the same renewal, and the server's own certificate "
                               "first");
}

TEST_F(CertificatesTest, TheServersOwnCertificateIsTheFirst) {
    const Issued authority = issue({.names = {"CA"}, .is_authority = true});
    const Issued issued = issue({}, &authority);
    static_cast<void>(folder_.write("a.crt", authority.pem() + issued.pem()));
    put_key(folder_, "a", issued.key_pem());
    EXPECT_THAT(one_fault(), HasSubstr("is not the key of the first certificate"));
}

TEST_F(CertificatesTest, GarbageIsAFault) {
    put(folder_, "a", issue({}));
    static_cast<void>(folder_.write("a.crt", "garbage"));
    EXPECT_EQ(one_fault(), path("a.crt") +
                               " has no certificate in PEM, or a broken one "
                               "(-----BEGIN CERTIFICATE-----)");
}

TEST_F(CertificatesTest, ABrokenCertificateBehindAGoodOneIsAFault) {
    const Issued issued = issue({});
    const std::string pem = issue({}).pem();
    put(folder_, "a", issued, pem.substr(0, pem.size() / 2));
    EXPECT_THAT(one_fault(), HasSubstr("a broken one"));
}

TEST_F(CertificatesTest, AKeyHasToBePem) {
    put(folder_, "a", issue({}));
    put_key(folder_, "a", "garbage");
    EXPECT_EQ(one_fault(),
              path("a.key") + " has no private key in PEM (-----BEGIN PRIVATE KEY-----)");
}

TEST_F(CertificatesTest, NobodyTypesAPassphrase) {
    const Issued issued = issue({});
    put(folder_, "a", issued);
    put_key(folder_, "a", issued.key_pem("secret"));
    EXPECT_THAT(one_fault(), HasSubstr("has a passphrase"));
    EXPECT_THAT(one_fault(), HasSubstr("openssl pkey -in " + path("a.key")));
}

TEST_F(CertificatesTest, SmallKeysAreNotServed) {
    put(folder_, "a", issue({.kind = "SMALL RSA"}));
    EXPECT_EQ(one_fault(), path("a.crt") +
                               " cannot be served: ee key too small; get one with a "
                               "key of ECDSA P-256, or RSA of 2048 bits");
}

TEST_F(CertificatesTest, WhatIsNoFileIsAFault) {
    ASSERT_EQ(::mkdir(path("a.crt").c_str(), S_IRWXU), 0);
    EXPECT_EQ(one_fault(), path("a.crt") + " is not a file");
}

TEST_F(CertificatesTest, APipeIsNotWaitedFor) {
    put(folder_, "a", issue({}));
    ASSERT_EQ(::unlink(path("a.key").c_str()), 0);
    ASSERT_EQ(::mkfifo(path("a.key").c_str(), S_IRWXU), 0);
    EXPECT_EQ(one_fault(), path("a.key") + " is not a file");
}

TEST_F(CertificatesTest, WhatCannotBeReadIsAFault) {
    put(folder_, "a", issue({}));
    ASSERT_EQ(::unlink(path("a.crt").c_str()), 0);
    // For root too, who may read anything.
    ASSERT_EQ(::symlink("a.crt", path("a.crt").c_str()), 0);
    EXPECT_EQ(one_fault(), path("a.crt") + " cannot be read: Too many levels of symbolic links");
}

TEST_F(CertificatesTest, FilesHaveABound) {
    put(folder_, "a", issue({}), std::string(Certificates::kFileBytesMax, '\n'));
    EXPECT_EQ(one_fault(), path("a.crt") +
                               " has more than 262144 bytes, which no certificate and "
                               "no key has");
}

TEST_F(CertificatesTest, WarnsOfAKeyThatEverybodyMayRead) {
    put(folder_, "a", issue({}));
    ASSERT_EQ(::chmod(path("a.key").c_str(), 0640), 0);
    EXPECT_THAT(read().warnings(), IsEmpty());
    ASSERT_EQ(::chmod(path("a.key").c_str(), 0644), 0);
    EXPECT_EQ(one_warning(),
              path("a.key") + " may be read by everybody on this host: chmod o= " + path("a.key"));
}

TEST_F(CertificatesTest, WarnsOfTimes) {
    put(folder_, "a", issue({.from_s = -1000, .until_s = -500}));
    EXPECT_EQ(one_warning(), path("a.crt") +
                                 " has expired: it is served, but visitors will be "
                                 "warned; renew it");
    put(folder_, "a", issue({.from_s = 500}));
    EXPECT_THAT(one_warning(), HasSubstr("a.crt is not valid yet: it is served"));
}

TEST_F(CertificatesTest, WarnsOfACertificateForNobody) {
    put(folder_, "a", issue({.names = {}}));
    EXPECT_THAT(one_warning(), HasSubstr("a.crt is for no host"));
}

TEST_F(CertificatesTest, WarnsWhereTheIssuersCertificateIsMissing) {
    const Issued authority = issue({.names = {"CA"}, .is_authority = true});
    const Issued issued = issue({.is_public = true}, &authority);
    put(folder_, "a", issued);
    EXPECT_THAT(one_warning(), HasSubstr("a.crt lacks the certificate of its issuer"));
    put(folder_, "a", issued, authority.pem());
    EXPECT_THAT(read().warnings(), IsEmpty());
    // Of a private authority it is not known that there is one.
    put(folder_, "a", issue({}, &authority));
    EXPECT_THAT(read().warnings(), IsEmpty());
}

TEST_F(CertificatesTest, WarnsOfAChainThatIsNone) {
    // Of the same name, but another key.
    const Issued authority = issue({.names = {"CA"}, .is_authority = true});
    const Issued other = issue({.names = {"CA"}, .is_authority = true});
    put(folder_, "a", issue({}, &authority), other.pem());
    EXPECT_THAT(one_warning(),
                HasSubstr("a.crt has certificates that do not lead from one to the next"));
    put(folder_, "a", issue({}, &authority), authority.pem() + other.pem());
    EXPECT_THAT(one_warning(), HasSubstr("do not lead"));
}

TEST_F(CertificatesTest, TakesAChainOfThree) {
    const Issued root = issue({.names = {"root"}, .is_authority = true});
    const Issued between = issue({.names = {"between"}, .is_authority = true}, &root);
    put(folder_, "a", issue({.is_public = true}, &between), between.pem() + root.pem());
    EXPECT_THAT(read().warnings(), IsEmpty());
    EXPECT_THAT(read().faults(), IsEmpty());
}

TEST_F(CertificatesTest, OnlyNamesOfDnsCount) {
    put(folder_, "a", issue({.names = {"URI:b.example", "email:c.example", "a.example"}}));
    EXPECT_THAT(read().shown().front().names, ElementsAre("a.example"));
}

TEST_F(CertificatesTest, WarnsOfAKeyAlone) {
    put_key(folder_, "a", issue({}).key_pem());
    EXPECT_EQ(one_warning(), path("a.key") + " has no a.crt beside it: it is not used");
}

TEST_F(CertificatesTest, KeepsWhatWasGoodBefore) {
    const Issued first = issue({});
    put(folder_, "a", first);
    put(folder_, "b", issue({.names = {"b.example"}}));
    const auto former = read();
    // As between two lines of a script that copies a renewed pair.
    const Issued renewed = issue({});
    static_cast<void>(folder_.write("a.crt", renewed.pem()));
    const auto between = Certificates::read(folder_.path(), now_s(), former);
    ASSERT_EQ(between.pairs().size(), 2U);
    EXPECT_EQ(between.pairs().front(), former.pairs().front());
    ASSERT_EQ(between.faults().size(), 1U);
    EXPECT_THAT(between.faults().front(), HasSubstr("; what was there before is still served"));

    put_key(folder_, "a", renewed.key_pem());
    const auto after = Certificates::read(folder_.path(), now_s(), between);
    EXPECT_THAT(after.faults(), IsEmpty());
    EXPECT_EQ(serial_of(after.pairs().front()->leaf.get()), renewed.serial());

    ASSERT_EQ(::unlink(path("a.crt").c_str()), 0);
    const auto without = Certificates::read(folder_.path(), now_s(), after);
    ASSERT_EQ(without.pairs().size(), 1U);
    EXPECT_EQ(without.pairs().front()->label, "b");
}

TEST_F(CertificatesTest, KeepsAllWhereTheFolderCannotBeRead) {
    put(folder_, "a", issue({}));
    const auto certificates = Certificates::read(folder_.write("file", ""), now_s(), read());
    EXPECT_EQ(certificates.pairs().size(), 1U);
    EXPECT_EQ(certificates.faults().size(), 1U);
}

class StapleTest : public CertificatesTest {
  protected:
    StapleTest() { put(folder_, "a", issued_, authority_.pem()); }
    void staple(const std::string& der) const { static_cast<void>(folder_.write("a.ocsp", der)); }

    Issued authority_ = issue({.names = {"CA"}, .is_authority = true});
    Issued issued_ = issue({}, &authority_);
};

TEST_F(StapleTest, ReadsAGoodOne) {
    EXPECT_FALSE(read().shown().front().is_stapled);
    staple(ocsp_response(issued_, authority_));
    EXPECT_TRUE(read().shown().front().is_stapled);
    EXPECT_THAT(read().warnings(), IsEmpty());
    staple(ocsp_response(issued_, authority_, {.until_s = 0}));
    EXPECT_TRUE(read().shown().front().is_stapled);
}

TEST_F(StapleTest, WarnsOfAnyOther) {
    staple("garbage");
    EXPECT_EQ(one_warning(), path("a.ocsp") + " is no OCSP response in DER: nothing is stapled");
    staple(ocsp_refusal());
    EXPECT_EQ(one_warning(),
              path("a.ocsp") + " is an OCSP response that says trylater: nothing is stapled");
    staple(ocsp_response(issue({}, &authority_), authority_));
    EXPECT_EQ(one_warning(),
              path("a.ocsp") + " is the OCSP response for another certificate: nothing is stapled");
    staple(ocsp_response(issued_, authority_, {.status = V_OCSP_CERTSTATUS_UNKNOWN}));
    EXPECT_EQ(one_warning(),
              path("a.ocsp") + " says that the certificate is unknown: nothing is stapled");
    staple(ocsp_response(issued_, authority_, {.until_s = -60}));
    EXPECT_EQ(one_warning(),
              path("a.ocsp") + " has expired: nothing is stapled; get another response");
    EXPECT_FALSE(read().shown().front().is_stapled);
}

}  // namespace
}  // namespace portreeve::tls::test
