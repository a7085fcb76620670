// What holds from now on: the configuration, and the keys that it names, read together. A reload
// makes a new Policy and hands it to all workers; whoever still works by the old one keeps it
// alive.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "conf/config.h"
#include "daemon/passwords.h"
#include "daemon/program_run.h"
#include "ssh/acceptor.h"
#include "ssh/authorized_keys.h"
#include "ssh/keys.h"
#include "ssh/revocation.h"

namespace portreeve::daemon {

struct Policy {
    conf::Config config;
    ssh::AuthorizedKeys authorized_keys;
    ssh::HostKeys host_keys;
    ssh::Algorithms algorithms;
    ssh::AuthorizedKeys trusted_user_ca;  // plain keys: whose certificates let in
    std::optional<ssh::RevokedKeys> revoked;
    std::optional<Passwords> passwords;
    std::optional<ProgramRules> key_command;
    std::optional<ProgramRules> event_command;
    std::optional<gid_t> sockets_group;  // of [forward] sockets_group

    // Whether the files of both say the same of who may log in.
    [[nodiscard]] bool has_keys_of(const Policy& other) const {
        return authorized_keys == other.authorized_keys &&
               trusted_user_ca == other.trusted_user_ca && revoked == other.revoked &&
               passwords == other.passwords;
    }
    // About files of keys that others could change.
    [[nodiscard]] std::vector<std::string> doubts() const {
        std::vector<std::string> all = authorized_keys.doubts();
        all.insert(all.end(), trusted_user_ca.doubts().begin(), trusted_user_ca.doubts().end());
        return all;
    }
};

using PolicyPtr = std::shared_ptr<const Policy>;

}  // namespace portreeve::daemon
