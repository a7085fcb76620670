// OpenSSH's binary key revocation list, as ssh-keygen -k writes it, as a value.
//
// All of the format is read: what is unknown refuses the list, unless the list itself says that it
// may be passed over. So does a signature inside the list: OpenSSH no longer makes them or checks
// them, and a list that its author meant to be checked must not be taken unchecked.
//
// Owns: values only. Called by: RevokedKeys. Bounds: the caller's, on the size of the file; and
// kSerialRangesMax, because a bitmap may hold a range in two bits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <tl/expected.hpp>

#include "ssh/wire_reader.h"

namespace portreeve::ssh {

struct RevocationList {
    static constexpr std::size_t kSerialRangesMax = 1'000'000;

    struct SerialRange {
        std::uint64_t first = 0;
        std::uint64_t last = 0;  // revoked as well
        bool operator==(const SerialRange&) const = default;
    };
    struct Certificates {
        std::vector<SerialRange> serials;  // in order, and apart from each other
        std::unordered_set<std::string> key_ids;

        [[nodiscard]] bool has_serial(std::uint64_t serial) const;
        bool operator==(const Certificates&) const = default;
    };

    std::unordered_set<std::string> keys;     // in base64
    std::unordered_set<std::string> sha1s;    // of a key's blob, as bytes
    std::unordered_set<std::string> sha256s;  // likewise
    // By the authority's key, in base64; empty: of any authority.
    std::unordered_map<std::string, Certificates> certificates;
    bool operator==(const RevocationList&) const = default;
};

[[nodiscard]] bool is_krl(Bytes file);
// The error is the end of a sentence about the list.
[[nodiscard]] tl::expected<RevocationList, std::string> parse_krl(Bytes file);

// Why a key cannot stand on a list: it is a certificate, or is said to be of a type that it is not.
// nullopt: it can. A key of a type that is not known here is harmless: nobody can log in with it.
[[nodiscard]] std::optional<std::string> why_not_listed(Bytes key_blob);

}  // namespace portreeve::ssh
