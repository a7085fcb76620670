#include "ssh/key_options.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <utility>

#include "ssh/expiry_time.h"
#include "ssh/patterns.h"
#include "ssh/text.h"

namespace portreeve::ssh {
namespace {

constexpr std::uint32_t kTunnelDeviceMax = std::numeric_limits<std::int32_t>::max() - 2;

// What is wrong with an option, as the end of a sentence; nullopt: nothing.
using Wrong = std::optional<std::string>;

// Options as they are read, and what only the reading needs to know.
struct Reading {
    KeyOptions made;
    std::size_t variables = 0;
};

// --- options that are there or not, or there with "no-" in front ---

struct Flag {
    std::string_view name;
    bool can_be_negated;
    void (*apply)(KeyOptions& made, bool on);
};

void drop(KeyOptions& /*made*/, bool /*on*/) {
}

void restrict_all(KeyOptions& made, bool /*on*/) {
    made.port_forwarding = false;
    made.pty = false;
}

constexpr std::array kFlags = {
    Flag{"agent-forwarding", true, drop},
    Flag{"cert-authority", false, [](KeyOptions& made, bool on) { made.cert_authority = on; }},
    Flag{"port-forwarding", true, [](KeyOptions& made, bool on) { made.port_forwarding = on; }},
    Flag{"pty", true, [](KeyOptions& made, bool on) { made.pty = on; }},
    Flag{"restrict", false, restrict_all},
    Flag{"touch-required", true, [](KeyOptions& made, bool on) { made.touch_required = on; }},
    Flag{"user-rc", true, drop},
    Flag{"verify-required", true, [](KeyOptions& made, bool on) { made.verify_required = on; }},
    Flag{"x11-forwarding", true, drop},
};

// --- options with a value ---

constexpr const char* kGivenTwice = "it is given twice";

Wrong read_command(Reading& reading, std::string_view value) {
    if (reading.made.command) {
        return kGivenTwice;
    }
    reading.made.command = value;
    return std::nullopt;
}

bool is_variable_letter(char letter) {
    return is_letter_or_digit(letter) || letter == '_';
}

Wrong read_environment(Reading& reading, std::string_view value) {
    const std::size_t equals = value.find('=');
    const std::string_view name = value.substr(0, equals);
    if (equals == std::string_view::npos || name.empty() ||
        !std::all_of(name.begin(), name.end(), is_variable_letter)) {
        return "it is written NAME=VALUE, with a name of letters, digits and _";
    }
    if (++reading.variables > KeyOptions::kEnvironmentMax) {
        return "there are more than " + std::to_string(KeyOptions::kEnvironmentMax) + " of them";
    }
    return std::nullopt;
}

Wrong read_expiry(Reading& reading, std::string_view value) {
    const auto expiry_s = parse_expiry_time(value);
    if (!expiry_s) {
        return "a time is written YYYYMMDD, YYYYMMDDHHMM or YYYYMMDDHHMMSS, with a Z behind for "
               "UTC";
    }
    std::optional<std::int64_t>& so_far = reading.made.expiry_s;
    so_far = so_far ? std::min(*so_far, *expiry_s) : *expiry_s;
    return std::nullopt;
}

Wrong read_from(Reading& reading, std::string_view value) {
    if (!reading.made.from.empty()) {
        return kGivenTwice;
    }
    reading.made.from = value;
    return why_bad_address_list(value, false);
}

template <typename Pattern>
Wrong read_permit(std::vector<Pattern>& permits, std::string_view value) {
    if (permits.size() == KeyOptions::kPermitsMax) {
        return "there are more than " + std::to_string(KeyOptions::kPermitsMax) + " of them";
    }
    auto permit = Pattern::parse(value);
    if (!permit) {
        return permit.error();
    }
    permits.push_back(std::move(*permit));
    return std::nullopt;
}

Wrong read_listen(Reading& reading, std::string_view value) {
    return read_permit(reading.made.permit_listen, value);
}

Wrong read_open(Reading& reading, std::string_view value) {
    return read_permit(reading.made.permit_open, value);
}

Wrong read_principals(Reading& reading, std::string_view value) {
    std::vector<std::string>& principals = reading.made.principals;
    if (!principals.empty()) {
        return kGivenTwice;
    }
    for (std::size_t at = 0; at <= value.size();) {
        const std::size_t comma = std::min(value.find(',', at), value.size());
        if (comma == at) {
            return "it holds a name that is empty";
        }
        principals.emplace_back(value.substr(at, comma - at));
        at = comma + 1;
    }
    return std::nullopt;
}

// nullopt: not a whole number that fits.
template <typename Number>
std::optional<Number> read_number(std::string_view text) {
    Number number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return number;
}

Wrong read_tunnel(Reading& /*reading*/, std::string_view value) {
    const auto device = read_number<std::uint32_t>(value);
    if (lower_case(value) == "any" || (device && *device <= kTunnelDeviceMax)) {
        return std::nullopt;
    }
    return "it is the number of a device, or any";
}

Wrong read_audience(Audience& made, std::string_view value) {
    if (made != Audience{}) {
        return kGivenTwice;
    }
    auto audience = Audience::parse(value);
    if (!audience) {
        return audience.error();
    }
    made = std::move(*audience);
    return std::nullopt;
}

Wrong read_alias_users(Reading& reading, std::string_view value) {
    return read_audience(reading.made.alias_users, value);
}

Wrong read_share(Reading& reading, std::string_view value) {
    return read_audience(reading.made.alias_share, value);
}

Wrong read_count(std::uint32_t& count, std::string_view value) {
    if (count != 0) {
        return kGivenTwice;
    }
    const auto number = read_number<std::uint32_t>(value);
    if (!number || *number == 0) {
        return "it is a number from 1 on; no-port-forwarding permits none";
    }
    count = *number;
    return std::nullopt;
}

Wrong read_tunnels_max(Reading& reading, std::string_view value) {
    return read_count(reading.made.tunnels_max, value);
}

Wrong read_visitors_max(Reading& reading, std::string_view value) {
    return read_count(reading.made.visitors_max, value);
}

Wrong read_rate(Reading& reading, std::string_view value) {
    if (reading.made.bytes_per_s_max != 0) {
        return kGivenTwice;
    }
    unsigned shift = 0;
    if (!value.empty()) {
        constexpr std::string_view kSuffixes = "kmg";
        const std::size_t power = kSuffixes.find(lower_case(value.substr(value.size() - 1)));
        if (power != std::string_view::npos) {
            shift = 10U * static_cast<unsigned>(power + 1);
            value.remove_suffix(1);
        }
    }
    const auto number = read_number<std::uint64_t>(value);
    if (!number || *number == 0 || *number > std::numeric_limits<std::uint64_t>::max() >> shift) {
        return "it is bytes a second, from 1 on, like 65536, 512K, 1M or 1G";
    }
    reading.made.bytes_per_s_max = *number << shift;
    return std::nullopt;
}

struct Valued {
    std::string_view name;
    Wrong (*read)(Reading& reading, std::string_view value);
};

constexpr std::array kValued = {
    Valued{"command", read_command},
    Valued{"environment", read_environment},
    Valued{"expiry-time", read_expiry},
    Valued{"from", read_from},
    Valued{"max-rate", read_rate},
    Valued{"max-tunnels", read_tunnels_max},
    Valued{"max-visitors", read_visitors_max},
    Valued{"permitlisten", read_listen},
    Valued{"permitopen", read_open},
    Valued{"principals", read_principals},
    Valued{"share", read_share},
    Valued{"tcp-aliases-allowed-users", read_alias_users},
    Valued{"tunnel", read_tunnel},
};

// --- the text between the commas ---

// Cuts a quoted value off `text`, which begins behind its opening quote. Within it, \" is a quote;
// any other backslash is itself.
std::optional<std::string> cut_value(std::string_view& text) {
    std::string value;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] == '"') {
            text.remove_prefix(at + 1);
            return value;
        }
        if (text.substr(at).starts_with("\\\"")) {
            ++at;
        }
        value += text[at];
    }
    return std::nullopt;
}

const Valued* find_valued(std::string_view name) {
    const auto* const found = std::find_if(kValued.begin(), kValued.end(),
                                           [&](const Valued& one) { return one.name == name; });
    return found == kValued.end() ? nullptr : found;
}

// A flag by its name, or by "no-" and its name.
const Flag* find_flag(std::string_view name) {
    const auto* const found = std::find_if(kFlags.begin(), kFlags.end(), [&](const Flag& one) {
        return one.name == name ||
               (one.can_be_negated && name.starts_with("no-") && name.substr(3) == one.name);
    });
    return found == kFlags.end() ? nullptr : found;
}

// Reads one option off `text`; a sentence where it is wrong.
Wrong read_option(Reading& reading, std::string_view& text) {
    const std::size_t end = std::min(text.find_first_of(",=\""), text.size());
    const std::string written(text.substr(0, end));
    const std::string name = lower_case(written);
    text.remove_prefix(end);
    const Valued* const valued = find_valued(name);
    const Flag* const flag = find_flag(name);
    if (written.empty()) {
        return "there is a comma, or a value, without an option";
    }
    if (valued == nullptr && flag == nullptr) {
        return "there is no option \"" + shown(written) + "\"";
    }
    if (flag != nullptr) {
        flag->apply(reading.made, flag->name == name);
        return text.empty() || text.front() == ',' ? std::nullopt
                                                   : Wrong("option " + name + " takes no value");
    }
    if (!text.starts_with("=\"")) {
        return "option " + name + " wants a value in double quotes: " + name + "=\"...\"";
    }
    text.remove_prefix(2);
    const auto value = cut_value(text);
    if (!value) {
        return "the value of option " + name + " has no closing quote";
    }
    if (const auto wrong = valued->read(reading, *value)) {
        return name + "=\"" + shown(*value) + "\": " + *wrong;
    }
    return text.empty() || text.front() == ','
               ? std::nullopt
               : Wrong("behind the value of option " + name + " there is no comma");
}

}  // namespace

tl::expected<KeyOptions, std::string> parse_key_options(std::string_view text) {
    if (!is_text(text)) {
        return tl::unexpected(std::string("the options hold a character that is no text"));
    }
    Reading reading;
    for (bool more = !text.empty(); more;) {
        if (auto wrong = read_option(reading, text)) {
            return tl::unexpected(std::move(*wrong));
        }
        more = !text.empty();
        text.remove_prefix(more ? 1 : 0);
    }
    if (!reading.made.principals.empty() && !reading.made.cert_authority) {
        return tl::unexpected(
            std::string("option principals is for cert-authority lines: a plain key has none"));
    }
    return std::move(reading.made);
}

}  // namespace portreeve::ssh
