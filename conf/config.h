// The configuration as one immutable value. `load` turns TOML text into a Config or into the list
// of everything that is wrong with it, each with line, column and what would be right. This folder
// knows no other: it checks what a value may be, not whether a file or an address exists on this
// machine.
//
// Owns: nothing but values. Called by: daemon/ at start, at reload and for --check.
// Bounds: kConfigBytesMax of text, kConfigErrorsMax reported errors.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "conf/network.h"

namespace portreeve::conf {

inline constexpr std::size_t kConfigBytesMax = 1 << 20;
inline constexpr std::size_t kConfigErrorsMax = 50;

using Milliseconds = std::chrono::milliseconds;

// "[::]:2222", "0.0.0.0:80", "127.0.0.1:0": a literal address and a port, never a name to resolve.
struct Endpoint {
    std::string address;  // without brackets: "::", "127.0.0.1"
    std::uint16_t port = 0;

    [[nodiscard]] std::string text() const;
    bool operator==(const Endpoint&) const = default;
};

// "20000-29999" or "8080"; first <= last, both at least 1.
struct PortRange {
    std::uint16_t first = 0;
    std::uint16_t last = 0;

    [[nodiscard]] bool contains(std::uint32_t port) const { return port >= first && port <= last; }
    bool operator==(const PortRange&) const = default;
};

enum class Bind { loopback, client, any };  // GatewayPorts no | clientspecified | yes
// What a reload does to the live sessions of a key that may no longer log in.
enum class RemovedKeys { end, keep };
// What [events] command is told of.
enum class EventKind { up, down, held, taken, refused };
enum class LogFormat { automatic, journal, text, json };
enum class LogLevel { error, warning, info, debug };

struct Server {
    std::uint32_t workers = 0;  // 0: one per CPU
    std::string state_dir = "/var/lib/portreeve";
    std::string runtime_dir = "/run/portreeve";
    Milliseconds drain{10'000};  // how long visitors may finish after SIGTERM
    bool operator==(const Server&) const = default;
};

struct Ssh {
    std::vector<Endpoint> listen = {{"::", 2222}};
    std::vector<std::string> host_keys;
    Milliseconds keepalive{15'000};
    Milliseconds login_grace{20'000};
    std::string banner;
    // Names, the best first; none: what ssh/acceptor.cpp chooses.
    std::vector<std::string> ciphers;
    std::vector<std::string> kex;
    std::vector<std::string> macs;
    std::vector<std::string> host_key_algorithms;
    bool operator==(const Ssh&) const = default;
};

struct Auth {
    std::vector<std::string> authorized_keys = {"/etc/portreeve/authorized_keys"};
    std::vector<std::string> command;  // the program and its arguments, tokens unexpanded; or none
    std::string command_user = "nobody";
    Milliseconds command_timeout{5'000};
    std::vector<std::string> trusted_user_ca;
    std::string revoked_keys;  // a file; empty: none
    RemovedKeys removed_keys = RemovedKeys::end;
    std::string passwords;  // a file; empty: no login by password
    bool operator==(const Auth&) const = default;
};

struct Forward {
    Bind bind = Bind::client;
    std::vector<PortRange> ports = {{1024, 65535}};
    PortRange pool = {20000, 29999};
    Milliseconds lease{300'000};
    Milliseconds hold{10'000};
    bool aliases = true;
    bool sockets = false;
    std::uint32_t sockets_mode = 0660;
    std::string sockets_group;  // empty: the daemon's own
    bool operator==(const Forward&) const = default;
};

struct Http {
    std::string domain;
    std::vector<std::string> reserved;  // labels that nobody gets, in lower case
    std::vector<Endpoint> listen = {{"::", 80}};
    Milliseconds hold{0};                 // how long a visitor may wait for an owner who is away
    Milliseconds head_timeout{30'000};    // for a head to be whole
    Milliseconds idle_timeout{75'000};    // without a request
    std::vector<Network> trusted;         // proxies whose word on those before them is taken
    std::vector<Network> proxy_protocol;  // … and who say first for whom they come
    std::vector<Network> allow;           // visitors; none: all
    std::vector<Network> deny;
    bool redirect = false;             // http to https, where there is a certificate
    std::string acme_webroot;          // a folder; empty: none
    std::string pages;                 // likewise
    std::optional<Endpoint> resolver;  // the DNS server; none: the system's
    bool operator==(const Http&) const = default;
};

struct Https {
    std::vector<Endpoint> listen = {{"::", 443}};
    std::string certificates = "/etc/portreeve/certs";
    bool ssh = false;  // on the same port
    bool operator==(const Https&) const = default;
};

struct Limits {
    std::uint32_t sessions = 10'000;
    std::uint32_t sessions_per_key = 100;
    std::uint32_t sessions_per_ip = 100;
    std::uint32_t startups = 100;
    std::uint32_t startups_per_ip = 10;
    std::uint32_t tunnels_per_session = 32;
    std::uint32_t visitors_per_tunnel = 10'000;
    std::uint32_t visitors_waiting = 1'000;  // of one tunnel whose owner is away
    std::uint32_t leases_per_key = 100;      // of a key's tunnels that have no session
    std::uint32_t http_visitors = 20'000;    // connections to http ports
    std::uint32_t http_visitors_per_ip = 1'000;
    bool operator==(const Limits&) const = default;
};

// What a source gets for each connection that ends without a login, and what these add up to.
struct Penalties {
    Milliseconds auth_failed{5'000};
    Milliseconds no_auth{1'000};
    Milliseconds grace_exceeded{10'000};
    Milliseconds min{15'000};        // what they must exceed before the source is refused
    Milliseconds max{600'000};       // 0: no penalties at all
    std::uint32_t sources = 65'536;  // of each address family
    std::vector<Network> exempt;
    bool operator==(const Penalties&) const = default;
};

// Who is in a group, each as "SHA256:…", a key's fingerprint, or "principal:…", which a certificate
// has.
using Groups = std::map<std::string, std::vector<std::string>>;

struct Events {
    std::vector<std::string> command;  // the program and its arguments; or none
    std::string command_user = "nobody";
    Milliseconds command_timeout{5'000};
    std::vector<EventKind> on = {EventKind::up, EventKind::down, EventKind::held, EventKind::taken,
                                 EventKind::refused};
    bool operator==(const Events&) const = default;
};

struct Metrics {
    std::vector<Endpoint> listen;          // "" in the file: none
    std::string alias;                     // a private name, in lower case; empty: none
    std::vector<std::string> alias_users;  // as in groups, the name of a group, or "any"
    bool operator==(const Metrics&) const = default;
};

// The parts of the daemon that may have a level of their own; nullopt: that of the whole.
struct LogLevels {
    std::optional<LogLevel> server;
    std::optional<LogLevel> session;
    std::optional<LogLevel> tunnel;
    std::optional<LogLevel> visitor;
    std::optional<LogLevel> reach;
    bool operator==(const LogLevels&) const = default;
};

struct Log {
    LogLevel level = LogLevel::info;
    LogFormat format = LogFormat::automatic;
    LogLevels levels;
    bool operator==(const Log&) const = default;
};

struct Config {
    Server server;
    Ssh ssh;
    Auth auth;
    Forward forward;
    Http http;
    Https https;
    Limits limits;
    Penalties penalties;
    Groups groups;
    Events events;
    Metrics metrics;
    Log log;
    bool operator==(const Config&) const = default;
};

// One thing wrong with the text. `text()` is the contract's FILE:LINE:COLUMN: what is wrong.
struct ConfigError {
    std::string file;
    std::uint32_t line = 0;    // 1-based; 0: the file as a whole
    std::uint32_t column = 0;  // 1-based
    std::string sentence;

    [[nodiscard]] std::string text() const;
};

using ConfigErrors = std::vector<ConfigError>;  // never empty when returned as an error

// Parses `toml`; `file` is the name that errors carry. Keys left out keep their defaults.
[[nodiscard]] tl::expected<Config, ConfigErrors> parse(std::string_view toml,
                                                       std::string_view file);

// Reads and parses the file at `path`.
[[nodiscard]] tl::expected<Config, ConfigErrors> load(const std::string& path);

// The defaults as commented TOML, as `contrib/portreeve.toml` shows them; parses to Config{}.
[[nodiscard]] std::string_view default_toml();

}  // namespace portreeve::conf
