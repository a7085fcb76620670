// The steps from a command line to a Policy: which configuration holds, the folders it names, the
// keys. Each step returns what it made or the sentence that says why not.
//
// Called by: main at start, Server at reload.
#pragma once

#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "daemon/policy.h"
#include "uring/fd.h"

namespace portreeve::daemon {

// What went wrong and how the program ends because of it: 1 at run time, 2 in the configuration.
struct Failure {
    int exit_code = 1;
    std::vector<std::string> sentences;
};

// `given` by --config, or the first file there is, or empty: the built-in defaults.
std::string find_config(const std::string& given);

// Reads the configuration (empty path: the defaults) and applies $STATE_DIRECTORY,
// $RUNTIME_DIRECTORY.
tl::expected<conf::Config, Failure> read_config(const std::string& path);

// Makes the state folder where it is missing and locks it: one daemon for one state.
tl::expected<uring::Fd, Failure> lock_state(const std::string& state_dir);

// Reads what the configuration names: keys, authorities, revocations, passwords. Makes no host key
// where none is configured. A default file that does not exist yet is a complaint of the policy;
// any other file that cannot be read or understood is a failure.
tl::expected<Policy, Failure> read_policy(conf::Config config);

// The same, with the host key of the state folder, which is made when it is missing.
tl::expected<PolicyPtr, Failure> make_policy(conf::Config config);

// The same configuration and host keys, with what the files of keys say now.
tl::expected<PolicyPtr, Failure> reread_keys(const Policy& policy);

// The files and folders that reread_keys reads.
std::vector<std::string> key_paths(const conf::Auth& rules);

}  // namespace portreeve::daemon
