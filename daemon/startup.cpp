#include "daemon/startup.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace portreeve::daemon {
namespace {

Failure failed(int exit_code, std::string sentence) {
    return {exit_code, {std::move(sentence)}};
}

// systemd joins several folders by ':'; the first is ours.
std::string from_environment(const char* name, std::string otherwise) {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == '\0') {
        return otherwise;
    }
    const std::string_view folders(value);
    return std::string(folders.substr(0, folders.find(':')));
}

ssh::Algorithms algorithms_of(const conf::Ssh& rules) {
    return {rules.ciphers, rules.kex, rules.macs, rules.host_key_algorithms};
}

// Whether a configured key file or folder can be read at all. A missing default is no failure: the
// package starts before the first key is written.
std::string why_unreadable(const std::string& path) {
    static const std::string kDefault = conf::Auth{}.authorized_keys.front();
    if (::access(path.c_str(), R_OK) == 0 || (errno == ENOENT && path == kDefault)) {
        return {};
    }
    return path + ": " + std::strerror(errno) + " ([auth] authorized_keys)";
}

}  // namespace

std::string find_config(const std::string& given) {
    if (!given.empty()) {
        return given;
    }
    const std::string folder = from_environment("CONFIGURATION_DIRECTORY", "");
    for (const std::string& path : {folder.empty() ? folder : folder + "/portreeve.toml",
                                    std::string("/etc/portreeve/portreeve.toml")}) {
        // A file that is there and cannot be reached must not be taken for one that is not there.
        if (!path.empty() &&
            (::access(path.c_str(), F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR))) {
            return path;
        }
    }
    return {};
}

tl::expected<conf::Config, Failure> read_config(const std::string& path) {
    auto config =
        path.empty() ? conf::parse(conf::default_toml(), "built-in defaults") : conf::load(path);
    if (!config) {
        Failure failure{2, {}};
        for (const conf::ConfigError& error : config.error()) {
            failure.sentences.push_back(error.text());
        }
        return tl::unexpected(std::move(failure));
    }
    config->server.state_dir = from_environment("STATE_DIRECTORY", config->server.state_dir);
    config->server.runtime_dir = from_environment("RUNTIME_DIRECTORY", config->server.runtime_dir);
    return std::move(*config);
}

tl::expected<uring::Fd, Failure> lock_state(const std::string& state_dir) {
    std::error_code error;
    std::filesystem::create_directories(state_dir, error);
    const std::string path = state_dir + "/lock";
    uring::Fd lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (error || !lock) {
        const std::string why = error ? error.message() : std::strerror(errno);
        return tl::unexpected(failed(1, state_dir + ": " + why +
                                            "; the state folder must exist and be writable "
                                            "([server] state_dir)"));
    }
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
        return tl::unexpected(failed(
            1, state_dir + ": another portreeved is using this state folder; stop it, or give each "
                           "its own ([server] state_dir)"));
    }
    return lock;
}

namespace {

// Files that say who must not get in, or who vouches for others: without one of them the answer to
// a login is not known, so all of them must be read.
tl::expected<void, Failure> read_authorities(Policy& policy) {
    const conf::Auth& rules = policy.config.auth;
    for (const std::string& path : rules.trusted_user_ca) {
        if (::access(path.c_str(), R_OK) != 0) {
            return tl::unexpected(
                failed(1, path + ": " + std::strerror(errno) + " ([auth] trusted_user_ca)"));
        }
    }
    policy.trusted_user_ca = ssh::AuthorizedKeys::read(rules.trusted_user_ca);
    if (!policy.trusted_user_ca.complaints().empty()) {
        return tl::unexpected(failed(
            1, policy.trusted_user_ca.complaints().front().text() + " ([auth] trusted_user_ca)"));
    }
    if (!rules.revoked_keys.empty()) {
        auto revoked = ssh::RevokedKeys::read(rules.revoked_keys);
        if (!revoked) {
            return tl::unexpected(failed(1, revoked.error() + " ([auth] revoked_keys)"));
        }
        policy.revoked = std::move(*revoked);
    }
    return {};
}

tl::expected<void, Failure> read_passwords(Policy& policy) {
    const std::string& path = policy.config.auth.passwords;
    if (path.empty()) {
        return {};
    }
    auto passwords = Passwords::read(path);
    if (!passwords) {
        return tl::unexpected(Failure{1, passwords.error()});
    }
    policy.passwords = std::move(*passwords);
    return {};
}

// [auth] or [events], into what the policy has of it.
template <class Section>
tl::expected<void, Failure> prepare(const Section& section, std::optional<ProgramRules>& into) {
    if (section.command.empty()) {
        return {};
    }
    auto rules = ProgramRules::make(section);
    if (!rules) {
        return tl::unexpected(failed(1, rules.error()));
    }
    into = std::move(*rules);
    return {};
}

tl::expected<void, Failure> prepare_commands(Policy& policy) {
    if (auto done = prepare(policy.config.auth, policy.key_command); !done) {
        return done;
    }
    return prepare(policy.config.events, policy.event_command);
}

tl::expected<void, Failure> find_sockets_group(Policy& policy) {
    const std::string& name = policy.config.forward.sockets_group;
    if (name.empty()) {
        return {};
    }
    errno = 0;
    const group* const found = getgrnam(name.c_str());
    if (found == nullptr) {
        return tl::unexpected(
            failed(1, "[forward] sockets_group: " + (errno == 0 || errno == ENOENT
                                                         ? "there is no group \"" + name + "\" here"
                                                         : name + ": " + std::strerror(errno))));
    }
    policy.sockets_group = found->gr_gid;
    return {};
}

tl::expected<void, Failure> read_keys(Policy& policy) {
    for (const std::string& path : policy.config.auth.authorized_keys) {
        if (const std::string why = why_unreadable(path); !why.empty()) {
            return tl::unexpected(failed(1, why));
        }
    }
    policy.authorized_keys = ssh::AuthorizedKeys::read(policy.config.auth.authorized_keys);
    if (auto done = read_authorities(policy); !done) {
        return done;
    }
    return read_passwords(policy);
}

}  // namespace

tl::expected<Policy, Failure> read_policy(conf::Config config) {
    Policy policy;
    policy.config = std::move(config);
    auto host_keys = ssh::HostKeys::read(policy.config.ssh.host_keys);
    if (!host_keys) {
        return tl::unexpected(failed(1, host_keys.error()));
    }
    policy.host_keys = std::move(*host_keys);
    policy.algorithms = algorithms_of(policy.config.ssh);
    if (const std::string why = policy.algorithms.why_unusable(policy.host_keys); !why.empty()) {
        return tl::unexpected(failed(2, why));
    }
    for (const auto read : {read_keys, prepare_commands, find_sockets_group}) {
        if (auto done = read(policy); !done) {
            return tl::unexpected(done.error());
        }
    }
    return policy;
}

tl::expected<PolicyPtr, Failure> make_policy(conf::Config config) {
    auto policy = read_policy(std::move(config));
    if (!policy) {
        return tl::unexpected(policy.error());
    }
    if (policy->config.ssh.host_keys.empty()) {
        auto host_keys = ssh::HostKeys::read_or_make(policy->config.server.state_dir);
        if (!host_keys) {
            return tl::unexpected(failed(1, host_keys.error()));
        }
        policy->host_keys = std::move(*host_keys);
    }
    return std::make_shared<const Policy>(std::move(*policy));
}

tl::expected<PolicyPtr, Failure> reread_keys(const Policy& policy) {
    Policy made;
    made.config = policy.config;
    made.host_keys = policy.host_keys;
    made.algorithms = policy.algorithms;
    made.key_command = policy.key_command;
    made.event_command = policy.event_command;
    made.sockets_group = policy.sockets_group;
    if (auto done = read_keys(made); !done) {
        return tl::unexpected(done.error());
    }
    return std::make_shared<const Policy>(std::move(made));
}

std::vector<std::string> key_paths(const conf::Auth& rules) {
    std::vector<std::string> paths = rules.authorized_keys;
    paths.insert(paths.end(), rules.trusted_user_ca.begin(), rules.trusted_user_ca.end());
    for (const std::string& path : {rules.revoked_keys, rules.passwords}) {
        if (!path.empty()) {
            paths.push_back(path);
        }
    }
    return paths;
}

}  // namespace portreeve::daemon
