// The file of leases on a real file system: what is kept, what is set aside, what is told.
#include "daemon/lease_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/unit/daemon/leases.h"
#include "tests/unit/ssh/folder.h"

namespace portreeve::daemon {
namespace {

using ssh::testing::Folder;
using test::lease;
using test::leases;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

std::vector<std::string> names_in(const std::string& path) {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(path)) {
        names.push_back(entry.path().filename());
    }
    std::sort(names.begin(), names.end());
    return names;
}

std::string content(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
}

class LeaseStore : public ::testing::Test {
  protected:
    void save(const std::vector<LeaseRecord>& records) {
        const auto done = save_leases(disk, folder.path(), records);
        ASSERT_TRUE(done) << done.error();
    }
    // What is there is set aside, with this sentence and what it held.
    void expect_set_aside(const std::string& why, const std::string& held) {
        const LoadedLeases loaded = load_leases(folder.path());
        EXPECT_THAT(loaded.records, IsEmpty());
        EXPECT_THAT(loaded.complaint, StartsWith(folder.path("leases: ") + why +
                                                 "; no lease of before holds, and the file was set "
                                                 "aside as " +
                                                 folder.path("leases.damaged-2")));
        const auto names = names_in(folder.path());
        ASSERT_THAT(names, ElementsAre(StartsWith("leases.damaged-2")));
        EXPECT_THAT(loaded.complaint, ::testing::EndsWith(names.front()));
        EXPECT_EQ(content(folder.path(names.front())), held);
        EXPECT_EQ(load_leases(folder.path()).complaint, "") << "it is told once";
        std::filesystem::remove(folder.path(names.front()));
    }

    Folder folder;
    HostDisk disk;
};

TEST_F(LeaseStore, HasNothingToSayOfAFileThatIsNotThere) {
    const LoadedLeases loaded = load_leases(folder.path());
    EXPECT_THAT(loaded.records, IsEmpty());
    EXPECT_EQ(loaded.complaint, "");
    EXPECT_THAT(names_in(folder.path()), IsEmpty());
}

TEST_F(LeaseStore, GivesBackTheNewestSet) {
    for (const std::size_t count : {3U, 0U, 500U, 1U}) {
        save(leases(count, count));
        const LoadedLeases loaded = load_leases(folder.path());
        EXPECT_EQ(loaded.complaint, "");
        EXPECT_EQ(loaded.records, leases(count, count));
        EXPECT_THAT(names_in(folder.path()), ElementsAre("leases"));
    }
}

TEST_F(LeaseStore, IsForItsOwnerAlone) {
    const mode_t before = ::umask(0);
    save({lease(1)});
    ::umask(before);
    struct stat facts {};
    ASSERT_EQ(::stat(folder.path("leases").c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 07777U, 0600U);
}

TEST_F(LeaseStore, RemovesWhatACutOffWriteLeft) {
    save({lease(1)});
    folder.write("leases.new", "half of a");
    EXPECT_EQ(load_leases(folder.path()).records, leases(1));
    EXPECT_THAT(names_in(folder.path()), ElementsAre("leases"));
    folder.write("leases.new", "half of a");  // and nobody loaded since
    save(leases(2));
    EXPECT_EQ(load_leases(folder.path()).records, leases(2));
}

// Where another might wait in the folder, a link is not written through.
TEST_F(LeaseStore, FollowsNoLink) {
    folder.write("other", "not ours");
    std::filesystem::create_symlink(folder.path("other"), folder.path("leases.new"));
    save({lease(1)});
    EXPECT_EQ(content(folder.path("other")), "not ours");
    std::filesystem::remove(folder.path("other"));
    std::filesystem::rename(folder.path("leases"), folder.path("other"));
    std::filesystem::create_symlink(folder.path("other"), folder.path("leases"));
    EXPECT_THAT(load_leases(folder.path()).complaint, HasSubstr("cannot be read: Too many levels"));
}

TEST_F(LeaseStore, SetsAsideWhatIsDamaged) {
    save(leases(3));
    std::string text = content(folder.path("leases"));
    text[text.size() / 2] ^= 1;
    folder.write("leases", text);
    expect_set_aside("is damaged: its checksum does not fit", text);
    folder.write("leases", "");
    expect_set_aside("does not begin as a file of leases does", "");
    text = "# portreeve leases, format 2, sha256 0\n";
    folder.write("leases", text);
    expect_set_aside("is not of format 1, the one that this version reads", text);
    save(leases(3));
    EXPECT_EQ(load_leases(folder.path()).records, leases(3)) << "life goes on";
}

TEST_F(LeaseStore, SetsAsideWhatIsTooLong) {
    folder.write("leases", "");
    std::filesystem::resize_file(folder.path("leases"), std::uintmax_t{1} << 40U);  // a hole
    EXPECT_THAT(load_leases(folder.path()).complaint, HasSubstr("is longer than 461373440 bytes"));
    EXPECT_THAT(names_in(folder.path()), ElementsAre(StartsWith("leases.damaged-")));
}

TEST_F(LeaseStore, SetsAsideWhatIsNoFile) {
    std::filesystem::create_directory(folder.path("leases"));
    EXPECT_THAT(load_leases(folder.path()).complaint, HasSubstr("leases: is not a regular file"));
    ASSERT_EQ(::mkfifo(folder.path("leases").c_str(), 0600), 0);
    EXPECT_THAT(load_leases(folder.path()).complaint, HasSubstr("leases: is not a regular file"));
    EXPECT_THAT(names_in(folder.path()), ::testing::SizeIs(2));
}

TEST_F(LeaseStore, KeepsAFewOfTheDamagedAndTheNewestOfThem) {
    folder.write("leases.damaged-20000101T000000.000000Z", "the oldest");
    for (std::size_t count = 0; count < 2 * kDamagedLeasesMax; ++count) {
        folder.write("leases", "damaged " + std::to_string(count));
        EXPECT_NE(load_leases(folder.path()).complaint, "");
    }
    const auto names = names_in(folder.path());
    ASSERT_EQ(names.size(), kDamagedLeasesMax);
    for (std::size_t at = 0; at < names.size(); ++at) {
        EXPECT_EQ(content(folder.path(names[at])),
                  "damaged " + std::to_string(at + kDamagedLeasesMax));
    }
}

TEST_F(LeaseStore, SaysWhatCannotBeDone) {
    const auto nowhere = save_leases(disk, folder.path("nowhere"), {lease(1)});
    ASSERT_FALSE(nowhere);
    EXPECT_EQ(nowhere.error(),
              folder.path("nowhere/leases.new") + ": cannot be made: No such file or directory");
    EXPECT_EQ(load_leases(folder.path("nowhere")).complaint, "");
    LeaseRecord wrong = lease(1);
    wrong.port = 0;
    EXPECT_EQ(save_leases(disk, folder.path(), {wrong}).error(),
              folder.path("leases: these leases cannot be kept: lease 1 has port 0"));
    EXPECT_THAT(names_in(folder.path()), IsEmpty());
}

// A file system of a few pages, gone with the object.
class SmallDisk {
  public:
    explicit SmallDisk(const std::string& path) : path_(path) {
        mounted_ = ::mount("leases", path.c_str(), "tmpfs", 0, "size=64k") == 0;
        why_not_ = mounted_ ? "" : std::strerror(errno);
    }
    SmallDisk(const SmallDisk&) = delete;
    SmallDisk& operator=(const SmallDisk&) = delete;
    SmallDisk(SmallDisk&&) = delete;
    SmallDisk& operator=(SmallDisk&&) = delete;
    ~SmallDisk() {
        if (mounted_) {
            ::umount2(path_.c_str(), MNT_DETACH);
        }
    }
    [[nodiscard]] const std::string& why_not() const { return why_not_; }

  private:
    std::string path_;
    bool mounted_;
    std::string why_not_;
};

TEST_F(LeaseStore, OutlivesAFullDisk) {
    const SmallDisk small(folder.path());
    if (!small.why_not().empty()) {
        GTEST_SKIP() << "no file system can be mounted here: " << small.why_not();
    }
    save(leases(20));
    const auto full = save_leases(disk, folder.path(), leases(1000));
    ASSERT_FALSE(full);
    EXPECT_EQ(full.error(),
              folder.path("leases.new") + ": cannot be written: No space left on device");
    EXPECT_THAT(names_in(folder.path()), ElementsAre("leases")) << "its pages are free again";
    EXPECT_EQ(load_leases(folder.path()).records, leases(20));
    save(leases(21));
    EXPECT_EQ(load_leases(folder.path()).records, leases(21));
}

}  // namespace
}  // namespace portreeve::daemon
