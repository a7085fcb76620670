// A disk that fails as it is told to, and knows what a power cut would leave of it: of a file what
// was synced, and any part of what was written since; of the folder the names that were synced, and
// any of the changes since.
#pragma once

#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "daemon/lease_store.h"
#include "tests/unit/uring/seeds.h"

namespace portreeve::daemon::test {

using uring::test::Dice;

class ShakyDisk final : public Disk {
  public:
    static constexpr std::size_t kNever = static_cast<std::size_t>(-1);
    // By the number of the call, counted from plan() on.
    struct Plan {
        std::size_t fail_at = kNever;
        int error = -EIO;
        std::size_t cut_before = kNever;
        std::size_t cut_after = kNever;
        unsigned odd_writes_per_cent = 0;  // those that take only a part, or are interrupted
    };
    struct PowerCut {};

    ShakyDisk(Dice& dice, std::string folder) : dice_(dice), folder_(std::move(folder)) {}

    void plan(const Plan& plan) {
        plan_ = plan;
        calls_ = 0;
    }
    [[nodiscard]] std::size_t calls() const { return calls_; }

    tl::expected<uring::Fd, int> create(const std::string& path) override {
        const int rc = step([&] {
            if (live_.contains(path)) {
                return -EEXIST;
            }
            open_ = std::make_shared<File>();
            set_name(path, open_);
            return 0;
        });
        return rc == 0 ? tl::expected<uring::Fd, int>(uring::Fd()) : tl::unexpected(rc);
    }
    tl::expected<uring::Fd, int> open_folder(const std::string& path) override {
        const int rc = step([&] {
            open_ = nullptr;
            return path == folder_ ? 0 : -ENOENT;
        });
        return rc == 0 ? tl::expected<uring::Fd, int>(uring::Fd()) : tl::unexpected(rc);
    }
    ssize_t write(const uring::Fd&, std::span<const std::byte> bytes) override {
        return step([&] {
            if (dice_.chance(plan_.odd_writes_per_cent)) {
                if (dice_.chance(20)) {
                    return -EINTR;
                }
                bytes = bytes.first(dice_.between(1, bytes.size()));
            }
            open_->text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
            return static_cast<int>(bytes.size());
        });
    }
    int sync(const uring::Fd&) override {
        return step([&] {
            if (open_ != nullptr) {
                open_->synced_bytes = open_->text.size();
            } else {
                synced_ = live_;
                changes_.clear();
            }
            return 0;
        });
    }
    int rename(const std::string& from, const std::string& to) override {
        return step([&] {
            set_name(to, live_.at(from));
            set_name(from, nullptr);
            return 0;
        });
    }
    int remove(const std::string& path) override {
        return step([&] {
            if (!live_.contains(path)) {
                return -ENOENT;
            }
            set_name(path, nullptr);
            return 0;
        });
    }

    // What is read while the power stays on.
    LoadedLeases load() {
        show(live_);
        return load_leases(folder_);
    }
    // What is read when it has gone and come back; that is what the disk holds from now on.
    LoadedLeases load_after_power_cut() {
        for (const auto& [path, file] : changes_) {
            if (dice_.chance(50)) {
                put(synced_, path, file);
            }
        }
        for (const auto& [path, file] : synced_) {
            file->text.resize(dice_.between(file->synced_bytes, file->text.size()));
            file->synced_bytes = file->text.size();
        }
        changes_.clear();
        live_ = synced_;
        return load();
    }

  private:
    struct File {
        std::string text;
        std::size_t synced_bytes = 0;
    };
    using FilePtr = std::shared_ptr<File>;
    using Names = std::map<std::string, FilePtr>;

    template <class Call>
    int step(Call call) {
        const std::size_t number = calls_++;
        if (number == plan_.cut_before) {
            throw PowerCut();
        }
        const int rc = number == plan_.fail_at ? plan_.error : call();
        if (number == plan_.cut_after) {
            throw PowerCut();
        }
        return rc;
    }

    // No file: the name goes.
    static void put(Names& names, const std::string& path, const FilePtr& file) {
        if (file != nullptr) {
            names[path] = file;
        } else {
            names.erase(path);
        }
    }
    void set_name(const std::string& path, const FilePtr& file) {
        put(live_, path, file);
        changes_.emplace_back(path, file);
    }
    void show(const Names& names) const {
        for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
            std::filesystem::remove(entry.path());
        }
        for (const auto& [path, file] : names) {
            std::ofstream(path, std::ios::binary) << file->text;
        }
    }

    Dice& dice_;
    std::string folder_;
    Plan plan_;
    std::size_t calls_ = 0;
    Names live_;
    Names synced_;
    std::vector<std::pair<std::string, FilePtr>> changes_;  // since the folder was synced
    FilePtr open_;                                          // nullptr: the folder
};

}  // namespace portreeve::daemon::test
