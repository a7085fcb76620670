// What this process uses, by the names that every Prometheus client library gives it.
//
// Owns: values only. Called by: Server, on the main thread. Bounds: none needed.
#pragma once

#include <cstdint>

namespace portreeve::daemon {

struct ProcessFigures {
    double cpu_s = 0;
    std::uint64_t resident_bytes = 0;
    std::uint64_t virtual_bytes = 0;
    std::uint64_t open_fds = 0;
    std::uint64_t fds_max = 0;
    std::int64_t started_s = 0;  // by the wall clock; not asked here

    [[nodiscard]] static ProcessFigures now();
};

}  // namespace portreeve::daemon
