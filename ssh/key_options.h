// What one line of authorized_keys lets its key do: the options in front of the key, in the syntax
// and with the meaning of sshd(8), and four of our own that sshd refuses as unknown.
//
// Options are read in order, so that `restrict,port-forwarding` forwards and
// `port-forwarding,restrict` does not. Some are about what this server never does: agent and X11
// forwarding, ~/.ssh/rc, environment, tunnel devices. They are checked and then dropped, because
// there is nothing that they could allow or forbid. Everything else is kept here, for daemon/ to
// honour; what is unknown, or not well formed, is an error: a line never grants more than it says.
//
// Owns: values only. Called by: AuthorizedKeys, and daemon/ for what else speaks this language.
// Bounds: kPermitsMax of each permit, kEnvironmentMax variables, as sshd.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "ssh/audience.h"
#include "ssh/permits.h"

namespace portreeve::ssh {

// A default-made one is a line without options.
struct KeyOptions {
    static constexpr std::size_t kPermitsMax = 4096;
    static constexpr std::size_t kEnvironmentMax = 1024;

    bool cert_authority = false;
    bool port_forwarding = true;
    bool pty = true;
    bool verify_required = false;              // of a security key: PIN or finger
    bool touch_required = true;                // of a security key
    std::optional<std::string> command;        // in place of any that the client asks for
    std::string from;                          // for address_in_list; empty: anywhere
    std::optional<std::int64_t> expiry_s;      // Unix time of the last second in which it holds
    std::vector<std::string> principals;       // of a cert-authority; empty: the login user name
    std::vector<ListenPattern> permit_listen;  // empty: whatever the configuration allows
    std::vector<OpenPattern> permit_open;      // empty: private names only
    Audience alias_users;                      // who may reach its private names, beside itself
    Audience alias_share;                      // … and who may have them too
    std::uint32_t tunnels_max = 0;             // 0: the configuration's
    std::uint32_t visitors_max = 0;            // 0: the configuration's
    std::uint64_t bytes_per_s_max = 0;         // 0: no limit

    [[nodiscard]] bool expired(std::int64_t now_s) const { return expiry_s && *expiry_s < now_s; }
    // Whether nothing is asked that a line without options does not: then it needs no honouring.
    [[nodiscard]] bool plain() const { return *this == KeyOptions{}; }
    bool operator==(const KeyOptions&) const = default;
};

// Reads `restrict,permitlisten="8080"`; empty text is no options. The error is a sentence that
// names the option.
[[nodiscard]] tl::expected<KeyOptions, std::string> parse_key_options(std::string_view text);

}  // namespace portreeve::ssh
