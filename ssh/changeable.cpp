#include "ssh/changeable.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace portreeve::ssh {

std::string why_changeable(const std::string& path, StickyFolder sticky) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) {
        return path + ": " + std::strerror(errno);
    }
    if (status.st_uid != 0 && status.st_uid != ::geteuid()) {
        return path + " belongs to another user (number " + std::to_string(status.st_uid) +
               "); run: chown root " + path;
    }
    const bool kept = sticky == StickyFolder::suffices && S_ISDIR(status.st_mode) &&
                      (status.st_mode & S_ISVTX) != 0;
    if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0 && !kept) {
        return path + " can be changed by others; run: chmod go-w " + path;
    }
    return {};
}

}  // namespace portreeve::ssh
