#include "daemon/key_watch.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/ssh/folder.h"
#include "tests/unit/uring/rings.h"

namespace portreeve::daemon {
namespace {

namespace fs = std::filesystem;

class KeyWatched : public uring::test::RealRing, private KeyWatch::Events {
  protected:
    void SetUp() override {
        RealRing::SetUp();
        if (ring) {
            watch_ = std::make_unique<KeyWatch>(*ring, static_cast<KeyWatch::Events&>(*this));
        }
    }
    void TearDown() override {
        if (watch_) {
            watch_->stop();
            turn_until([&] { return watch_->idle(); });
            watch_.reset();
        }
        RealRing::TearDown();
    }
    void on_keys_touched() override {
        ++touched_;
        EXPECT_EQ(watch_->watch(paths_), "");
    }
    void on_key_watch_joined() override { ++joined_; }

    void watch(std::vector<std::string> paths) {
        paths_ = std::move(paths);
        ASSERT_EQ(watch_->watch(paths_), "");
    }
    // What `change` does to the files is told, once.
    template <class Change>
    void expect_told(Change change) {
        const int before = touched_;
        change();
        turn_until([&] { return touched_ > before; });
        EXPECT_EQ(touched_, before + 1);
    }
    // What `change` does is looked at, and nothing is told.
    template <class Change>
    void expect_not_told(Change change) {
        const int before = touched_;
        const std::uint64_t looks = watch_->looks();
        change();
        turn_until([&] { return watch_->looks() > looks && !watch_->idle(); });
        EXPECT_EQ(touched_, before);
    }
    void append(const std::string& name) const {
        std::ofstream(folder_.path(name), std::ios::app) << "more\n";
    }
    void rename(const std::string& from, const std::string& to) const {
        fs::rename(folder_.path(from), folder_.path(to));
    }

    ssh::testing::Folder folder_;
    std::vector<std::string> paths_;
    std::unique_ptr<KeyWatch> watch_;
    int touched_ = 0;
    int joined_ = 0;
};

TEST_F(KeyWatched, AFileThatIsWrittenTo) {
    watch({folder_.write("keys", "one\n")});
    expect_told([&] { append("keys"); });
    expect_told([&] { append("keys"); });
    expect_told([&] { folder_.write("keys", ""); });
}

TEST_F(KeyWatched, AFileThatIsRenamedIntoItsPlace) {
    watch({folder_.write("keys", "one\n")});
    expect_not_told([&] { folder_.write("keys.new", "two\n"); });
    expect_told([&] { rename("keys.new", "keys"); });
    expect_told([&] { append("keys"); });
}

TEST_F(KeyWatched, AFileThatGoesAndComes) {
    watch({folder_.write("keys", "one\n")});
    expect_told([&] { fs::remove(folder_.path("keys")); });
    expect_told([&] { folder_.write("keys", "two\n"); });
}

TEST_F(KeyWatched, AFileWhoseFoldersAreNotThereYet) {
    watch({folder_.path("a/b/keys")});
    expect_told([&] {
        fs::create_directories(folder_.path("a/b"));
        folder_.write("a/b/keys", "one\n");
    });
    expect_told([&] { append("a/b/keys"); });
}

TEST_F(KeyWatched, AFileThatMayBeReadNow) {
    watch({folder_.write("keys", "one\n")});
    expect_told([&] { ::chmod(folder_.path("keys").c_str(), 0600); });
}

TEST_F(KeyWatched, AFolderWhoseFilesComeAndGo) {
    fs::create_directory(folder_.path("keys"));
    watch({folder_.path("keys")});
    expect_told([&] { folder_.write("keys/alice", "one\n"); });
    expect_not_told([&] { folder_.write("keys/.alice.swp", "one\n"); });
    expect_told([&] { rename("keys/alice", "keys/bob"); });
    expect_told([&] { fs::remove(folder_.path("keys/bob")); });
}

TEST_F(KeyWatched, AFolderThatIsReplacedAsAWhole) {
    fs::create_directory(folder_.path("keys"));
    fs::create_directory(folder_.path("next"));
    watch({folder_.path("keys")});
    expect_told([&] {
        rename("keys", "before");
        rename("next", "keys");
    });
    expect_told([&] { folder_.write("keys/alice", "one\n"); });
    expect_not_told([&] {
        folder_.write("before/alice", "one\n");  // no more looked at than its neighbour
        folder_.write("neighbour", "");
    });
}

TEST_F(KeyWatched, ALinkThatComesToPointElsewhere) {
    for (const char* name : {"one", "two"}) {
        fs::create_directory(folder_.path(name));
        folder_.write(std::string(name) + "/alice", name);
    }
    fs::create_symlink("one", folder_.path("..data"));
    fs::create_symlink("..data/alice", folder_.path("alice"));
    watch({folder_.path("alice")});
    fs::create_symlink("two", folder_.path("..data.new"));
    expect_told([&] { rename("..data.new", "..data"); });
    expect_told([&] { append("two/alice"); });
    expect_not_told([&] {
        append("one/alice");
        folder_.write("neighbour", "");
    });
}

TEST_F(KeyWatched, ABurstIsToldOnce) {
    watch({folder_.write("keys", "one\n"), folder_.path("others")});
    expect_told([&] {
        for (int count = 0; count < 500; ++count) {
            append("keys");
            folder_.write("others", "one\n");
        }
    });
}

TEST_F(KeyWatched, AFileThatNeverRestsIsToldAllTheSame) {
    watch({folder_.write("keys", "one\n")});
    const std::int64_t begin_ms = ring->kernel().now_ms();
    turn_until([&] {
        append("keys");
        return touched_ > 0;
    });
    EXPECT_GE(ring->kernel().now_ms() - begin_ms, KeyWatch::kPatienceMs);
}

TEST_F(KeyWatched, AFileThatIsBeingWrittenIsReadWhenItIsClosed) {
    watch({folder_.write("keys", "one\n")});
    std::ofstream file(folder_.path("keys"));  // cut to nothing
    file << "half a li" << std::flush;
    expect_not_told([&] { folder_.write("neighbour", ""); });
    expect_told([&] { file.close(); });
}

TEST_F(KeyWatched, MoreChangesThanTheKernelCountsAreChangesToo) {
    watch({folder_.write("keys", "one\n")});
    std::ifstream setting("/proc/sys/fs/inotify/max_queued_events");
    int events_max = 0;
    setting >> events_max;
    ASSERT_GT(events_max, 0);
    folder_.write("a", "");
    expect_told([&] {
        for (int count = 0; count <= events_max; ++count) {
            rename(count % 2 == 0 ? "a" : "b", count % 2 == 0 ? "b" : "a");
        }
    });
}

// How many folders this process watches, as the kernel has it.
std::size_t watches() {
    std::size_t count = 0;
    for (const auto& entry : fs::directory_iterator("/proc/self/fdinfo")) {
        std::ifstream info(entry.path());
        for (std::string line; std::getline(info, line);) {
            count += line.starts_with("inotify wd:") ? 1U : 0U;
        }
    }
    return count;
}

TEST_F(KeyWatched, WhatIsNoLongerNamedIsNoLongerWatched) {
    const std::size_t before = watches();
    fs::create_directory(folder_.path("one"));
    fs::create_directory(folder_.path("two"));
    watch({folder_.path("one/keys")});
    const std::size_t with_one = watches();
    EXPECT_GT(with_one, before);
    watch({folder_.path("one/keys"), folder_.path("two/keys")});
    EXPECT_EQ(watches(), with_one + 1);
    watch({folder_.path("two/keys")});
    EXPECT_EQ(watches(), with_one);
    expect_not_told([&] {
        folder_.write("one/keys", "");
        folder_.write("neighbour", "");
    });
}

TEST_F(KeyWatched, NothingAfterItIsStopped) {
    watch({folder_.write("keys", "one\n")});
    ASSERT_FALSE(watch_->idle());
    watch_->stop();
    append("keys");
    turn_until([&] { return watch_->idle(); });
    EXPECT_EQ(joined_, 1);
    EXPECT_EQ(touched_, 0);
}

}  // namespace
}  // namespace portreeve::daemon
