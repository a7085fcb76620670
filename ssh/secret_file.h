// Whether a file that holds secrets is open to others than its owner.
//
// Owns: nothing. Called by: whoever reads host keys or password hashes.
#pragma once

#include <sys/stat.h>

namespace portreeve::ssh {

// True: others could read or replace it; `user` is who we are. A file of root's with mode 0440 is
// none of those, if we are not root: an access list lets us read it, as systemd gives a service its
// credentials, and what looks like the group's right is the list's mask.
[[nodiscard]] bool open_to_others(const struct stat& status, uid_t user);

}  // namespace portreeve::ssh
