// OpenSSH's user certificates: a key, and what an authority has signed about it.
//
// To parse one is to check all that the certificate says about itself: its shape, its options and
// its authority's signature. What it does not know is left to the caller, in any order: whether the
// authority is trusted, whether anything was revoked (RevokedKeys), why_denied, and whether the
// client comes from one of `source_address`. A certificate grants only when all agree.
//
// As in sshd, an unknown critical option refuses the certificate and an unknown extension grants
// nothing. Beyond sshd: RSA has 2048 bits or more, and no text holds a zero byte.
//
// Owns: values only. Called by: daemon/ at each login with a certificate, RevokedKeys. Bounds:
// kBlobBytesMax, kPrincipalsMax; the structure is checked first, so that only a certificate which
// could be good costs a signature.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "ssh/code.h"
#include "ssh/keys.h"

namespace portreeve::ssh {

// Why a certificate does not let in: a code for programs and a sentence for the person.
struct Denial {
    Code code;
    std::string sentence;
};

struct Certificate {
    static constexpr std::size_t kBlobBytesMax = std::size_t{64} * 1024;
    static constexpr std::size_t kPrincipalsMax = 256;
    static constexpr std::uint64_t kForEver = ~std::uint64_t{0};  // of valid_before_s

    PublicKey key;        // the plain key that is certified
    PublicKey authority;  // who signed it
    std::uint64_t serial = 0;
    std::string key_id;    // what the authority calls it; any text without zero bytes
    bool is_user = false;  // else for a host
    std::vector<std::string> principals;
    std::uint64_t valid_after_s = 0;   // Unix time of the first second in which it holds
    std::uint64_t valid_before_s = 0;  // Unix time of the first second in which it no longer does
    std::optional<std::string> force_command;
    std::string source_address;  // for address_in_list; empty: anywhere
    bool verify_required = false;
    bool permit_port_forwarding = false;
    bool permit_pty = false;
    bool no_touch_required = false;

    // The error is a sentence.
    static tl::expected<Certificate, std::string> parse(std::span<const std::byte> blob);
    static tl::expected<Certificate, std::string> parse_base64(std::string_view base64);

    // nullopt: a user certificate that holds now and names one of `names`: the login user name, or
    // what the principals= of the authority's line says. The codes: certificate_not_user,
    // certificate_not_yet_valid, certificate_expired, certificate_no_principals,
    // certificate_wrong_principal.
    [[nodiscard]] std::optional<Denial> why_denied(std::span<const std::string> names,
                                                   std::uint64_t now_s) const;
    // "certificate 7 of SHA256:…": for sentences. The key id is not in it: it may be any text.
    [[nodiscard]] std::string name() const;
};

// Whether keys of this type are certificates, of a kind that is known here or not. Such a key must
// never be taken for the plain key inside it.
[[nodiscard]] bool is_certificate_type(std::string_view type);

}  // namespace portreeve::ssh
