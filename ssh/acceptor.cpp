#include "ssh/acceptor.h"

#include <libssh/libssh.h>
#include <libssh/server.h>

namespace portreeve::ssh {
namespace {

// Quick ones only, the best first; libssh drops those it does not have. A stranger's key exchange
// runs on a worker's thread before any login: group18 or a group exchange cost it 170 to 280 ms
// each, and four clients asking for them made every session of that worker wait half a second.
constexpr const char* kKeyExchanges =
    "mlkem768x25519-sha256,sntrup761x25519-sha512,sntrup761x25519-sha512@openssh.com,"
    "curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,ecdh-sha2-nistp384,"
    "ecdh-sha2-nistp521,diffie-hellman-group14-sha256";

}  // namespace

void Acceptor::BindDeleter::operator()(ssh_bind_struct* bind) const {
    ssh_bind_free(bind);
}

tl::expected<Acceptor, std::string> Acceptor::make(const HostKeys& keys) {
    Acceptor made;
    made.bind_.reset(ssh_bind_new());
    const bool read_system_files = false;
    ssh_bind_options_set(made.bind_.get(), SSH_BIND_OPTIONS_PROCESS_CONFIG, &read_system_files);
    if (ssh_bind_options_set(made.bind_.get(), SSH_BIND_OPTIONS_KEY_EXCHANGE, kKeyExchanges) < 0) {
        return tl::unexpected(std::string("libssh knows none of our key exchanges: ") +
                              ssh_get_error(made.bind_.get()));
    }
    for (const KeyHandle& key : keys.keys_) {
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
