// The words of the configuration: how the text of one value becomes a number of milliseconds, an
// endpoint, a range of ports. Each parser takes text and gives the value or the reason it is none,
// as a sentence that starts with the quoted text and ends with what to write instead. Nothing here
// knows of TOML or of keys, so that every rule can be tested with a plain string.
#pragma once

#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "conf/config.h"

namespace portreeve::conf {

template <class T>
using Parsed = tl::expected<T, std::string>;

// How a key's value is written: its parser, and the words that a type error needs.
template <class T>
struct Form {
    std::string_view what;     // "a duration"
    std::string_view example;  // "\"15s\"", as it stands in the file; empty: `what` says it all
    Parsed<T> (*parse)(std::string_view);
};

inline constexpr std::size_t kPathBytesMax = 4095;  // PATH_MAX without its NUL
inline constexpr std::size_t kTextBytesMax = 4096;

// "1h", "1m30s", "500ms": whole numbers, large units first, at most "8760h" (a year).
[[nodiscard]] Parsed<Milliseconds> parse_duration(std::string_view text);

// "[::]:80", "127.0.0.1:0". The address comes back in its one canonical form ("0:0::1" as "::1").
[[nodiscard]] Parsed<Endpoint> parse_endpoint(std::string_view text);

// A DNS server: "192.0.2.53" or "::1", on port 53, "192.0.2.53:5353" or "[::1]:5353"; or "" for
// none.
[[nodiscard]] Parsed<std::optional<Endpoint>> parse_resolver(std::string_view text);

// "20000-29999" or "8080".
[[nodiscard]] Parsed<PortRange> parse_port_range(std::string_view text);

// An absolute path. Whether it exists is not asked here.
[[nodiscard]] Parsed<std::string> parse_path(std::string_view text);

// The same, or "" for none.
[[nodiscard]] Parsed<std::string> parse_path_or_none(std::string_view text);

// The name of an account, in whatever letters. Whether it exists is not asked here.
[[nodiscard]] Parsed<std::string> parse_user_name(std::string_view text);

// A DNS name, returned in lower case; or "" for none.
[[nodiscard]] Parsed<std::string> parse_domain(std::string_view text);

// One part of a DNS name, returned in lower case.
[[nodiscard]] Parsed<std::string> parse_label(std::string_view text);

// Any text of up to kTextBytesMax without a NUL.
[[nodiscard]] Parsed<std::string> parse_text(std::string_view text);

// "192.0.2.1", "192.0.2.0/24", "2001:db8::/32"; no bit may be set beyond the length.
[[nodiscard]] Parsed<Network> parse_network(std::string_view text);

// The name of an SSH algorithm, as RFC 4251 section 6 has it. Whether there is such a one is not
// asked here.
[[nodiscard]] Parsed<std::string> parse_algorithm(std::string_view text);

// "SHA256:…" as ssh-keygen -l shows a key, or "principal:NAME".
[[nodiscard]] Parsed<std::string> parse_group_member(std::string_view text);
// What a group may be called; "any" is everybody, and not a group.
[[nodiscard]] bool is_group_name(std::string_view text);
// A member of a group, a group's name, or "any".
[[nodiscard]] Parsed<std::string> parse_audience_member(std::string_view text);

// A private name, returned in lower case; or "" for none.
[[nodiscard]] Parsed<std::string> parse_name_or_none(std::string_view text);

// "0660"
[[nodiscard]] Parsed<std::uint32_t> parse_mode(std::string_view text);
// What getgrnam(3) may know, or "" for none.
[[nodiscard]] Parsed<std::string> parse_group_name_or_none(std::string_view text);

[[nodiscard]] Parsed<Bind> parse_bind(std::string_view text);
[[nodiscard]] Parsed<RemovedKeys> parse_removed_keys(std::string_view text);
[[nodiscard]] Parsed<EventKind> parse_event_kind(std::string_view text);
[[nodiscard]] std::vector<EventKind> all_event_kinds();
// As the configuration has it: "up".
[[nodiscard]] std::string_view name_of(EventKind kind);
[[nodiscard]] Parsed<LogFormat> parse_log_format(std::string_view text);
[[nodiscard]] Parsed<LogLevel> parse_log_level(std::string_view text);
// The same, or "" for none.
[[nodiscard]] Parsed<std::optional<LogLevel>> parse_log_level_or_none(std::string_view text);

inline constexpr Form<Milliseconds> kDuration{"a duration", R"("15s")", parse_duration};
inline constexpr Form<Endpoint> kEndpoint{"an endpoint", R"("[::]:2222")", parse_endpoint};
inline constexpr Form<std::optional<Endpoint>> kResolver{"a DNS server's address",
                                                         R"("192.0.2.53")", parse_resolver};
inline constexpr Form<PortRange> kPortRange{"a port range", R"("20000-29999")", parse_port_range};
inline constexpr Form<std::string> kPath{"an absolute path", R"("/etc/portreeve/NAME")",
                                         parse_path};
inline constexpr Form<std::string> kPathOrNone{"an absolute path", R"("/etc/portreeve/NAME")",
                                               parse_path_or_none};
inline constexpr Form<std::string> kUserName{"the name of an account", R"("nobody")",
                                             parse_user_name};
inline constexpr Form<std::uint32_t> kMode{"a file's mode", R"("0660")", parse_mode};
inline constexpr Form<std::string> kGroupNameOrNone{"the name of a group of accounts",
                                                    R"("www-data")", parse_group_name_or_none};
inline constexpr Form<std::string> kGroupMember{"a key or a principal", R"("principal:ops")",
                                                parse_group_member};
inline constexpr Form<std::string> kAudienceMember{"a key, a principal or a group", R"("ops")",
                                                   parse_audience_member};
inline constexpr Form<std::string> kNameOrNone{"a private name", R"("metrics")",
                                               parse_name_or_none};
inline constexpr Form<std::string> kDomain{"a DNS name", R"("gate.example.com")", parse_domain};
inline constexpr Form<std::string> kLabel{"a part of a DNS name", R"("intranet")", parse_label};
inline constexpr Form<std::string> kText{"a text", R"("Welcome")", parse_text};
inline constexpr Form<Network> kNetwork{"an address or a block of addresses", R"("192.0.2.0/24")",
                                        parse_network};
inline constexpr Form<std::string> kAlgorithm{"an algorithm's name", R"("aes256-ctr")",
                                              parse_algorithm};
inline constexpr Form<Bind> kBind{R"("loopback", "client" or "any")", "", parse_bind};
inline constexpr Form<RemovedKeys> kRemovedKeys{R"("end" or "keep")", "", parse_removed_keys};
inline constexpr Form<EventKind> kEventKind{R"("up", "down", "held", "taken" or "refused")", "",
                                            parse_event_kind};
inline constexpr Form<LogFormat> kLogFormat{R"("auto", "journal", "text" or "json")", "",
                                            parse_log_format};
inline constexpr Form<LogLevel> kLogLevel{R"("error", "warning", "info" or "debug")", "",
                                          parse_log_level};
inline constexpr Form<std::optional<LogLevel>> kLogLevelOrNone{
    R"("error", "warning", "info" or "debug")", "", parse_log_level_or_none};

// `text` made safe for one line of a log or terminal: control characters escaped as TOML escapes
// them, and what is beyond a sensible length cut off ("...").
[[nodiscard]] std::string printable(std::string_view text);

// The same between double quotes, with quotes and backslashes escaped too.
[[nodiscard]] std::string in_quotes(std::string_view text);

}  // namespace portreeve::conf
