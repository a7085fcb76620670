#include "ssh/secret_file.h"

namespace portreeve::ssh {

bool open_to_others(const struct stat& status, uid_t user) {
    const bool as_a_credential = user != 0 && status.st_uid == 0 && status.st_gid == 0;
    const mode_t not_open = as_a_credential ? S_IRGRP : 0;
    return (status.st_mode & (S_IRWXG | S_IRWXO) & ~not_open) != 0;
}

}  // namespace portreeve::ssh
