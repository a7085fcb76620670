#include "daemon/worker_figures.h"

#include <cerrno>

namespace portreeve::daemon {

DialFailure dial_failure_of(int error) {
    switch (error) {
        case -ECONNREFUSED:
            return DialFailure::refused;
        case -ETIMEDOUT:
            return DialFailure::timed_out;
        case -EHOSTUNREACH:
        case -ENETUNREACH:
            return DialFailure::unreachable;
        default:
            return DialFailure::other;
    }
}

}  // namespace portreeve::daemon
