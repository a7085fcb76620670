// Every key that a configuration may hold, where it goes in a Config, and what it may be. The list
// in keys.cpp is the contract in code: docs/CONFIG.md says it in words, and contrib/portreeve.toml
// shows it with the defaults.
#pragma once

#include "conf/config.h"

namespace portreeve::conf {

class Reader;

// Reads every key that `reader` has into `config`; the others keep what they are.
void read_keys(Reader& reader, Config& config);

}  // namespace portreeve::conf
