// Keeps the newest leases on the disk, from a thread of its own.
//
// Owns: the thread. Called by: any thread; the destructor writes what is left, once. Bounds: those
// of Latest.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "daemon/latest.h"
#include "daemon/lease_store.h"

namespace portreeve::daemon {

class LeaseWriter {
  public:
    // Called on the writer's thread when writing begins to fail, with the sentence why, and when it
    // works again, with an empty one.
    using Report = std::function<void(const std::string& failure)>;

    LeaseWriter(std::string state_dir, Report report)
        : LeaseWriter(std::move(state_dir), std::move(report), std::make_unique<HostDisk>(), {}) {}
    LeaseWriter(std::string state_dir, Report report, std::unique_ptr<Disk> disk, Pace pace)
        : state_dir_(std::move(state_dir)),
          report_(std::move(report)),
          disk_(std::move(disk)),
          latest_("leases", pace, [this](const Records& records) { return write(records); }) {}

    // Returns at once.
    void save(std::vector<LeaseRecord> records) { latest_.give(std::move(records)); }

  private:
    using Records = std::vector<LeaseRecord>;

    [[nodiscard]] bool write(const Records& records);

    std::string state_dir_;
    Report report_;
    std::unique_ptr<Disk> disk_;
    bool failing_ = false;  // and said so
    Latest<Records> latest_;
};

}  // namespace portreeve::daemon
