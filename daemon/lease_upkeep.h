// What outlives the daemon of its leases: the file in the state folder, and the listening sockets
// that systemd keeps for the next start (its fd store, sd_pid_notify_with_fds(3)).
//
// Both follow the leases: changed() is told that something is not as it was, and does it once for
// many. Whether systemd really has a store cannot be asked of it; $FDSTORE says so (systemd sets it
// from version 254 on, our unit before).
//
// Owns: the thread that writes. Called by: Server, on the main thread; failures are logged from
// that thread. Bounds: the leases that there are; one message to systemd for each that comes or
// goes.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "daemon/held_tunnels.h"
#include "daemon/lease_writer.h"
#include "daemon/leases.h"
#include "daemon/log.h"
#include "daemon/systemd.h"
#include "uring/ring.h"

namespace portreeve::daemon {

class LeaseUpkeep {
  public:
    static constexpr std::int64_t kGatherMs = 20;

    LeaseUpkeep(uring::Ring& ring, const Leases& leases, const Log& log, std::string state_dir);
    LeaseUpkeep(const LeaseUpkeep&) = delete;
    LeaseUpkeep& operator=(const LeaseUpkeep&) = delete;
    LeaseUpkeep(LeaseUpkeep&&) = delete;
    LeaseUpkeep& operator=(LeaseUpkeep&&) = delete;
    ~LeaseUpkeep() = default;

    // The leases of before the start, with the sockets that systemd passed for them, become the
    // main thread's. `lease_s` is what is left to those whose owner was connected; 0: none is kept.
    void restore(const std::string& state_dir, PassedSockets& passed, Leases& leases,
                 HeldTunnels& held, std::int64_t lease_s);
    void changed();
    // What changed() was told is written now, and complete when this is destroyed.
    void finish() { write(); }
    // Whether listening sockets are in good hands when this process ends.
    [[nodiscard]] bool sockets_kept() const { return store_; }

  private:
    void write();
    void update_store(const std::vector<LeaseRecord>& records);

    uring::Ring& ring_;
    const Leases& leases_;
    const Log& log_;
    bool store_;
    std::set<std::string> stored_;  // ids
    std::uint64_t written_ = 0;     // the revision of the leases
    uring::Timer gather_ = uring::Timer::to<&LeaseUpkeep::write>(this, ring_.timers());
    LeaseWriter writer_;
};

}  // namespace portreeve::daemon
