// A thread that keeps leases on the disk, so that no ring waits for one.
//
//   idle -> save() -> writing -> idle, or failing: again after a pause that grows, until it works
//
// Only the newest set counts: it takes the place of one that is not being written yet. A set that
// comes while writing fails waits for the pause as well, so a full disk is not hammered.
//
// Owns: the thread and the set that waits. Called by: any thread; the destructor writes what is
// left, once, and joins. Bounds: one set that waits and one that is written; `pace` between
// failures.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "daemon/lease_store.h"

namespace portreeve::daemon {

class LeaseWriter {
  public:
    // Called on the writer's thread when writing begins to fail, with the sentence why, and when it
    // works again, with an empty one.
    using Report = std::function<void(const std::string& failure)>;

    // How long after a failure it is tried again: first, then twice as long each time up to `most`.
    struct Pace {
        std::chrono::milliseconds first{500};
        std::chrono::milliseconds most{30'000};
    };

    LeaseWriter(std::string state_dir, Report report)
        : LeaseWriter(std::move(state_dir), std::move(report), std::make_unique<HostDisk>(), {}) {}
    LeaseWriter(std::string state_dir, Report report, std::unique_ptr<Disk> disk, Pace pace);
    LeaseWriter(const LeaseWriter&) = delete;
    LeaseWriter& operator=(const LeaseWriter&) = delete;
    LeaseWriter(LeaseWriter&&) = delete;
    LeaseWriter& operator=(LeaseWriter&&) = delete;
    ~LeaseWriter();

    // Returns at once.
    void save(std::vector<LeaseRecord> records);

  private:
    using Records = std::vector<LeaseRecord>;

    void run();
    [[nodiscard]] bool write(const Records& records);

    std::string state_dir_;
    Report report_;
    std::unique_ptr<Disk> disk_;
    Pace pace_;
    bool failing_ = false;  // and said so
    std::mutex mutex_;
    std::condition_variable changed_;
    std::optional<Records> waiting_;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace portreeve::daemon
