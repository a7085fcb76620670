#include "ssh/acceptor.h"

#include <libssh/libssh.h>
#include <libssh/server.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace portreeve::ssh {
namespace {

using Names = std::vector<std::string>;

// One configured list: what it is called, where libssh takes it, and what holds without it.
struct Kind {
    const char* key;  // in [ssh]
    Names Algorithms::*names;
    std::array<ssh_bind_options_e, 2> options;  // both directions, or the same twice
    const char* defaults;
    // Not offered unless configured, but known to some libssh: they complete the list in an error.
    const char* others;
};

// No SHA-1, no CBC, nothing that libssh itself calls weak.
//
// Key exchanges: quick ones only. A stranger's runs on a worker's thread before any login: group18
// or a group exchange cost it 170 to 280 ms each, and four clients asking for them made every
// session of that worker wait half a second.
constexpr std::array<Kind, 4> kKinds{{
    {"ciphers",
     &Algorithms::ciphers,
     {SSH_BIND_OPTIONS_CIPHERS_C_S, SSH_BIND_OPTIONS_CIPHERS_S_C},
     "chacha20-poly1305@openssh.com,aes128-gcm@openssh.com,aes256-gcm@openssh.com,"
     "aes128-ctr,aes192-ctr,aes256-ctr",
     "aes128-cbc,aes192-cbc,aes256-cbc,3des-cbc"},
    {"kex",
     &Algorithms::kex,
     {SSH_BIND_OPTIONS_KEY_EXCHANGE, SSH_BIND_OPTIONS_KEY_EXCHANGE},
     "mlkem768x25519-sha256,sntrup761x25519-sha512,sntrup761x25519-sha512@openssh.com,"
     "curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,ecdh-sha2-nistp384,"
     "ecdh-sha2-nistp521,diffie-hellman-group14-sha256",
     "mlkem768nistp256-sha256,mlkem1024nistp384-sha384,diffie-hellman-group16-sha512,"
     "diffie-hellman-group18-sha512,diffie-hellman-group-exchange-sha256,"
     "diffie-hellman-group-exchange-sha1,diffie-hellman-group14-sha1,diffie-hellman-group1-sha1"},
    {"macs",
     &Algorithms::macs,
     {SSH_BIND_OPTIONS_HMAC_C_S, SSH_BIND_OPTIONS_HMAC_S_C},
     "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-sha2-256,hmac-sha2-512",
     "hmac-sha1-etm@openssh.com,hmac-sha1"},
    {"host_key_algorithms",
     &Algorithms::host_key_algorithms,
     {SSH_BIND_OPTIONS_HOSTKEY_ALGORITHMS, SSH_BIND_OPTIONS_HOSTKEY_ALGORITHMS},
     "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,rsa-sha2-512,"
     "rsa-sha2-256",
     "ssh-rsa"},
}};

// Without the files in /etc/ssh that a bind would read by itself.
BindHandle new_bind() {
    BindHandle bind(ssh_bind_new());
    const bool read_system_files = false;
    ssh_bind_options_set(bind.get(), SSH_BIND_OPTIONS_PROCESS_CONFIG, &read_system_files);
    return bind;
}

Names split(std::string_view joined) {
    Names names;
    while (!joined.empty()) {
        const auto comma = std::min(joined.find(','), joined.size());
        names.emplace_back(joined.substr(0, comma));
        joined.remove_prefix(std::min(comma + 1, joined.size()));
    }
    return names;
}

std::string join(const Names& names, const char* between) {
    std::string joined;
    for (const std::string& name : names) {
        joined += joined.empty() ? "" : between;
        joined += name;
    }
    return joined;
}

// libssh drops what it does not know from a list, and refuses a list of which nothing is left.
bool known(ssh_bind_struct* bind, const Kind& kind, const std::string& name) {
    return name != "none" &&  // a libssh built for tests has it
           ssh_bind_options_set(bind, kind.options[0], name.c_str()) == 0;
}

std::string known_of(ssh_bind_struct* bind, const Kind& kind, const char* joined) {
    Names names = split(joined);
    std::erase_if(names, [&](const std::string& name) { return !known(bind, kind, name); });
    return join(names, ", ");
}

std::string why_unknown(ssh_bind_struct* bind, const Kind& kind, const Names& names) {
    const auto unknown = std::find_if(names.begin(), names.end(), [&](const std::string& name) {
        return !known(bind, kind, name);
    });
    if (unknown == names.end()) {
        return {};
    }
    return std::string("[ssh] ") + kind.key + ": libssh " + ssh_version(0) + " has no \"" +
           *unknown + "\"; use some of " + known_of(bind, kind, kind.defaults) +
           " (or, if you must, the weak or slow " + known_of(bind, kind, kind.others) + ")";
}

// How a key of `type` may sign; one of RSA in several ways.
bool signs_with(const std::string& type, const std::string& algorithm) {
    return algorithm == type ||
           (type == "ssh-rsa" && (algorithm == "rsa-sha2-256" || algorithm == "rsa-sha2-512"));
}

std::string why_no_host_key(const Names& allowed, const HostKeys& host_keys) {
    Names types;
    for (const PublicKey& key : host_keys.public_keys()) {
        types.push_back(key.type);
    }
    if (types.empty()) {
        types = {"ssh-ed25519"};
    }
    const bool usable = std::any_of(types.begin(), types.end(), [&](const std::string& type) {
        return std::any_of(allowed.begin(), allowed.end(), [&](const std::string& algorithm) {
            return signs_with(type, algorithm);
        });
    });
    return usable ? ""
                  : "[ssh] host_key_algorithms: none of them fits a host key, which are of type " +
                        join(types, ", ") + "; add one that does, or a key ([ssh] host_keys)";
}

}  // namespace

std::string Algorithms::why_unusable(const HostKeys& host_keys) const {
    const BindHandle bind = new_bind();
    for (const Kind& kind : kKinds) {
        if (std::string why = why_unknown(bind.get(), kind, this->*kind.names); !why.empty()) {
            return why;
        }
    }
    return host_key_algorithms.empty() ? "" : why_no_host_key(host_key_algorithms, host_keys);
}

void BindDeleter::operator()(ssh_bind_struct* bind) const {
    ssh_bind_free(bind);
}

tl::expected<Acceptor, std::string> Acceptor::make(const HostKeys& keys,
                                                   const Algorithms& algorithms) {
    if (std::string why = algorithms.why_unusable(keys); !why.empty()) {
        return tl::unexpected(std::move(why));
    }
    Acceptor made;
    made.bind_ = new_bind();
    for (const Kind& kind : kKinds) {
        const Names& names = algorithms.*kind.names;
        const std::string list = names.empty() ? kind.defaults : join(names, ",");
        for (const ssh_bind_options_e option : kind.options) {
            if (ssh_bind_options_set(made.bind_.get(), option, list.c_str()) < 0) {
                return tl::unexpected(std::string("[ssh] ") + kind.key + ": libssh has none of " +
                                      list + ": " + ssh_get_error(made.bind_.get()));
            }
        }
    }
    for (const auto& key : keys.keys_) {
        // The bind takes the key it is given, so it gets one of its own.
        ssh_key copy = ssh_key_dup(key.get());
        if (copy == nullptr ||
            ssh_bind_options_set(made.bind_.get(), SSH_BIND_OPTIONS_IMPORT_KEY, copy) < 0) {
            const std::string why = ssh_get_error(made.bind_.get());
            ssh_key_free(copy);
            return tl::unexpected("host key: refused by libssh: " + why);
        }
    }
    return made;
}

}  // namespace portreeve::ssh
