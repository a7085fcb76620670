// The thread that writes leases: the newest set, without waiting, once and again until it works.
#include "daemon/lease_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <condition_variable>
#include <mutex>

#include "tests/unit/daemon/leases.h"
#include "tests/unit/ssh/folder.h"

namespace portreeve::daemon {
namespace {

using ssh::testing::Folder;
using test::leases;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using namespace std::chrono_literals;

constexpr auto kPatience = 30s;
constexpr Pace kSoon{1ms, 4ms};
constexpr Pace kNever{24h, 24h};

// What a test and the writer's thread both look at.
class Gate {
  public:
    // On the writer's thread, at the start of each write: what it shall return.
    int pass() {
        std::unique_lock lock(mutex_);
        ++tries_;
        changed_.notify_all();
        EXPECT_TRUE(changed_.wait_for(lock, kPatience, [this] { return open_; }));
        return error_;
    }
    void report(const std::string& failure) {
        const std::lock_guard lock(mutex_);
        reports_.push_back(failure);
        changed_.notify_all();
    }

    void set_open(bool open) {
        const std::lock_guard lock(mutex_);
        open_ = open;
        changed_.notify_all();
    }
    void set_error(int error) {
        const std::lock_guard lock(mutex_);
        error_ = error;
    }
    void wait_tries(std::size_t count) {
        std::unique_lock lock(mutex_);
        ASSERT_TRUE(changed_.wait_for(lock, kPatience, [&] { return tries_ >= count; }));
    }
    void wait_reports(std::size_t count) {
        std::unique_lock lock(mutex_);
        ASSERT_TRUE(changed_.wait_for(lock, kPatience, [&] { return reports_.size() >= count; }));
    }
    [[nodiscard]] std::size_t tries() {
        const std::lock_guard lock(mutex_);
        return tries_;
    }
    [[nodiscard]] std::vector<std::string> reports() {
        const std::lock_guard lock(mutex_);
        return reports_;
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool open_ = true;
    int error_ = 0;
    std::size_t tries_ = 0;
    std::vector<std::string> reports_;
};

class GatedDisk final : public Disk {
  public:
    explicit GatedDisk(Gate& gate) : gate_(gate) {}
    tl::expected<uring::Fd, int> create(const std::string& path) override {
        if (const int error = gate_.pass(); error != 0) {
            return tl::unexpected(error);
        }
        return host_.create(path);
    }
    tl::expected<uring::Fd, int> open_folder(const std::string& path) override {
        return host_.open_folder(path);
    }
    ssize_t write(const uring::Fd& file, std::span<const std::byte> bytes) override {
        return host_.write(file, bytes);
    }
    int sync(const uring::Fd& file) override { return host_.sync(file); }
    int rename(const std::string& from, const std::string& to) override {
        return host_.rename(from, to);
    }
    int remove(const std::string& path) override { return host_.remove(path); }

  private:
    HostDisk host_;
    Gate& gate_;
};

class LeaseWriterTest : public ::testing::Test {
  protected:
    void start(Pace pace) {
        writer = std::make_unique<LeaseWriter>(
            folder.path(), [this](const std::string& failure) { gate.report(failure); },
            std::make_unique<GatedDisk>(gate), pace);
    }
    void expect_kept(std::size_t count) const {
        const LoadedLeases loaded = load_leases(folder.path());
        EXPECT_EQ(loaded.complaint, "");
        EXPECT_EQ(loaded.records, leases(count));
    }

    Folder folder;
    Gate gate;
    std::unique_ptr<LeaseWriter> writer;
};

TEST_F(LeaseWriterTest, WritesNothingUnasked) {
    start(kSoon);
    writer.reset();
    EXPECT_EQ(gate.tries(), 0U);
    EXPECT_FALSE(std::filesystem::exists(folder.path("leases")));
}

TEST_F(LeaseWriterTest, WritesWhatIsLeftBeforeItEnds) {
    LeaseWriter(folder.path(), [](const std::string&) {}).save(leases(3));
    expect_kept(3);
    start(kNever);
    gate.set_open(false);
    writer->save(leases(1));
    gate.wait_tries(1);
    writer->save(leases(2));
    gate.set_open(true);
    writer.reset();
    expect_kept(2);
}

TEST_F(LeaseWriterTest, WritesOnlyTheNewestOfThoseThatWait) {
    start(kNever);
    gate.set_open(false);
    writer->save(leases(0));
    gate.wait_tries(1);
    for (std::size_t count = 1; count <= 100; ++count) {
        writer->save(leases(count));  // returns, while the disk does not
    }
    gate.set_open(true);
    writer.reset();
    EXPECT_EQ(gate.tries(), 2U);
    expect_kept(100);
    EXPECT_THAT(gate.reports(), IsEmpty());
}

TEST_F(LeaseWriterTest, TriesAgainAndTellsOnceOfEachChange) {
    start(kSoon);
    gate.set_error(-ENOSPC);
    writer->save(leases(1));
    gate.wait_tries(10);
    EXPECT_THAT(gate.reports(), ElementsAre(HasSubstr("cannot be made: No space left on device")));
    writer->save(leases(2));  // the one to be written, once that can be done
    gate.set_error(0);
    gate.wait_reports(2);
    EXPECT_EQ(gate.reports().back(), "");
    gate.set_error(-EIO);
    writer->save(leases(3));
    gate.wait_reports(3);
    EXPECT_THAT(gate.reports().back(), HasSubstr("Input/output error"));
    gate.set_error(0);
    gate.wait_reports(4);
    EXPECT_THAT(gate.reports(), ::testing::SizeIs(4));
    writer.reset();
    expect_kept(3);
}

TEST_F(LeaseWriterTest, DoesNotHammerADiskThatFails) {
    start(kNever);
    gate.set_error(-ENOSPC);
    writer->save(leases(1));
    gate.wait_reports(1);
    for (std::size_t count = 2; count <= 100; ++count) {
        writer->save(leases(count));
    }
    writer.reset();  // one last try, without waiting for the pause
    EXPECT_EQ(gate.tries(), 2U);
    EXPECT_THAT(gate.reports(), ::testing::SizeIs(1));
}

TEST_F(LeaseWriterTest, SavesAtTheEndWhatFailedBefore) {
    start(kNever);
    gate.set_error(-ENOSPC);
    writer->save(leases(5));
    gate.wait_reports(1);
    gate.set_error(0);
    writer.reset();
    expect_kept(5);
    EXPECT_THAT(gate.reports(), ElementsAre(HasSubstr("No space"), ""));
}

}  // namespace
}  // namespace portreeve::daemon
