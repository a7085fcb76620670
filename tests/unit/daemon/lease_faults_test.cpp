// Saving leases while everything goes wrong: the disk is full or fails at any call, writes come up
// short, the power goes before or after any call, the process is killed at any moment. What is read
// afterwards is the old set or the new one, whole.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <optional>

#include "daemon/lease_store.h"
#include "tests/unit/daemon/leases.h"
#include "tests/unit/daemon/shaky_disk.h"
#include "tests/unit/ssh/folder.h"

namespace portreeve::daemon {
namespace {

using ssh::testing::Folder;
using test::Dice;
using test::ShakyDisk;
using uring::test::for_each_seed;

using Records = std::vector<LeaseRecord>;
using Saved = std::optional<tl::expected<void, std::string>>;  // nullopt: the power went

Records some_leases(Dice& dice) {
    Records made;
    for (std::uint64_t number = dice.between(0, 6); number > 0; --number) {
        made.push_back(test::random_lease(dice, number));
    }
    return made;
}

// An old set that is safe, and a new one that is about to be saved.
struct Case {
    explicit Case(std::uint64_t seed)
        : dice(seed),
          disk(dice, folder.path()),
          before(some_leases(dice)),
          after(some_leases(dice)) {
        EXPECT_TRUE(save_leases(disk, folder.path(), before));
    }
    Saved save(const ShakyDisk::Plan& plan) {
        disk.plan(plan);
        try {
            return save_leases(disk, folder.path(), after);
        } catch (const ShakyDisk::PowerCut&) {
            return std::nullopt;
        }
    }
    void expect_one_of_both(const LoadedLeases& loaded) const {
        EXPECT_EQ(loaded.complaint, "");
        EXPECT_TRUE(loaded.records == before || loaded.records == after)
            << loaded.records.size() << " leases; before " << before.size() << ", after "
            << after.size();
    }

    Folder folder;
    Dice dice;
    ShakyDisk disk;
    Records before;
    Records after;
};

constexpr std::size_t kCallsMax = 100;  // far more than a save of a small set makes

TEST(LeaseFaults, AnErrorAtAnyCallLeavesOneOfBoth) {
    for_each_seed(20, [](std::uint64_t seed) {
        for (const int error : {-ENOSPC, -EIO, -EDQUOT}) {
            bool reached = true;
            for (std::size_t call = 0; reached; ++call) {
                ASSERT_LT(call, kCallsMax);
                Case it(seed);
                const Saved saved =
                    it.save({.fail_at = call, .error = error, .odd_writes_per_cent = 30});
                ASSERT_TRUE(saved);
                reached = it.disk.calls() > call;
                EXPECT_EQ(saved->has_value(), !reached) << "call " << call;
                it.expect_one_of_both(it.disk.load());
                it.expect_one_of_both(it.disk.load_after_power_cut());
                EXPECT_TRUE(*it.save({})) << "it works again";
                EXPECT_EQ(it.disk.load_after_power_cut().records, it.after);
            }
        }
    });
}

TEST(LeaseFaults, APowerCutAtAnyCallLeavesOneOfBoth) {
    for_each_seed(50, [](std::uint64_t seed) {
        for (const bool before : {true, false}) {
            bool reached = true;
            for (std::size_t call = 0; reached; ++call) {
                ASSERT_LT(call, kCallsMax);
                Case it(seed);
                ShakyDisk::Plan plan{.odd_writes_per_cent = 30};
                (before ? plan.cut_before : plan.cut_after) = call;
                const Saved saved = it.save(plan);
                reached = !saved;
                const LoadedLeases loaded = it.disk.load_after_power_cut();
                it.expect_one_of_both(loaded);
                if (saved) {
                    EXPECT_TRUE(*saved);
                    EXPECT_EQ(loaded.records, it.after) << "it was said to be safe";
                }
            }
        }
    });
}

// Many saves in a row, with all of it: what may be read is the last that was said to be safe, or
// one that was tried since.
TEST(LeaseFaults, NothingIsLostInALongRunOfThem) {
    for_each_seed(50, [](std::uint64_t seed) {
        Case it(seed);
        std::vector<Records> possible{it.before};
        for (int saves = 0; saves < 30 && !::testing::Test::HasFailure(); ++saves) {
            it.after = some_leases(it.dice);
            ShakyDisk::Plan plan{.odd_writes_per_cent = 30};
            (it.dice.chance(50) ? plan.fail_at : plan.cut_after) = it.dice.between(0, 15);
            const Saved saved = it.save(plan);
            if (saved && *saved) {
                possible.clear();
            }
            possible.push_back(it.after);
            if (saved && it.dice.chance(70)) {
                continue;
            }
            const LoadedLeases loaded = it.disk.load_after_power_cut();
            EXPECT_EQ(loaded.complaint, "");
            EXPECT_THAT(possible, ::testing::Contains(loaded.records));
            possible = {loaded.records};
        }
    });
}

// A real process on the real file system, killed while it saves.
// -------------------------------------------------------------------------------------------------

Records numbered(std::uint32_t number) {
    return test::leases(1 + number % 40, number + 1);
}

// Saves one set after the other, and says the number of each that is safe.
[[noreturn]] void save_for_ever(const std::string& folder, int safe) {
    HostDisk disk;
    for (std::uint32_t number = 1;; ++number) {
        if (!save_leases(disk, folder, numbered(number)) ||
            ::write(safe, &number, sizeof(number)) != sizeof(number)) {
            ::_exit(1);
        }
    }
}

// The last number that comes out of `pipe` before its end.
std::uint32_t last_number(int pipe) {
    std::uint32_t number = 0;
    while (::read(pipe, &number, sizeof(number)) == sizeof(number)) {
    }
    return number;
}

TEST(LeaseFaults, AKillAtAnyMomentLeavesTheLastOrTheNext) {
    const Folder folder;
    for_each_seed(60, [&](std::uint64_t seed) {
        int ends[2];
        ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
        uring::Fd safe(ends[0]);
        uring::Fd say_safe(ends[1]);
        const pid_t child = ::fork();
        ASSERT_GE(child, 0);
        if (child == 0) {
            save_for_ever(folder.path(), say_safe.get());
        }
        say_safe.reset();
        Dice dice(seed);
        pollfd first{safe.get(), POLLIN, 0};
        EXPECT_EQ(::poll(&first, 1, 30'000), 1) << "it never saved";
        const timespec moment{0, static_cast<long>(dice.between(0, 20'000'000))};
        ::nanosleep(&moment, nullptr);
        EXPECT_EQ(::kill(child, SIGKILL), 0);
        int status = 0;
        EXPECT_EQ(::waitpid(child, &status, 0), child);
        EXPECT_TRUE(WIFSIGNALED(status)) << "it ended by itself: saving failed";

        const std::uint32_t last = last_number(safe.get());
        const LoadedLeases loaded = load_leases(folder.path());
        EXPECT_EQ(loaded.complaint, "");
        EXPECT_TRUE(loaded.records == numbered(last) || loaded.records == numbered(last + 1))
            << loaded.records.size() << " leases after set " << last;
        EXPECT_FALSE(std::filesystem::exists(folder.path("leases.new")));
    });
}

}  // namespace
}  // namespace portreeve::daemon
