// What one worker has done so far, for whoever asks how the daemon is.
//
// Owns: the numbers. Called by: the worker and what lives on it, which write; any thread, which
// reads. It lives as long as the worker. Bounds: none needed.
#pragma once

#include "daemon/traffic.h"

namespace portreeve::daemon {

struct WorkerFigures {
    Traffic tcp;      // visitors of ports
    Traffic names;    // … of private names
    Traffic reaches;  // what clients reach by -L, -W and -J
};

}  // namespace portreeve::daemon
