// What a client that is not let in is told of it, which is shown by every ssh, whatever it is used
// for. Nothing is told to who has not proven a key, nor of a key that no line knows.
//
// A client first asks whether its key would do, and proves it only then. So where the refusal is of
// a key that is known, it is asked for the proof all the same: that says no more of the key than it
// did while it was let in. It would say more to who asks from where the key does not let in at all:
// there, and of a key that is revoked, nobody is asked.
//
// Owns: nothing. Called by: Client, for each login that is refused. Bounds: a line.
#pragma once

#include <string>

#include "daemon/refusal.h"

namespace portreeve::daemon {

// Whether who has asked with this key, and has not proven it yet, is asked to.
[[nodiscard]] bool is_worth_a_proof(const Refusal& refusal);

// For a client that has proven its key, or given the right password; empty: nothing.
[[nodiscard]] std::string login_notice(const Refusal& refusal);

}  // namespace portreeve::daemon
