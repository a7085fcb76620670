// Leases as the text that is kept of them: TOML behind one line with its format and its checksum.
//
//   # portreeve leases, format 1, sha256 8c5e…
//   [[lease]]
//   host = …
//
// The first line follows from the rest, so a text in which any bit is wrong is not taken. What a
// client wrote may be any bytes: what is not plain is kept in base64, under KEY_base64.
//
// Owns: nothing. Called by: the lease store; whoever makes a lease asks why_not_storable() first,
// since a set with one lease that cannot be kept is not kept at all. Bounds: kLeasesMax leases, of
// the bytes and addresses below, in a text of kLeaseTextBytesMax.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "daemon/lease_kind.h"

namespace portreeve::daemon {

struct LeaseRecord {
    std::string id;                    // 16 lower-case hex digits; names its sockets to systemd too
    std::string owner;                 // key fingerprint, "SHA256:…"
    std::string label;                 // the login user name, any bytes
    std::string requested;             // the address as the client wrote it, any bytes
    std::uint16_t requested_port = 0;  // 0: one of the server's choice
    std::uint16_t port = 0;            // the one it has
    std::vector<std::string> hosts;    // the literal addresses that are bound: "127.0.0.1", "::1"
    std::string note;                  // how the answer differs from the wish
    std::int64_t held_until_s = 0;     // wall clock; 0: its owner is connected
    // Of a private name, as ssh::Audience writes them: who may reach it, and who may have it too.
    std::string reach;
    std::string share;
    // Who may visit, as its owner said last: networks with "," between them.
    std::string allow;
    std::string deny;
    // Of an http name.
    std::string host;
    std::string path;

    [[nodiscard]] LeaseKind kind() const {
        return !host.empty() ? LeaseKind::http : hosts.empty() ? LeaseKind::name : LeaseKind::tcp;
    }

    bool operator==(const LeaseRecord&) const = default;
};

inline constexpr std::size_t kLeasesMax = 32'768;
inline constexpr std::size_t kLeaseTextBytesMax = 440 << 20;  // what kLeasesMax of the largest take
inline constexpr std::size_t kLeaseOwnerBytesMax = 320;
inline constexpr std::size_t kLeaseWordBytesMax = 255;       // label, note
inline constexpr std::size_t kLeaseAudienceBytesMax = 1024;  // reach, share
inline constexpr std::size_t kLeaseNetworksBytesMax = 2880;  // allow, deny
inline constexpr std::size_t kLeaseHostsMax = 8;
inline constexpr std::size_t kLeaseRequestedBytesMax = 383;  // a name and a path
inline constexpr std::size_t kLeaseHostBytesMax = 253;       // of http; and a path
inline constexpr std::size_t kLeasePathBytesMax = 128;

// Why this lease cannot be kept, as the end of a sentence about it; empty: it can.
[[nodiscard]] std::string why_not_storable(const LeaseRecord& record);

// The error is a sentence: a lease that cannot be kept, two with one id, or two of one owner that
// asked for the same and got the same, too many of them.
[[nodiscard]] tl::expected<std::string, std::string> format_leases(
    const std::vector<LeaseRecord>& records);
// In the order of the text. The error is the end of a sentence about the text.
[[nodiscard]] tl::expected<std::vector<LeaseRecord>, std::string> parse_leases(
    std::string_view text);

// `body` behind its first line.
[[nodiscard]] std::string sealed_leases(std::string_view body);

}  // namespace portreeve::daemon
