#include "conf/values.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <optional>
#include <span>
#include <utility>

namespace portreeve::conf {

namespace {

constexpr std::size_t kPrintableBytesMax = 200;
constexpr std::uint32_t kPortMax = 65535;

// The locale must not decide what a configuration means, so <cctype> is not asked.
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_upper(char c) {
    return c >= 'A' && c <= 'Z';
}
bool is_letter(char c) {
    return is_upper(c) || (c >= 'a' && c <= 'z');
}
char lower(char c) {
    return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
}

// Decimal digits and nothing else, up to `most`.
template <class T>
std::optional<T> parse_number(std::string_view digits, T most) {
    T number = 0;
    const char* const end = digits.data() + digits.size();
    if (digits.empty() || !std::all_of(digits.begin(), digits.end(), is_digit)) {
        return std::nullopt;
    }
    const auto [stop, error] = std::from_chars(digits.data(), end, number);
    if (error != std::errc{} || stop != end || number > most) {
        return std::nullopt;
    }
    return number;
}

// Takes the leading characters that satisfy `belongs` off `rest`.
std::string_view take(std::string_view& rest, bool (*belongs)(char)) {
    const auto end = std::find_if_not(rest.begin(), rest.end(), belongs);
    const auto taken = rest.substr(0, static_cast<std::size_t>(end - rest.begin()));
    rest.remove_prefix(taken.size());
    return taken;
}

tl::unexpected<std::string> bad(std::string_view text, const std::string& rest) {
    return tl::unexpected<std::string>(in_quotes(text) + rest);
}

std::string escaped(std::string_view text, bool inside_quotes) {
    std::string safe;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        const auto byte = static_cast<unsigned char>(c);
        const bool starts_character = (byte & 0xC0) != 0x80;  // not a UTF-8 continuation
        if (i >= kPrintableBytesMax && starts_character) {
            return safe + "...";
        }
        if (byte < 0x20 || byte == 0x7F) {
            std::array<char, 8> escape{};
            (void)std::snprintf(escape.data(), escape.size(), "\\u%04X", unsigned{byte});
            safe += escape.data();
        } else if (inside_quotes && (c == '"' || c == '\\')) {
            safe += {'\\', c};
        } else {
            safe += c;
        }
    }
    return safe;
}

}  // namespace

std::string printable(std::string_view text) {
    return escaped(text, false);
}
std::string in_quotes(std::string_view text) {
    return '"' + escaped(text, true) + '"';
}

// ---- durations ----

namespace {

struct Unit {
    std::string_view name;
    std::int64_t ms;
};
constexpr std::array<Unit, 4> kUnits = {{{"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}}};
constexpr std::int64_t kDurationMsMax = 8760LL * 3'600'000;

tl::unexpected<std::string> bad_duration(std::string_view text, const std::string& reason) {
    return bad(text, " is not a duration: " + reason +
                         "; write whole numbers with the units h, m, s or ms, such as \"15s\" or "
                         "\"1m30s\"");
}

}  // namespace

Parsed<Milliseconds> parse_duration(std::string_view text) {
    if (text.starts_with('-')) {
        return bad_duration(text, "it cannot be negative");
    }
    if (text.empty()) {
        return bad_duration(text, "it is empty");
    }
    std::int64_t total_ms = 0;
    const auto* smallest_yet = kUnits.begin();  // units from here on may still follow
    for (auto rest = text; !rest.empty();) {
        const auto digits = take(rest, is_digit);
        if (digits.empty()) {
            return bad_duration(text, "there should be a number at " + in_quotes(rest));
        }
        const auto name = take(rest, is_letter);
        if (name.empty()) {
            return bad_duration(text, "there is no unit after " + printable(digits));
        }
        const auto* const unit =
            std::find_if(kUnits.begin(), kUnits.end(), [&](auto& u) { return u.name == name; });
        if (unit == kUnits.end()) {
            return bad_duration(text, in_quotes(name) + " is no unit");
        }
        if (unit < smallest_yet) {
            return bad_duration(text, "each unit may stand once, the larger before the smaller");
        }
        smallest_yet = unit + 1;
        const auto count = parse_number(digits, (kDurationMsMax - total_ms) / unit->ms);
        if (!count) {
            return bad(text, " is too long: the longest duration is \"8760h\"");
        }
        total_ms += *count * unit->ms;
    }
    return Milliseconds{total_ms};
}

// ---- endpoints ----

namespace {

// The canonical text of a literal address of `family`, or nothing if it is not one.
std::optional<std::string> canonical(int family, std::string_view address) {
    in6_addr binary{};  // room for either family
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (address.size() >= text.size() || address.find('\0') != std::string_view::npos ||
        inet_pton(family, std::string(address).c_str(), &binary) != 1 ||
        inet_ntop(family, &binary, text.data(), text.size()) == nullptr) {
        return std::nullopt;
    }
    return text.data();
}

Parsed<std::string> parse_address(std::string_view text, std::string_view address) {
    const bool brackets = address.starts_with('[');
    if (brackets && !address.ends_with(']')) {
        return bad(
            text,
            " is not an endpoint: a \"[\" needs a \"]\" before the port, as in \"[::]:2222\"");
    }
    if (brackets) {
        const auto inner = address.substr(1, address.size() - 2);
        if (auto v6 = canonical(AF_INET6, inner)) {
            return *v6;
        }
        if (inner.find('%') != std::string_view::npos) {
            return bad(text,
                       " has a zone (\"%\"), which is not supported: write an address without one");
        }
        return bad(text, " is not an endpoint: " + in_quotes(inner) +
                             " is not an IPv6 address such as \"::1\"");
    }
    if (auto v4 = canonical(AF_INET, address)) {
        return *v4;
    }
    if (address.empty()) {
        return bad(text,
                   " has no address: write \"[::]" + std::string(text) + "\" for all addresses");
    }
    if (address.find(':') != std::string_view::npos) {
        return bad(text,
                   " is not an endpoint: an IPv6 address needs brackets, as in \"[::1]:2222\"");
    }
    return bad(text, " is not an endpoint: " + in_quotes(address) +
                         " is not a literal address, and names are not resolved; write an address "
                         "such as \"127.0.0.1:2222\" or \"[::1]:2222\"");
}

}  // namespace

Parsed<Endpoint> parse_endpoint(std::string_view text) {
    if (canonical(AF_INET6, text)) {
        return bad(text,
                   " is a bare IPv6 address: write brackets and a port, as in \"[::1]:2222\"");
    }
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos || text.ends_with(']')) {
        return bad(
            text,
            " is not an endpoint: write an address and a port, such as \"127.0.0.1:2222\" or "
            "\"[::]:2222\"");
    }
    const auto port = parse_number(text.substr(colon + 1), kPortMax);
    if (!port) {
        return bad(text, " is not an endpoint: the port " + in_quotes(text.substr(colon + 1)) +
                             " is not a number from 0 to 65535");
    }
    return parse_address(text, text.substr(0, colon)).map([&](std::string address) {
        return Endpoint{std::move(address), static_cast<std::uint16_t>(*port)};
    });
}

Parsed<std::optional<Endpoint>> parse_resolver(std::string_view text) {
    constexpr std::uint16_t kDnsPort = 53;
    if (text.empty()) {
        return std::nullopt;
    }
    for (const int family : {AF_INET, AF_INET6}) {
        if (auto address = canonical(family, text)) {
            return Endpoint{std::move(*address), kDnsPort};
        }
    }
    auto endpoint = parse_endpoint(text);
    if (!endpoint || endpoint->port == 0) {
        return bad(text,
                   " is not the address of a DNS server: write one such as \"192.0.2.53\", "
                   "\"2001:db8::53\" or, with a port, \"127.0.0.1:5353\" or \"[::1]:5353\"");
    }
    return std::move(*endpoint);
}

// ---- port ranges ----

Parsed<PortRange> parse_port_range(std::string_view text) {
    const auto dash = text.find('-');
    const auto first = parse_number(text.substr(0, dash), kPortMax);
    const auto last =
        dash == std::string_view::npos ? first : parse_number(text.substr(dash + 1), kPortMax);
    if (!first || !last || *first == 0 || *last == 0) {
        return bad(text,
                   " is not a port range: write ports from 1 to 65535, such as \"8080\" or "
                   "\"20000-29999\"");
    }
    if (*first > *last) {
        return bad(text, " runs backwards: write \"" + std::to_string(*last) + "-" +
                             std::to_string(*first) + "\"");
    }
    return PortRange{static_cast<std::uint16_t>(*first), static_cast<std::uint16_t>(*last)};
}

// ---- paths, names and words ----

Parsed<std::string> parse_text(std::string_view text) {
    if (text.find('\0') != std::string_view::npos) {
        return bad(text, " holds a NUL character, which no text may");
    }
    if (text.size() > kTextBytesMax) {
        return bad(text,
                   " is too long: the longest text is " + std::to_string(kTextBytesMax) + " bytes");
    }
    return std::string(text);
}

Parsed<std::string> parse_path(std::string_view text) {
    if (!text.starts_with('/')) {
        return bad(text, " is not an absolute path: write one that starts with \"/\"");
    }
    if (text.find('\0') != std::string_view::npos) {
        return bad(text, " holds a NUL character, which no path may");
    }
    if (text.size() > kPathBytesMax) {
        return bad(text,
                   " is too long: the longest path is " + std::to_string(kPathBytesMax) + " bytes");
    }
    return std::string(text);
}

Parsed<std::string> parse_path_or_none(std::string_view text) {
    return text.empty() ? std::string() : parse_path(text);
}

Parsed<std::string> parse_user_name(std::string_view text) {
    constexpr std::size_t kUserNameBytesMax = 256;
    const auto impossible = [](char c) {
        return c == ':' || c == '/' || c == '\x7f' || (c >= '\0' && c <= ' ');
    };
    if (text.empty() || text.size() > kUserNameBytesMax ||
        std::any_of(text.begin(), text.end(), impossible)) {
        return bad(text, " is not the name of an account: write one such as \"nobody\"");
    }
    return std::string(text);
}

Parsed<std::uint32_t> parse_mode(std::string_view text) {
    constexpr int kOctal = 8;
    constexpr std::uint32_t kModeMax = 0777;
    constexpr std::size_t kDigitsMax = 4;
    std::uint32_t mode = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), mode, kOctal);
    if (error != std::errc{} || end != text.data() + text.size() || text.size() > kDigitsMax ||
        mode > kModeMax) {
        return bad(text, " is not a file's mode: write one such as \"0660\"");
    }
    return mode;
}

Parsed<std::string> parse_group_name_or_none(std::string_view text) {
    if (text.empty()) {
        return std::string();
    }
    auto name = parse_user_name(text);
    return name ? name : bad(text, " is not the name of a group: write one such as \"www-data\"");
}

Parsed<std::string> parse_group_member(std::string_view text) {
    constexpr std::string_view kKey = "SHA256:";
    constexpr std::size_t kDigestLetters = 43;  // of 32 bytes in base64, without the padding
    constexpr std::string_view kPrincipal = "principal:";
    const auto is_base64 = [](char c) {
        return is_letter(c) || is_digit(c) || c == '+' || c == '/';
    };
    const std::string_view digest = text.substr(std::min(text.size(), kKey.size()));
    const bool is_key = text.starts_with(kKey) && digest.size() == kDigestLetters &&
                        std::all_of(digest.begin(), digest.end(), is_base64);
    const bool is_principal = text.starts_with(kPrincipal) && text.size() > kPrincipal.size();
    if (!is_key && !is_principal) {
        return bad(text,
                   " is neither a key nor a principal: write SHA256:... as ssh-keygen -l shows the "
                   "key, or \"principal:NAME\"");
    }
    return std::string(text);
}

bool is_group_name(std::string_view text) {
    constexpr std::size_t kGroupNameBytesMax = 64;
    return !text.empty() && text.size() <= kGroupNameBytesMax && text != "any" &&
           std::all_of(text.begin(), text.end(),
                       [](char c) { return is_letter(c) || is_digit(c) || c == '-' || c == '_'; });
}

Parsed<std::string> parse_audience_member(std::string_view text) {
    if (text == "any" || is_group_name(text)) {
        return std::string(text);
    }
    if (auto member = parse_group_member(text)) {
        return member;
    }
    return bad(text,
               " is neither a key nor a principal nor a group: write SHA256:... as ssh-keygen -l "
               "shows the key, \"principal:NAME\", the name of a group, or \"any\"");
}

Parsed<std::string> parse_name_or_none(std::string_view text) {
    constexpr std::size_t kNameBytesMax = 64;
    std::string name(text);
    std::transform(name.begin(), name.end(), name.begin(), lower);
    const auto fits = [](char c) {
        return is_letter(c) || is_digit(c) || c == '-' || c == '_' || c == '.';
    };
    if (!name.empty() &&
        (name.size() > kNameBytesMax || !(is_letter(name.front()) || is_digit(name.front())) ||
         !std::all_of(name.begin(), name.end(), fits) || name == "localhost" ||
         canonical(AF_INET, name))) {
        return bad(text,
                   " is no private name: write up to 64 letters, digits, \"-\", \"_\" and \".\", a "
                   "letter or digit first, and neither localhost nor an address");
    }
    return name;
}

namespace {

constexpr std::size_t kDomainBytesMax = 253;
constexpr std::size_t kLabelBytesMax = 63;

// What is wrong with one dot-separated part of a DNS name; empty if nothing is.
std::string label_fault(std::string_view label) {
    if (label.empty()) {
        return "it has an empty part between its dots";
    }
    if (label.size() > kLabelBytesMax) {
        return "the part " + in_quotes(label) + " is longer than 63 characters";
    }
    const auto allowed = [](char c) { return is_letter(c) || is_digit(c) || c == '-'; };
    if (!std::all_of(label.begin(), label.end(), allowed)) {
        return "the part " + in_quotes(label) + " holds more than letters, digits and \"-\"";
    }
    if (label.starts_with('-') || label.ends_with('-')) {
        return "the part " + in_quotes(label) + " begins or ends with \"-\"";
    }
    return {};
}

std::string domain_fault(std::string_view domain) {
    if (domain.size() > kDomainBytesMax) {
        return "it is longer than 253 characters";
    }
    for (auto rest = domain;;) {
        const auto dot = rest.find('.');
        const auto label = rest.substr(0, dot);
        if (auto fault = label_fault(label); !fault.empty()) {
            return fault;
        }
        if (dot != std::string_view::npos) {
            rest.remove_prefix(dot + 1);
        } else if (std::all_of(label.begin(), label.end(), is_digit)) {
            return "its last part is a number, as in an address";
        } else {
            return {};
        }
    }
}

}  // namespace

Parsed<std::string> parse_domain(std::string_view text) {
    if (text.empty()) {
        return std::string();
    }
    if (auto fault = domain_fault(text); !fault.empty()) {
        return bad(text,
                   " is not a DNS name: " + fault +
                       "; write one such as \"gate.example.com\" (other scripts as \"xn--...\")");
    }
    std::string domain(text);
    std::transform(domain.begin(), domain.end(), domain.begin(), lower);
    return domain;
}

Parsed<std::string> parse_label(std::string_view text) {
    if (auto fault = label_fault(text); !fault.empty()) {
        return bad(text, " is not one part of a DNS name: " + fault +
                             "; write one such as \"intranet\", without a dot");
    }
    std::string label(text);
    std::transform(label.begin(), label.end(), label.begin(), lower);
    return label;
}

Parsed<std::string> parse_algorithm(std::string_view text) {
    constexpr std::size_t kNameBytesMax = 64;
    const auto allowed = [](char c) { return c > ' ' && c < 0x7F && c != ','; };
    if (text.empty() || text.size() > kNameBytesMax ||
        !std::all_of(text.begin(), text.end(), allowed)) {
        return bad(text, " is not an algorithm's name: write one of up to " +
                             std::to_string(kNameBytesMax) +
                             " characters without spaces and commas, such as \"aes256-ctr\"");
    }
    return std::string(text);
}

namespace {

template <class T>
struct Choice {
    std::string_view word;
    T value;
};

template <class T>
Parsed<T> parse_choice(std::string_view text, std::span<const Choice<T>> choices) {
    std::string words;
    for (const auto& choice : choices) {
        if (choice.word == text) {
            return choice.value;
        }
        words += words.empty() ? "" : ", ";
        words += in_quotes(choice.word);
    }
    return bad(text, " is not one of " + words);
}

constexpr std::array<Choice<Bind>, 3> kBinds = {
    {{"loopback", Bind::loopback}, {"client", Bind::client}, {"any", Bind::any}}};
constexpr std::array<Choice<RemovedKeys>, 2> kRemovedKeysWords = {
    {{"end", RemovedKeys::end}, {"keep", RemovedKeys::keep}}};
constexpr std::array<Choice<EventKind>, 5> kEventKinds = {{{"up", EventKind::up},
                                                           {"down", EventKind::down},
                                                           {"held", EventKind::held},
                                                           {"taken", EventKind::taken},
                                                           {"refused", EventKind::refused}}};
constexpr std::array<Choice<LogFormat>, 4> kLogFormats = {{{"auto", LogFormat::automatic},
                                                           {"journal", LogFormat::journal},
                                                           {"text", LogFormat::text},
                                                           {"json", LogFormat::json}}};
constexpr std::array<Choice<LogLevel>, 4> kLogLevels = {{{"error", LogLevel::error},
                                                         {"warning", LogLevel::warning},
                                                         {"info", LogLevel::info},
                                                         {"debug", LogLevel::debug}}};

}  // namespace

Parsed<Bind> parse_bind(std::string_view text) {
    return parse_choice<Bind>(text, kBinds);
}

Parsed<RemovedKeys> parse_removed_keys(std::string_view text) {
    return parse_choice<RemovedKeys>(text, kRemovedKeysWords);
}

Parsed<EventKind> parse_event_kind(std::string_view text) {
    return parse_choice<EventKind>(text, kEventKinds);
}

std::vector<EventKind> all_event_kinds() {
    std::vector<EventKind> kinds;
    kinds.reserve(kEventKinds.size());
    for (const auto& choice : kEventKinds) {
        kinds.push_back(choice.value);
    }
    return kinds;
}

std::string_view name_of(EventKind kind) {
    const auto* const found =
        std::find_if(kEventKinds.begin(), kEventKinds.end(),
                     [kind](const auto& choice) { return choice.value == kind; });
    return found->word;
}

Parsed<LogFormat> parse_log_format(std::string_view text) {
    return parse_choice<LogFormat>(text, kLogFormats);
}

Parsed<LogLevel> parse_log_level(std::string_view text) {
    return parse_choice<LogLevel>(text, kLogLevels);
}

Parsed<std::optional<LogLevel>> parse_log_level_or_none(std::string_view text) {
    return text.empty() ? Parsed<std::optional<LogLevel>>(std::nullopt) : parse_log_level(text);
}

}  // namespace portreeve::conf
