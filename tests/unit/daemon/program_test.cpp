// Which programs are safe to run, and whom they run as. How they are started is seen in
// key_command_test.cpp.
#include "daemon/program.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "tests/unit/ssh/folder.h"

namespace portreeve::daemon {
namespace {

using ssh::testing::Folder;
using ::testing::HasSubstr;

// A program that safe_program() takes, in a folder of the test's own.
class SafeProgram : public ::testing::Test {
  protected:
    SafeProgram() : path(folder.path("bin") + "/keys") {
        std::filesystem::create_directory(folder.path("bin"));
        folder.write("bin/keys", "#!/bin/sh\n");
        change_mode(path, 0755);
        change_mode(folder.path("bin"), 0755);
    }
    static void change_mode(const std::string& of, mode_t mode) {
        ASSERT_EQ(::chmod(of.c_str(), mode), 0) << of;
    }
    static std::string fault(const std::string& of) {
        const auto safe = safe_program(of);
        return safe ? "safe" : safe.error();
    }

    const Folder folder;
    const std::string path;
};

TEST_F(SafeProgram, IsOneThatOnlyRootAndWeCanChange) {
    EXPECT_EQ(safe_program(path), path);
    EXPECT_EQ(safe_program("/bin/sh"), std::filesystem::canonical("/bin/sh").string());
}

TEST_F(SafeProgram, IsNamedByWhereItsLinksLead) {
    std::filesystem::create_symlink(path, folder.path("link"));
    EXPECT_EQ(safe_program(folder.path("link")), path);
    EXPECT_EQ(safe_program(folder.path("bin/../bin//keys")), path);
}

TEST_F(SafeProgram, IsNotWritableByOthers) {
    for (const mode_t mode : {0775U, 0757U}) {
        change_mode(path, mode);
        EXPECT_EQ(fault(path), path + " can be changed by others; run: chmod go-w " + path);
    }
}

TEST_F(SafeProgram, IsInFoldersThatOthersCannotChange) {
    const std::string bin = folder.path("bin");
    change_mode(bin, 0775);
    EXPECT_EQ(fault(path), bin + " can be changed by others; run: chmod go-w " + bin);
    change_mode(bin, 0755);
    change_mode(folder.path(), 0757);
    EXPECT_THAT(fault(path), HasSubstr(folder.path() + " can be changed by others"));
}

TEST_F(SafeProgram, MayBeInAFolderWhereNobodyReplacesWhatIsNotTheirs) {
    change_mode(folder.path("bin"), 01777);
    EXPECT_EQ(safe_program(path), path);
    change_mode(path, 01777);  // of a file the bit says nothing
    EXPECT_THAT(fault(path), HasSubstr("can be changed by others"));
}

TEST_F(SafeProgram, BelongsToRootOrUs) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "only root can give a file away";
    }
    ASSERT_EQ(::chown(path.c_str(), 65534, 65534), 0);
    EXPECT_EQ(fault(path),
              path + " belongs to another user (number 65534); run: chown root " + path);
    ASSERT_EQ(::chown(path.c_str(), 0, 0), 0);
    ASSERT_EQ(::chown(folder.path("bin").c_str(), 65534, 65534), 0);
    EXPECT_THAT(fault(path), HasSubstr(folder.path("bin") + " belongs to another user"));
}

TEST_F(SafeProgram, CanBeExecuted) {
    change_mode(path, 0644);
    EXPECT_EQ(fault(path), path + " cannot be executed; run: chmod +x " + path);
    EXPECT_THAT(fault(folder.path("bin")), HasSubstr("is not a program"));
    EXPECT_THAT(fault(folder.path("none")), HasSubstr("/none: No such file or directory"));
}

TEST(Input, IsThereWholeAndNeverChanges) {
    const std::string text(200'000, 'x');  // more than a pipe takes
    const auto file = make_input(text);
    ASSERT_TRUE(file) << file.error();
    std::string found(text.size() + 1, '\0');
    EXPECT_EQ(::read(file->get(), found.data(), found.size()), static_cast<ssize_t>(text.size()));
    EXPECT_EQ(found.substr(0, text.size()), text);
    EXPECT_LT(::pwrite(file->get(), "y", 1, 0), 0);
    EXPECT_LT(::ftruncate(file->get(), 0), 0);
    EXPECT_NE(::fcntl(file->get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST(Account, IsTheDaemonsOwnUnlessItIsRoot) {
    const auto account = resolve_account("nobody");
    ASSERT_TRUE(account) << account.error();
    if (::geteuid() == 0) {
        EXPECT_EQ(account->name, "nobody");
        EXPECT_FALSE(account->is_own);
        EXPECT_NE(account->uid, 0U);
        EXPECT_THAT(account->groups, ::testing::Contains(account->gid));
    } else {
        EXPECT_EQ(account->uid, ::geteuid());
        EXPECT_TRUE(account->is_own);
    }
}

TEST(Account, OfRootNeedsNoSwitching) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "only root can run as another";
    }
    const auto account = resolve_account("root");
    ASSERT_TRUE(account) << account.error();
    EXPECT_TRUE(account->is_own);
    EXPECT_EQ(account->home, "/root");
}

TEST(Account, ThatDoesNotExistIsSaid) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "only root can run as another";
    }
    const auto account = resolve_account("no-such-account");
    ASSERT_FALSE(account);
    EXPECT_EQ(account.error(),
              "there is no account no-such-account; name one that there is, or make it: useradd "
              "--system no-such-account");
}

}  // namespace
}  // namespace portreeve::daemon
