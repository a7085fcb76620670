#include "ssh/secret_file.h"

#include <gtest/gtest.h>

namespace portreeve::ssh {
namespace {

constexpr uid_t kRoot = 0;
constexpr uid_t kUs = 990;

bool open_at(mode_t mode, uid_t owner, gid_t group, uid_t user) {
    struct stat status {};
    status.st_mode = S_IFREG | mode;
    status.st_uid = owner;
    status.st_gid = group;
    return open_to_others(status, user);
}

TEST(SecretFile, IsForItsOwnerOnly) {
    for (const uid_t user : {kRoot, kUs}) {
        for (const mode_t mode : {0400U, 0600U, 0700U}) {
            EXPECT_FALSE(open_at(mode, user, user, user)) << mode;
        }
        for (const mode_t mode : {0640U, 0620U, 0610U, 0604U, 0602U, 0601U}) {
            EXPECT_TRUE(open_at(mode, user, user, user)) << mode;
        }
    }
}

TEST(SecretFile, MayBeACredentialOfASystemdThatHasAccessLists) {
    EXPECT_FALSE(open_at(0440, kRoot, kRoot, kUs));
    EXPECT_TRUE(open_at(0440, kRoot, kRoot, kRoot)) << "root needs no access list";
    EXPECT_TRUE(open_at(0440, kRoot, kUs, kUs)) << "a group's file is for the group";
    EXPECT_TRUE(open_at(0440, kUs, kRoot, kUs));
    EXPECT_TRUE(open_at(0460, kRoot, kRoot, kUs));
    EXPECT_TRUE(open_at(0444, kRoot, kRoot, kUs));
}

}  // namespace
}  // namespace portreeve::ssh
