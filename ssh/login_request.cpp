#include "ssh/login_request.h"

#include <libssh/libssh.h>
#include <libssh/server.h>

// libssh marks what reads an authentication message as deprecated in favour of its callbacks, which
// cannot be answered later.
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

namespace portreeve::ssh {

void MessageDeleter::operator()(ssh_message_struct* message) const {
    ssh_message_free(message);
}

LoginRequest::LoginRequest(MessageHandle message) : message_(std::move(message)) {
    const int method = ssh_message_subtype(message_.get());
    const char* user = ssh_message_auth_user(message_.get());
    user_ = user == nullptr ? "" : user;
    asks_for_methods_ = method == SSH_AUTH_METHOD_NONE;
    if (method == SSH_AUTH_METHOD_PUBLICKEY) {
        key_ = PublicKey::from(ssh_message_auth_pubkey(message_.get()));
        proven_ = ssh_message_auth_publickey_state(message_.get()) == SSH_PUBLICKEY_STATE_VALID;
        method_ = key_ ? Method::public_key : Method::other;
    } else if (method == SSH_AUTH_METHOD_PASSWORD) {
        method_ = Method::password;
    }
}

std::string_view LoginRequest::password() const {
    const char* text = ssh_message_auth_password(message_.get());
    return text == nullptr ? "" : text;
}

void LoginRequest::grant() {
    if (method_ == Method::public_key && !proven_) {
        ssh_message_auth_reply_pk_ok_simple(message_.get());
    } else {
        ssh_message_auth_reply_success(message_.get(), 0);
    }
}

void LoginRequest::refuse() {
    ssh_message_reply_default(message_.get());
}

}  // namespace portreeve::ssh
