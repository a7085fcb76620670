// What a client may say behind the host: `ssh GATE list --json`, and words about its own session,
// `ssh -R … GATE deadline=1h`. There is no shell and no program behind it; a word that is not known
// is an error that lists those that are. `--json` may stand anywhere among a command's words.
//
// Owns: values only. Called by: Client, for each command that a session channel brings. Bounds:
// kLineBytesMax.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "daemon/proxy/rules.h"
#include "ssh/audience.h"

namespace portreeve::daemon {

// What the words ask for, as sish takes them.
struct SessionWords {
    std::optional<ssh::Audience> alias_users;              // tcp-aliases-allowed-users=
    std::optional<ssh::Audience> share;                    // share=
    std::optional<std::int64_t> deadline_s;                // deadline=, by the wall clock
    bool auto_close = false;                               // the session ends with its last forward
    std::optional<TunnelRules::ProxyHeader> proxy_header;  // proxy-protocol=
    std::optional<std::vector<conf::Network>> allow;       // allow=
    std::optional<std::vector<conf::Network>> deny;        // deny=
    std::optional<std::string> host_header;                // host-header=
    std::optional<bool> strip_path;                        // strip-path=
    std::optional<bool> force_https;                       // force-https=
    std::optional<bool> sni_proxy;                         // sni-proxy=
    std::optional<bool> tcp_alias;                         // tcp-alias=
    std::vector<std::string> notices;  // why some of them are not honoured, a line each
};

struct ClientRequest {
    enum class Kind { help, list, status, usage, explain, kick, words };

    Kind kind = Kind::help;
    bool json = false;
    std::string argument;  // of explain and kick
    SessionWords words;
};

inline constexpr std::size_t kRequestBytesMax = 4096;

// The error is a text of whole lines.
[[nodiscard]] tl::expected<ClientRequest, std::string> parse_client_request(std::string_view line,
                                                                            std::int64_t now_s);
[[nodiscard]] std::string client_request_help();
// What there is to be asked, in the order of the help; all of it with --json too.
struct CommandHelp {
    std::string_view name;
    std::string_view argument;  // its name; empty: it has none
    std::string_view what;
};
[[nodiscard]] std::vector<CommandHelp> client_commands();

}  // namespace portreeve::daemon
