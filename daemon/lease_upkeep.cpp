#include "daemon/lease_upkeep.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "daemon/login.h"
#include "uring/socket.h"

namespace portreeve::daemon {
namespace {

std::string store_name(const std::string& id) {
    return std::string(kLeasePrefix) + id;
}

bool has_store() {
    const char* size = std::getenv("FDSTORE");
    return size != nullptr && std::string_view(size).find_first_of("123456789") == 0 &&
           std::getenv("NOTIFY_SOCKET") != nullptr;
}

// Whether these sockets are at the lease's addresses, each at another.
bool fit(const std::vector<uring::Fd>& sockets, const LeaseRecord& record) {
    std::set<std::string> hosts(record.hosts.begin(), record.hosts.end());
    return std::all_of(sockets.begin(), sockets.end(), [&](const uring::Fd& socket) {
        const auto address = uring::Address::of_local(socket.get());
        return address.port() == record.port && hosts.erase(address.host()) == 1;
    });
}

}  // namespace

LeaseUpkeep::LeaseUpkeep(uring::Ring& ring, const Leases& leases, const Log& log,
                         std::string state_dir)
    : ring_(ring),
      leases_(leases),
      log_(log),
      store_(has_store()),
      writer_(std::move(state_dir), [&log](const std::string& failure) {
          if (!failure.empty()) {
              log.error("leases_not_saved", {{"why", failure}});
          } else {
              log.info("leases_saved_again", {});
          }
      }) {
}

void LeaseUpkeep::restore(const std::string& state_dir, PassedSockets& passed, Leases& leases,
                          HeldTunnels& held, std::int64_t lease_s) {
    for (const std::string& name : passed.names_left(kVisitorsPrefix)) {
        notify::forget_sockets(name);  // they are ours again, or nobody's
    }
    LoadedLeases loaded = load_leases(state_dir);
    if (!loaded.complaint.empty()) {
        log_.error("leases_damaged", {{"why", loaded.complaint}});
    }
    const std::int64_t now_s = wall_clock_s();
    for (LeaseRecord& record : loaded.records) {
        // No longer than from now on: a clock that went back would hold it for ever.
        record.held_until_s = record.held_until_s == 0
                                  ? now_s + lease_s
                                  : std::min(record.held_until_s, now_s + lease_s);
        if (record.held_until_s <= now_s || lease_s == 0) {
            continue;  // its sockets are not asked for, and go with the others that nobody knows
        }
        std::vector<uring::Fd> sockets = passed.named(store_name(record.id));
        if (!sockets.empty() && fit(sockets, record)) {
            stored_.insert(record.id);
        } else {
            sockets.clear();
        }
        std::vector<Arrival> waiting;
        for (uring::Fd& socket : passed.named(std::string(kVisitorsPrefix) + record.id)) {
            waiting.emplace_back(std::move(socket));
        }
        held.take(leases.restore(record, held.holder(), std::move(sockets)), std::move(waiting));
    }
    for (const std::string_view prefix : {kLeasePrefix, kVisitorsPrefix}) {
        for (const std::string& name : passed.names_left(prefix)) {
            static_cast<void>(passed.named(name));
            notify::forget_sockets(name);
        }
    }
    changed();
}

void LeaseUpkeep::changed() {
    if (!gather_.running()) {
        gather_.start_at(ring_.now_ms() + kGatherMs);
    }
}

void LeaseUpkeep::write() {
    gather_.stop();
    // Also what is no record may have changed, and strangers can change it.
    if (const std::uint64_t now = leases_.revision(); std::exchange(written_, now) == now) {
        return;
    }
    std::vector<LeaseRecord> records = leases_.records();
    if (store_) {
        update_store(records);
    }
    writer_.save(std::move(records));
}

// A socket that systemd has and nobody accepts from would be a port that answers nothing for ever.
void LeaseUpkeep::update_store(const std::vector<LeaseRecord>& records) {
    std::set<std::string> wanted;
    for (const LeaseRecord& record : records) {
        wanted.insert(record.id);
    }
    for (const std::string& id : std::exchange(stored_, {})) {
        if (wanted.count(id) > 0) {
            stored_.insert(id);
        } else {
            notify::forget_sockets(store_name(id));
        }
    }
    for (const std::string& id : wanted) {
        if (stored_.count(id) == 0) {
            const std::vector<uring::Fd> duplicates = leases_.sockets_of(id);
            std::vector<int> sockets;
            sockets.reserve(duplicates.size());
            for (const uring::Fd& socket : duplicates) {
                sockets.push_back(socket.get());
            }
            if (!sockets.empty() && notify::keep_sockets(store_name(id), sockets)) {
                stored_.insert(id);
            }
        }
    }
}

}  // namespace portreeve::daemon
