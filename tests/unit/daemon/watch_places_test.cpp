#include "daemon/watch_places.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "tests/unit/ssh/folder.h"

namespace portreeve::daemon {
namespace {

namespace fs = std::filesystem;
using ssh::testing::Folder;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Not;

class Places : public ::testing::Test {
  protected:
    // The names that matter in `folder`, which is below the test's own.
    WatchedNames in(const WatchPlaces& places, const std::string& folder = "") {
        const auto found = places.folders.find(root_ + (folder.empty() ? "" : "/" + folder));
        EXPECT_NE(found, places.folders.end()) << folder;
        return found == places.folders.end() ? WatchedNames{} : found->second;
    }

    Folder folder_;
    std::string root_ = fs::canonical(folder_.path()).string();
};

TEST_F(Places, OfAFileAreAllFoldersAboveIt) {
    const WatchPlaces places = WatchPlaces::of({folder_.write("keys", "")});
    EXPECT_THAT(in(places).names, ElementsAre("keys"));
    EXPECT_FALSE(in(places).all);
    EXPECT_THAT(places.folders, Contains(::testing::Key("/")));
    EXPECT_FALSE(places.cut);
}

TEST_F(Places, OfWhatIsNotThereYetEndWhereItWouldBe) {
    const WatchPlaces places = WatchPlaces::of({folder_.path("a/b/keys")});
    EXPECT_THAT(in(places).names, ElementsAre("a"));
    fs::create_directories(folder_.path("a/b"));
    EXPECT_THAT(in(WatchPlaces::of({folder_.path("a/b/keys")}), "a/b").names, ElementsAre("keys"));
}

TEST_F(Places, OfAFolderIncludeIt) {
    fs::create_directory(folder_.path("keys"));
    folder_.write("keys/alice", "");
    const WatchedNames names = in(WatchPlaces::of({folder_.path("keys")}), "keys");
    EXPECT_TRUE(names.all);
    EXPECT_TRUE(names.matter("bob"));
    EXPECT_FALSE(names.matter(".bob.swp"));
}

TEST_F(Places, FollowLinksFromOneToTheNext) {
    fs::create_directories(folder_.path("volume/one"));
    folder_.write("volume/one/alice", "");
    fs::create_symlink("one", folder_.path("volume/..data"));
    fs::create_symlink("..data/alice", folder_.path("volume/alice"));
    fs::create_symlink("volume/../volume", folder_.path("keys"));
    const WatchPlaces places = WatchPlaces::of({folder_.path("keys")});
    EXPECT_THAT(in(places).names, ElementsAre("keys", "volume"));
    EXPECT_TRUE(in(places, "volume").all);
    EXPECT_TRUE(in(places, "volume").matter("..data"));
    EXPECT_THAT(in(places, "volume/one").names, ElementsAre("alice"));
    EXPECT_THAT(places.folders, Not(Contains(::testing::Key(root_ + "/keys"))));
}

TEST_F(Places, OfALinkToItselfHaveAnEnd) {
    fs::create_symlink("loop", folder_.path("loop"));
    EXPECT_THAT(in(WatchPlaces::of({folder_.path("loop/keys")})).names, ElementsAre("loop"));
}

TEST_F(Places, AreNoMoreThanTheirBound) {
    fs::create_directory(folder_.path("keys"));
    for (std::size_t count = 0; count <= WatchPlaces::kFoldersMax; ++count) {
        const std::string name = std::to_string(count);
        fs::create_directories(folder_.path("real/" + name));
        fs::create_symlink("../real/" + name + "/key", folder_.path("keys/" + name));
    }
    const WatchPlaces places = WatchPlaces::of({folder_.path("keys")});
    EXPECT_EQ(places.folders.size(), WatchPlaces::kFoldersMax);
    EXPECT_TRUE(places.cut);
}

}  // namespace
}  // namespace portreeve::daemon
