// One pair of a folder: NAME.crt and NAME.key, and NAME.ocsp where it is of use.
//
// Owns: what is in them, as OpenSSL's objects, which may be used from any thread. Called by:
// Certificates reads them, Context serves them. Bounds: Certificates::kFileBytesMax.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "daemon/tls/openssl.h"
#include "daemon/tls/staple.h"

namespace portreeve::tls {

struct Pair {
    std::string label;               // NAME
    std::string file;                // NAME.crt with its folder, for sentences
    std::vector<std::string> names;  // in lower case, in the order of the certificate
    std::string key_kind;            // as OpenSSL names it: there is one of each kind for a name
    std::int64_t not_before_s = 0;
    std::int64_t not_after_s = 0;
    Certificate leaf;
    Chain chain;
    PrivateKey key;
    Staple staple;

    [[nodiscard]] bool is_valid_at(std::int64_t now_s) const {
        return not_before_s <= now_s && now_s <= not_after_s;
    }
};

// The error and the warnings are sentences that begin with the file.
[[nodiscard]] tl::expected<Pair, std::string> read_pair(const std::string& folder,
                                                        const std::string& label,
                                                        std::int64_t now_s,
                                                        std::vector<std::string>& warnings);

}  // namespace portreeve::tls
