// What is served at /metrics, from what was read of the daemon: docs/METRICS.md explains each
// metric, and tests/e2e/test_metrics.py compares the two.
//
// Labels are the kinds, states, codes and reasons of this program and the numbers of its workers;
// none comes from a client or a visitor, so the number of series is known before anybody connects.
//
// Owns: nothing. Called by: Server, on the main thread. Bounds: some 300 lines, and ten a worker.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "conf/config.h"
#include "daemon/admission.h"
#include "daemon/leases.h"
#include "daemon/process_figures.h"
#include "daemon/worker_figures.h"
#include "uring/ring.h"

namespace portreeve::daemon {

struct WorkerReading {
    const WorkerFigures& figures;
    const uring::Ring::Figures& ring;
    std::uint64_t sessions = 0;
    std::uint64_t cpu_ns = 0;
};

struct Readings {
    Admission::Counts sessions;
    Leases::Counts tunnels;
    const conf::Limits& limits;
    const CodeCounts& refusals;  // of the main thread; the workers have theirs
    std::uint64_t visitors_waiting = 0;
    std::uint64_t web_connections = 0;  // to the http ports
    std::uint64_t keys = 0;
    bool reload_failed = false;
    ProcessFigures process;
    std::vector<WorkerReading> workers;
};

[[nodiscard]] std::string metrics_text(const Readings& readings);

}  // namespace portreeve::daemon
