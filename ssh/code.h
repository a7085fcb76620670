// Why something was refused, or ended: a word that stays the same for ever, for programs to go by.
//
// All of them are here, and docs/REFUSALS.md explains each; tests/tidy compares the two. A word
// that is not in the list does not compile.
//
// Called by: ssh/ and daemon/, wherever something is refused or ended. Bounds: none needed.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace portreeve::ssh {

inline constexpr std::array<std::string_view, 73> kCodes = {
    // a connection, before it logs in
    "limit_sessions",
    "limit_http_visitors",
    "limit_http_visitors_per_ip",
    "limit_sessions_per_ip",
    "limit_startups",
    "limit_startups_per_ip",
    "penalty",
    // a login
    "auth_command_failed",
    "certificate_expired",
    "certificate_no_principals",
    "certificate_not_user",
    "certificate_not_valid",
    "certificate_not_yet_valid",
    "certificate_wrong_command",
    "certificate_wrong_principal",
    "certificate_wrong_source",
    "key_expired",
    "key_revoked",
    "limit_sessions_per_key",
    "password_not_checked",
    "touch_not_checkable",
    "unknown_authority",
    "unknown_key",
    "unknown_user",
    "verify_not_checkable",
    "wrong_password",
    "wrong_source",
    // a forward
    "address_in_use",
    "address_leased",
    "address_too_long",
    "against_words",
    "bind_failed",
    "domain_not_proven",
    "forwarding_not_allowed",
    "limit_tunnels_per_key",
    "limit_tunnels_per_session",
    "listen_not_permitted",
    "name_not_found",
    "name_not_served",
    "name_not_valid",
    "name_reserved",
    "pool_exhausted",
    "port_not_allowed",
    "port_privileged",
    "reply_not_wanted",
    // a visitor
    "limit_visitors_per_key",
    "limit_visitors_per_tunnel",
    "limit_visitors_waiting",
    "owner_away",
    "target_failed",
    "target_refused",
    "visitor_not_allowed",
    // the end of a visitor
    "client_ended",
    "http_fault",
    "visitor_ended",
    "visitor_lost",
    // a connection by -L or -W
    "open_not_permitted",
    "target_unreachable",
    // the end of a session or tunnel
    "cancelled",
    "lease_over",
    "limit_leases_per_key",
    "failed",
    "left",
    "login_attempts",
    "login_grace",
    "lost",
    "protocol",
    "session",
    "silent",
    "stopping",
    "deadline",
    "kicked",
    "taken_over",
};

class Code {
  public:
    // Implicit, so that a code is written as what it is: {"unknown_key", "the key is in no …"}.
    consteval Code(const char* text)  // NOLINT(google-explicit-constructor)
        : index_(static_cast<std::uint8_t>(std::find(kCodes.begin(), kCodes.end(), text) -
                                           kCodes.begin())) {
        static_assert(kCodes.size() <= UINT8_MAX);
        if (index_ == kCodes.size()) {
            throw "this code is not in kCodes";
        }
    }
    // NOLINTNEXTLINE(google-explicit-constructor)
    constexpr operator std::string_view() const { return kCodes[index_]; }
    // Its place in kCodes, for those who count; another version may have it elsewhere.
    [[nodiscard]] constexpr std::size_t index() const { return index_; }
    friend constexpr bool operator==(Code one, Code other) { return one.index_ == other.index_; }

  private:
    std::uint8_t index_;
};

}  // namespace portreeve::ssh
