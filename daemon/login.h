// Whether a key may log in, and as what: the lines of authorized_keys that name it, or for a
// certificate the lines and files that name its authority, in order; the first that lets it in is
// the grant.
//
// Owns: values only. Called by: Authenticator for each login and again at each reload, --explain
// for a login that nobody makes. Bounds: one look-up and the lines of one key; a certificate costs
// one signature.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <tl/expected.hpp>

#include "daemon/grant.h"
#include "daemon/policy.h"
#include "daemon/refusal.h"
#include "ssh/keys.h"

namespace portreeve::daemon {

// What is known of a client when it shows its key.
struct LoginAttempt {
    std::string user;
    ssh::PublicKey key;   // or a certificate
    std::string address;  // where it comes from, without port
    std::int64_t now_s = 0;
    // When it was shown, if that is not now: a certificate has to be valid then, as in sshd, while
    // what lines say is always about now.
    std::optional<std::int64_t> shown_s = std::nullopt;
};

// By `keys`, which are the policy's own or what a hook said of this one login; revocation and
// trusted authorities are the policy's.
[[nodiscard]] tl::expected<Grant, Refusal> decide_login(const LoginAttempt& attempt,
                                                        const ssh::AuthorizedKeys& keys,
                                                        const Policy& policy);

// The grant of a line that lets in a password: `options` are the line's, `source` is FILE:LINE.
[[nodiscard]] tl::expected<Grant, Refusal> decide_password_login(const std::string& user,
                                                                 const std::string& address,
                                                                 std::int64_t now_s,
                                                                 const ssh::KeyOptions& options,
                                                                 const std::string& source);

// A refusal by the files that no answer of [auth] command may overrule, or need be asked about.
[[nodiscard]] bool is_final(const Refusal& refusal);

// Unix time, for expiries and validity.
[[nodiscard]] std::int64_t wall_clock_s();

}  // namespace portreeve::daemon
