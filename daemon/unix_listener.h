// A listening Unix socket at a path, with its mode and group from the first moment on that anybody
// could connect to it.
//
// Owns: nothing that lasts. Called by: Control, TunnelSockets. Bounds: a path of kPathBytesMax.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <string>

#include <tl/expected.hpp>

#include "uring/fd.h"

namespace portreeve::daemon {

struct UnixListenerPlace {
    static constexpr std::size_t kPathBytesMax = 107;

    std::string folder;
    std::string name;  // what is there by this name is replaced
    mode_t mode = S_IRUSR | S_IWUSR;
    std::optional<gid_t> group;  // nullopt: the process's own

    [[nodiscard]] std::string path() const { return folder + "/" + name; }
};

// The error is a sentence.
[[nodiscard]] tl::expected<uring::Fd, std::string> listen_at(const UnixListenerPlace& place,
                                                             int backlog);

}  // namespace portreeve::daemon
