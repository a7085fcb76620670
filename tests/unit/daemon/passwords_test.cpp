// The file of passwords: what it may hold, what it may not, and who may be able to read it.
#include "daemon/passwords.h"

#include <crypt.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <set>

#include "tests/unit/ssh/folder.h"

namespace portreeve::daemon {
namespace {

using ssh::testing::Folder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

// "open sesame", as mkpasswd hashes it by each method that may be used.
const std::vector<std::string> kHashes = {
    "$y$j9T$1djnLFvPT.To7bOh30ZH4/$B7GkPVE4cm.H.KkJ4q5kUHk8CvZIfLDy1qRh7jTeqK5",
    "$gy$j9T$.qHN5ZUuZNNxsQrA14rvH/$8A0C7W80r8L4WSWjiVsPO6.ZaAiwOMHW/w8DWhvHbaC",
    "$7$CU..../....FX3ZrlyEmTJwaiTY.fCL0/$4bovPaN3tqh4Lp9Jaa23wAck6zJujDsQc4wKm4dvg5B",
    "$2b$05$S1PYU3eg1NiCTMlN/vDZXeGVTdWBEB/kNyXW8KxTHin7ANN06KSsy",
    "$2a$05$vCcbWuO3jvsKiW.H62k8regulQ/VPoWqd0I3d.UmVqL0bWAaEcmj.",
    "$6$FWS0vIQVhV78Qbh3$xF5G/K1KFLP/tOA5QmYhBMjsB42hXAeQZ2RKyCxTRU1f3RSct0hlhqXBUojNLdPsD3NomugX."
    "IqcibLEkoUKs/",
};

class PasswordsFile : public ::testing::Test {
  protected:
    tl::expected<Passwords, std::vector<std::string>> read(const std::string& text) {
        path = folder.write("passwords", text);
        EXPECT_EQ(::chmod(path.c_str(), 0600), 0);
        return Passwords::read(path);
    }
    // What is said of a file with this one line.
    std::string complaint(const std::string& line) {
        const auto passwords = read(line + "\n");
        if (passwords) {
            return "none";
        }
        EXPECT_THAT(passwords.error(), SizeIs(1));
        std::string said = passwords.error().front();
        const std::string place = path + ":1: ";
        EXPECT_THAT(said, ::testing::StartsWith(place));
        return said.substr(std::min(said.size(), place.size()));
    }

    const Folder folder;
    std::string path;
};

TEST_F(PasswordsFile, HasAUserAHashAndOptionsOnALine) {
    const auto passwords = read("# who may log in\n\n  \nann:" + kHashes[0] +
                                "\r\nbob:" + kHashes[5] + ":permitlisten=\"8000\",from=\"::1\"");
    ASSERT_TRUE(passwords) << passwords.error().front();
    EXPECT_EQ(passwords->size(), 2U);
    const auto* ann = passwords->find("ann");
    ASSERT_NE(ann, nullptr);
    EXPECT_EQ(ann->hash, kHashes[0]);
    EXPECT_EQ(ann->options, ssh::KeyOptions{});
    EXPECT_EQ(ann->line, 4U);
    const auto* bob = passwords->find("bob");
    ASSERT_NE(bob, nullptr);
    EXPECT_EQ(bob->hash, kHashes[5]);
    EXPECT_EQ(bob->options, *ssh::parse_key_options("permitlisten=\"8000\",from=\"::1\""));
    EXPECT_EQ(passwords->find("an"), nullptr);
    EXPECT_EQ(passwords->find(""), nullptr);
}

TEST_F(PasswordsFile, TakesEveryGoodMethod) {
    for (const std::string& hash : kHashes) {
        EXPECT_EQ(complaint("ann:" + hash), "none") << hash;
    }
}

// As crypt(3) itself makes them, with salts of its own choice.
TEST_F(PasswordsFile, TakesWhatCryptMakes) {
    for (const char* prefix : {"$y$", "$gy$", "$7$", "$2b$", "$2y$", "$6$"}) {
        char setting[CRYPT_GENSALT_OUTPUT_SIZE];
        ASSERT_NE(crypt_gensalt_rn(prefix, 0, nullptr, 0, setting, sizeof(setting)), nullptr);
        crypt_data work{};
        EXPECT_EQ(complaint("ann:" + std::string(crypt_r("x", setting, &work))), "none") << prefix;
    }
}

TEST_F(PasswordsFile, RefusesOldMethods) {
    for (const std::string hash :
         {"43HSveg.Hi3p6", "$1$fEoL5WtA$wkil668msa8/ln2hDJ4.11", "plain text",
          "$5$1UJMRlVKLSrLDz41$/0No.b7PPAoP/1EdfDjMrgp1nuq7mJLuPJDte3/4ekA", "$9$what$is$this"}) {
        EXPECT_EQ(complaint("ann:" + hash),
                  "the hash is not of a method that resists guessing; make one with: mkpasswd "
                  "--method=yescrypt");
    }
}

TEST_F(PasswordsFile, RefusesDamagedHashes) {
    for (const std::string& hash : kHashes) {
        for (std::string damaged : {hash.substr(0, hash.size() - 1), hash + "a", hash + " "}) {
            EXPECT_THAT(complaint("ann:" + damaged), HasSubstr("the hash is damaged")) << damaged;
        }
        std::string odd = hash;
        odd.back() = '!';
        EXPECT_THAT(complaint("ann:" + odd), HasSubstr("the hash is damaged")) << odd;
    }
    EXPECT_THAT(complaint("ann:$6$"), HasSubstr("the hash is damaged"));
    std::string bad_salt = kHashes[0];
    bad_salt[10] = ';';
    EXPECT_THAT(complaint("ann:" + bad_salt), HasSubstr("the hash is damaged"));
}

TEST_F(PasswordsFile, RefusesWhatIsNoLine) {
    EXPECT_EQ(complaint("ann"), "this is no USER:HASH");
    EXPECT_THAT(complaint("ann:"), HasSubstr("there is no hash"));
    EXPECT_THAT(complaint("ann:!"), HasSubstr("locks the user out"));
    EXPECT_THAT(complaint("ann:*"), HasSubstr("locks the user out"));
    EXPECT_THAT(complaint(":" + kHashes[0]), HasSubstr("no user's name"));
    EXPECT_THAT(complaint("a b:" + kHashes[0]), HasSubstr("\"a b\" has a space or control"));
}

TEST_F(PasswordsFile, RefusesOptionsThatItCannotHonour) {
    EXPECT_THAT(complaint("ann:" + kHashes[0] + ":port-forewarding"),
                HasSubstr("port-forewarding"));
    EXPECT_THAT(complaint("ann:" + kHashes[0] + ":cert-authority"), HasSubstr("about keys"));
    EXPECT_THAT(complaint("ann:" + kHashes[0] + ":verify-required"), HasSubstr("about keys"));
}

TEST_F(PasswordsFile, ReportsEveryMistakeUpToABound) {
    auto passwords = read("ann:x\nbob:" + kHashes[0] + "\nbob:" + kHashes[1] + "\n");
    ASSERT_FALSE(passwords);
    EXPECT_THAT(passwords.error(), ElementsAre(HasSubstr(path + ":1: "),
                                               path + ":3: the user \"bob\" is already in line 2"));
    std::string many;
    for (int line = 0; line < 100; ++line) {
        many += "x\n";
    }
    passwords = read(many);
    ASSERT_FALSE(passwords);
    EXPECT_THAT(passwords.error(), SizeIs(Passwords::kComplaintsMax));
}

TEST_F(PasswordsFile, NeverRepeatsAHash) {
    EXPECT_THAT(complaint("ann:hunter2"), ::testing::Not(HasSubstr("hunter2")));
    EXPECT_THAT(complaint("ann:" + kHashes[0] + "hunter2"), ::testing::Not(HasSubstr("hunter2")));
    EXPECT_THAT(complaint("hunter2"), ::testing::Not(HasSubstr("hunter2")));
}

TEST_F(PasswordsFile, IsOpenToNobodyElse) {
    ASSERT_TRUE(read("ann:" + kHashes[0]));
    for (const mode_t mode : {0640U, 0604U, 0620U, 0601U}) {
        ASSERT_EQ(::chmod(path.c_str(), mode), 0);
        const auto passwords = Passwords::read(path);
        ASSERT_FALSE(passwords);
        EXPECT_THAT(passwords.error(),
                    ElementsAre(path + ": open to others; run: chmod 600 " + path));
    }
}

TEST_F(PasswordsFile, BelongsToRootOrUs) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "only root can give a file away";
    }
    ASSERT_TRUE(read("ann:" + kHashes[0]));
    ASSERT_EQ(::chown(path.c_str(), 65534, 65534), 0);
    EXPECT_THAT(Passwords::read(path).error(), ElementsAre(HasSubstr("belongs to another user")));
}

TEST_F(PasswordsFile, IsAFileOfBoundedSize) {
    EXPECT_TRUE(read(std::string(Passwords::kFileBytesMax, '\n')));
    EXPECT_THAT(read(std::string(Passwords::kFileBytesMax + 1, '\n')).error(),
                ElementsAre(HasSubstr("longer than 1048576 bytes")));
    EXPECT_THAT(Passwords::read(folder.path()).error(),
                ElementsAre(HasSubstr("not a regular file")));
    EXPECT_THAT(Passwords::read(folder.path("none")).error(),
                ElementsAre(folder.path("none") + ": No such file or directory"));
}

TEST_F(PasswordsFile, TriesAnUnknownUserLikeAlwaysTheSameKnownOne) {
    const auto passwords = read("ann:" + kHashes[0] + "\nbob:" + kHashes[5] + "\n");
    ASSERT_TRUE(passwords);
    EXPECT_EQ(passwords->hash_to_try("ann"), kHashes[0]);
    EXPECT_EQ(passwords->hash_to_try("bob"), kHashes[5]);
    std::set<std::string> tried;
    for (int number = 0; number < 100; ++number) {
        const std::string stranger = "stranger" + std::to_string(number);
        tried.insert(passwords->hash_to_try(stranger));
        EXPECT_EQ(passwords->hash_to_try(stranger), passwords->hash_to_try(stranger));
    }
    EXPECT_EQ(tried, (std::set<std::string>{kHashes[0], kHashes[5]}));
}

TEST_F(PasswordsFile, HasAHashToTryEvenIfItIsEmpty) {
    const auto passwords = read("");
    ASSERT_TRUE(passwords);
    EXPECT_EQ(passwords->size(), 0U);
    crypt_data work{};
    const char* made = crypt_r("x", passwords->hash_to_try("ann").c_str(), &work);
    ASSERT_NE(made, nullptr);
    EXPECT_THAT(made, ::testing::StartsWith("$y$"));
}

}  // namespace
}  // namespace portreeve::daemon
