// The commands of portreevectl: what each asks the daemon, and how its answer is shown.
//
// Owns: nothing. Called by: main. Bounds: an answer is held whole, but of one that
// goes on a line.
#pragma once

#include "daemon/ctl/arguments.h"

namespace portreeve::ctl {

// Returns the exit code; what there is to say has been printed.
int run_command(const Arguments& arguments);

}  // namespace portreeve::ctl
