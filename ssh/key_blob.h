// Public keys as bytes: what authorized_keys writes in base64, what a certificate certifies and
// what a revocation list lists.
//
// A key has one spelling here. libssh reads it and writes it again, and a blob that comes out
// otherwise is refused, so that two blobs are equal exactly when their keys are.
//
// Owns: nothing. Called by: Certificate, the revocation list, and signature.cpp. Bounds: the
// caller's, on the size of the blob.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "ssh/keys.h"
#include "ssh/wire_reader.h"

namespace portreeve::ssh {

[[nodiscard]] std::string to_base64(Bytes bytes);
// nullopt: not base64, or not padded as it must be.
[[nodiscard]] std::optional<std::vector<std::byte>> from_base64(std::string_view base64);

// Whether keys of this type can be read, and may be certified or sign certificates.
[[nodiscard]] bool is_plain_key_type(std::string_view type);

// Reads what follows the type in a key. The error is the end of a sentence about the key.
[[nodiscard]] tl::expected<PublicKey, std::string> read_key_fields(const std::string& type,
                                                                   WireReader& in);
// Reads a whole key and nothing else.
[[nodiscard]] tl::expected<PublicKey, std::string> parse_key_blob(Bytes blob);

// Why a key must not be relied on: RSA that is too small, or too large to be checked in passing.
[[nodiscard]] std::optional<std::string> why_weak(const PublicKey& key);

}  // namespace portreeve::ssh
