// An OCSP response that goes with a certificate (RFC 6961 and RFC 6066, section 8): its authority
// says that it was not revoked, so that visitors need not ask there themselves.
//
// Owns: the response. Called by: read_pair. Bounds: the file's, which the caller has read.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "daemon/tls/openssl.h"

namespace portreeve::tls {

struct Staple {
    std::string response;  // DER; empty: there is none
    std::int64_t until_s = 0;

    [[nodiscard]] bool is_good_at(std::int64_t now_s) const {
        return !response.empty() && now_s <= until_s;
    }
};

// Only of a response that says "good" of this very certificate. Its signature is the visitor's to
// check. The error is the end of a sentence.
[[nodiscard]] tl::expected<Staple, std::string> read_staple(std::string_view der, const X509& leaf);

}  // namespace portreeve::tls
