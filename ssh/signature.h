// Checks what a public key has signed, with OpenSSL: the signature in a certificate. libssh checks
// the signatures of logins itself, but has no public function that checks any other.
//
// Taken are the algorithms that OpenSSH takes from certificate authorities; SHA-1 is not. Of a
// security key's signature, touch and PIN are not asked for, as in sshd: they are the authority's
// business, at its desk.
//
// Owns: nothing. Called by: Certificate. Bounds: one signature; the caller has asked why_weak, so
// that no key makes it slow.
#pragma once

#include <string>

#include <tl/expected.hpp>

#include "ssh/keys.h"
#include "ssh/wire_reader.h"

namespace portreeve::ssh {

// The error is the end of a sentence about what was signed: "is signed with …".
[[nodiscard]] tl::expected<void, std::string> verify_signature(const PublicKey& signer,
                                                               Bytes signature, Bytes signed_data);

}  // namespace portreeve::ssh
