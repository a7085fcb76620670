#include "ssh/keys.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <sstream>

#include "ssh/acceptor.h"
#include "tests/unit/ssh/conversation.h"
#include "tests/unit/ssh/folder.h"
#include "tests/unit/ssh/keygen.h"

namespace portreeve::ssh {
namespace {

using testing::Folder;
using ::testing::HasSubstr;
using testing::output_of;
using ::testing::SizeIs;

// A private key file made by ssh-keygen; its public half is beside it, with the ending .pub.
std::string keygen(const Folder& folder, const std::string& arguments, const std::string& name) {
    const std::string path = folder.path(name);
    EXPECT_EQ(output_of("ssh-keygen -q -N '' -C someone " + arguments + " -f " + path), "");
    return path;
}

mode_t mode_of(const std::string& path) {
    struct stat status {};
    EXPECT_EQ(::stat(path.c_str(), &status), 0);
    return status.st_mode & 07777;
}

class PublicKeys : public ::testing::TestWithParam<const char*> {
  protected:
    Folder folder_;
};

TEST_P(PublicKeys, AreReadFromEitherFileOfAPair) {
    const std::string path = keygen(folder_, GetParam(), "key");
    const auto read = PublicKey::read(path + ".pub");
    ASSERT_TRUE(read) << read.error();
    EXPECT_EQ("SHA256:" + read->fingerprint.substr(7), read->fingerprint);
    EXPECT_THAT(output_of("ssh-keygen -l -f " + path), HasSubstr(read->fingerprint));
    const auto private_key = PublicKey::read(path);
    ASSERT_TRUE(private_key) << private_key.error();
    EXPECT_EQ(*private_key, *read);
    EXPECT_EQ(output_of("ssh-keygen -q -p -N secret -f " + path + " >/dev/null 2>&1"), "");
    const auto encrypted = PublicKey::read(path);
    ASSERT_TRUE(encrypted) << encrypted.error();
    EXPECT_EQ(*encrypted, *read);
}

TEST_P(PublicKeys, AreNamedAsSshKeygenNamesThem) {
    const std::string path = keygen(folder_, GetParam(), "key");
    std::string type;
    std::string base64;
    std::istringstream(output_of("cat " + path + ".pub")) >> type >> base64;
    const auto key = PublicKey::parse(type, base64);
    ASSERT_TRUE(key);
    EXPECT_EQ(key->type, type);
    EXPECT_EQ(key->base64, base64);
    std::string bits;
    std::string fingerprint;
    std::istringstream(output_of("ssh-keygen -l -f " + path)) >> bits >> fingerprint;
    EXPECT_EQ(key->fingerprint, fingerprint);
    EXPECT_THAT(fingerprint, ::testing::StartsWith("SHA256:"));
}

INSTANTIATE_TEST_SUITE_P(OfAllTypes, PublicKeys,
                         ::testing::Values("-t ed25519", "-t rsa -b 2048", "-t ecdsa -b 256",
                                           "-t ecdsa -b 384", "-t ecdsa -b 521"));

TEST(PublicKey, OfAnotherTypeThanSaidIsNone) {
    const auto key = PublicKey::from(testing::client_key());
    ASSERT_TRUE(key);
    EXPECT_TRUE(PublicKey::parse("ssh-ed25519", key->base64));
    EXPECT_FALSE(PublicKey::parse("ssh-rsa", key->base64));
    EXPECT_FALSE(PublicKey::parse("ssh-nonsense", key->base64));
}

TEST(PublicKey, OfAFileThatHasNoneSaysSo) {
    const Folder folder;
    const auto error = [&](const std::string& text) {
        const auto key = PublicKey::read(folder.write("key", text));
        return key ? "" : key.error();
    };
    EXPECT_THAT(error(""), HasSubstr("holds no key"));
    EXPECT_THAT(error("# only a comment\n\n"), HasSubstr("holds no key"));
    EXPECT_THAT(error("ssh-ed25519\n"), HasSubstr("no public key"));
    EXPECT_THAT(error("restrict ssh-ed25519 AAAA\n"), HasSubstr("no public key"));
    EXPECT_THAT(error("-----BEGIN RSA PRIVATE KEY-----\nAAAA\n"), HasSubstr("passphrase"));
    EXPECT_THAT(error(std::string(200'000, 'x')), HasSubstr("too large"));
    EXPECT_THAT(PublicKey::read(folder.path("none")).error(), HasSubstr("No such file"));
    EXPECT_THAT(PublicKey::read(folder.path()).error(), HasSubstr("Is a directory"));
}

TEST(PublicKey, OfGarbageIsNone) {
    const auto key = PublicKey::from(testing::client_key());
    ASSERT_TRUE(key);
    for (const std::string& base64 :
         {std::string(), std::string("AAAA"), std::string("!!!!"),
          std::string("AAAAC3NzaC1lZDI1NTE5"), key->base64.substr(0, key->base64.size() / 2),
          key->base64.substr(4)}) {
        EXPECT_FALSE(PublicKey::parse("ssh-ed25519", base64)) << base64;
    }
}

TEST(PublicKey, IsComparedByItsBlob) {
    const auto one = PublicKey::from(testing::client_key());
    const auto other = PublicKey::from(testing::other_key());
    ASSERT_TRUE(one && other);
    EXPECT_EQ(*one, *PublicKey::parse(one->type, one->base64));
    EXPECT_FALSE(*one == *other);
}

TEST(HostKeys, AreMadeOnceAndForTheServerAlone) {
    const Folder folder;
    const auto made = HostKeys::read_or_make(folder.path());
    ASSERT_TRUE(made) << made.error();
    ASSERT_THAT(made->public_keys(), SizeIs(1));
    EXPECT_EQ(made->public_keys()[0].type, "ssh-ed25519");
    EXPECT_EQ(mode_of(folder.path("host_key_ed25519")), 0600U);
    EXPECT_FALSE(std::filesystem::exists(folder.path("host_key_ed25519.new")));
    const auto again = HostKeys::read_or_make(folder.path());
    ASSERT_TRUE(again) << again.error();
    EXPECT_EQ(again->public_keys()[0], made->public_keys()[0]);
}

TEST(HostKeys, AreMadeForTheServerAloneWhateverTheUmask) {
    const Folder folder;
    const mode_t before = ::umask(0);
    const auto made = HostKeys::read_or_make(folder.path());
    EXPECT_EQ(::umask(before), 0U) << "the umask is the process's, and is given back";
    ASSERT_TRUE(made);
    EXPECT_EQ(mode_of(folder.path("host_key_ed25519")), 0600U);
}

TEST(HostKeys, CannotBeMadeWhereThereIsNoFolder) {
    const auto made = HostKeys::read_or_make("/nonexistent/state");
    ASSERT_FALSE(made);
    EXPECT_THAT(made.error(), HasSubstr("/nonexistent/state/host_key_ed25519"));
}

TEST(HostKeys, AreReadInAllTypes) {
    const Folder folder;
    const auto keys =
        HostKeys::read({keygen(folder, "-t ed25519", "a"), keygen(folder, "-t rsa -b 2048", "b"),
                        keygen(folder, "-t ecdsa", "c")});
    ASSERT_TRUE(keys) << keys.error();
    EXPECT_THAT(keys->public_keys(), SizeIs(3));
    EXPECT_TRUE(Acceptor::make(*keys));
}

TEST(HostKeys, ThatOthersCanReadAreRefused) {
    const Folder folder;
    const std::string path = keygen(folder, "-t ed25519", "key");
    for (const mode_t mode : {0640U, 0604U, 0660U}) {
        ASSERT_EQ(::chmod(path.c_str(), mode), 0);
        const auto keys = HostKeys::read({path});
        ASSERT_FALSE(keys) << mode;
        EXPECT_THAT(keys.error(), HasSubstr(path));
        EXPECT_THAT(keys.error(), HasSubstr("chmod 600 " + path));
    }
    ASSERT_EQ(::chmod(path.c_str(), 0400), 0);
    EXPECT_TRUE(HostKeys::read({path}));
}

TEST(HostKeys, ThatAreNoKeysAreRefused) {
    const Folder folder;
    const std::string path = folder.write("garbage", "this is no key\n");
    ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
    const auto garbage = HostKeys::read({path});
    ASSERT_FALSE(garbage);
    EXPECT_THAT(garbage.error(), HasSubstr(path));
    const auto missing = HostKeys::read({folder.path("missing")});
    ASSERT_FALSE(missing);
    EXPECT_THAT(missing.error(), HasSubstr("No such file"));
    const auto a_folder = HostKeys::read({folder.path()});
    ASSERT_FALSE(a_folder);
    EXPECT_THAT(a_folder.error(), HasSubstr("not a regular file"));
}

TEST(HostKeys, WithAPassphraseAreRefusedWithoutAsking) {
    const Folder folder;
    const std::string path = folder.path("locked");
    ASSERT_EQ(output_of("ssh-keygen -q -t ed25519 -N secret -f " + path), "");
    const auto keys = HostKeys::read({path});
    ASSERT_FALSE(keys);
    EXPECT_THAT(keys.error(), HasSubstr("without passphrase"));
}

TEST(HostKeys, AreOneOfEachType) {
    const Folder folder;
    const std::string second = keygen(folder, "-t ed25519", "b");
    const auto keys = HostKeys::read({keygen(folder, "-t ed25519", "a"), second});
    ASSERT_FALSE(keys);
    EXPECT_THAT(keys.error(), HasSubstr(second));
    EXPECT_THAT(keys.error(), HasSubstr("second key of type ssh-ed25519"));
}

}  // namespace
}  // namespace portreeve::ssh
