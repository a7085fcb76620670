// Whether others could change a file that we act upon, as sshd's StrictModes looks at it: the owner
// and the modes. An access list shows in what looks like the group's right.
//
// Owns: nothing. Called by: whoever reads keys, or runs programs. Bounds: none needed.
#pragma once

#include <string>

namespace portreeve::ssh {

// In a folder with the sticky bit nobody can replace what belongs to another, but add to it.
enum class StickyFolder { suffices, does_not };

// A sentence that says why others than root and our own user could change what is at `path`, or
// behind that link, and what to do; "" if they cannot.
[[nodiscard]] std::string why_changeable(const std::string& path, StickyFolder sticky);

}  // namespace portreeve::ssh
