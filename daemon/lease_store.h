// Where leases outlive the daemon: the file STATE_DIR/leases, which is the old one or the new one
// whenever the power goes.
//
// It is written as a temporary file beside it, synced, renamed, and its folder synced. A file that
// cannot be read or is not right in every bit is set aside as leases.damaged-WHEN and told of: it
// is never believed, not even in part, and never keeps the daemon from starting.
//
// Owns: nothing. Called by: main at start (load_leases, under the lock of the state folder), then
// LeaseWriter's thread. Bounds: those of lease_text.h; kDamagedLeasesMax files set aside, the
// oldest goes.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "daemon/lease_text.h"
#include "uring/fd.h"

namespace portreeve::daemon {

inline constexpr std::size_t kDamagedLeasesMax = 8;

// The seam to the file system, in which tests put faults. Each call returns 0 or -errno, or what it
// says.
class Disk {
  public:
    Disk() = default;
    Disk(const Disk&) = delete;
    Disk& operator=(const Disk&) = delete;
    Disk(Disk&&) = delete;
    Disk& operator=(Disk&&) = delete;
    virtual ~Disk() = default;

    // A new file to write to, which only its owner may read.
    virtual tl::expected<uring::Fd, int> create(const std::string& path) = 0;
    virtual tl::expected<uring::Fd, int> open_folder(const std::string& path) = 0;
    // How many bytes were taken.
    virtual ssize_t write(const uring::Fd& file, std::span<const std::byte> bytes) = 0;
    virtual int sync(const uring::Fd& file) = 0;
    virtual int rename(const std::string& from, const std::string& to) = 0;
    virtual int remove(const std::string& path) = 0;
};

class HostDisk final : public Disk {
  public:
    tl::expected<uring::Fd, int> create(const std::string& path) override;
    tl::expected<uring::Fd, int> open_folder(const std::string& path) override;
    ssize_t write(const uring::Fd& file, std::span<const std::byte> bytes) override;
    int sync(const uring::Fd& file) override;
    int rename(const std::string& from, const std::string& to) override;
    int remove(const std::string& path) override;
};

// What is there, and the sentence that tells of a file that was set aside (empty: none was).
struct LoadedLeases {
    std::vector<LeaseRecord> records;
    std::string complaint;
};

// Never fails. A file that is missing is no complaint.
[[nodiscard]] LoadedLeases load_leases(const std::string& state_dir);

// The error is a sentence. After one that comes from the disk, the file is the old one, or the new
// one if only its folder could not be synced.
[[nodiscard]] tl::expected<void, std::string> save_leases(Disk& disk, const std::string& state_dir,
                                                          const std::vector<LeaseRecord>& records);

}  // namespace portreeve::daemon
