#include "daemon/client_request.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "conf/values.h"
#include "daemon/http/host.h"
#include "ssh/text.h"

namespace portreeve::daemon {
namespace {

using Kind = ClientRequest::Kind;
using Wrong = std::optional<std::string>;

constexpr std::int64_t kLastTimeS = 253'402'300'799;  // of the year 9999

struct Command {
    std::string_view name;
    Kind kind;
    std::string_view argument;  // its name; empty: it has none
    std::string_view what;      // for who does not know it
};

constexpr std::array kCommands = {
    Command{"help", Kind::help, "", "this"},
    Command{"list", Kind::list, "", "your tunnels"},
    Command{"status", Kind::status, "", "who you are here"},
    Command{"usage", Kind::usage, "", "what you use, and how much you may"},
    Command{"explain", Kind::explain, "ADDR:PORT",
            "whether -R ADDR:PORT would be granted, and why"},
    Command{"kick", Kind::kick, "NAME", "end a tunnel of yours: NAME, NAME:PORT, PORT or URL"},
};

std::vector<std::string_view> words_of(std::string_view line) {
    std::vector<std::string_view> words;
    for (std::size_t at = 0; at < line.size();) {
        const std::size_t end = std::min(line.find_first_of(" \t\r\n", at), line.size());
        if (end > at) {
            words.push_back(line.substr(at, end - at));
        }
        at = end + 1;
    }
    return words;
}

// --- words about the session ---

// In all the forms that sish takes: those of Go's strconv.ParseBool.
Wrong read_flag(bool& flag, std::string_view value) {
    constexpr std::array<std::string_view, 6> kYes{"true", "1", "t", "T", "TRUE", "True"};
    constexpr std::array<std::string_view, 6> kNo{"false", "0", "f", "F", "FALSE", "False"};
    flag = std::find(kYes.begin(), kYes.end(), value) != kYes.end();
    if (!flag && std::find(kNo.begin(), kNo.end(), value) == kNo.end()) {
        return "write true or false";
    }
    return std::nullopt;
}

Wrong read_audience(std::optional<ssh::Audience>& made, std::string_view value) {
    auto audience = ssh::Audience::parse(value);
    if (!audience) {
        return audience.error();
    }
    made = std::move(*audience);
    return std::nullopt;
}

Wrong read_alias_users(SessionWords& words, std::string_view value, std::int64_t) {
    return read_audience(words.alias_users, value);
}

Wrong read_share(SessionWords& words, std::string_view value, std::int64_t) {
    return read_audience(words.share, value);
}

Wrong read_auto_close(SessionWords& words, std::string_view value, std::int64_t) {
    return read_flag(words.auto_close, value);
}

// A session that only carries -L is left alone here whatever it says.
Wrong read_local_forward(SessionWords&, std::string_view value, std::int64_t) {
    bool ignored = false;
    return read_flag(ignored, value);
}

Wrong read_deadline(SessionWords& words, std::string_view value, std::int64_t now_s) {
    std::int64_t time_s = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), time_s);
    const bool is_number = error == std::errc{} && end == value.data() + value.size();
    if (is_number && time_s >= 0 && time_s <= kLastTimeS) {
        words.deadline_s = time_s;
        return std::nullopt;
    }
    const auto left = conf::parse_duration(value);
    if (!left) {
        return "write how long from now (\"1h30m\"), or when in seconds since 1970";
    }
    words.deadline_s = now_s + std::chrono::ceil<std::chrono::seconds>(*left).count();
    return std::nullopt;
}

Wrong read_optional_flag(std::optional<bool>& flag, std::string_view value) {
    return read_flag(flag.emplace(), value);
}

Wrong read_force_https(SessionWords& words, std::string_view value, std::int64_t) {
    return read_optional_flag(words.force_https, value);
}

Wrong read_strip_path(SessionWords& words, std::string_view value, std::int64_t) {
    return read_optional_flag(words.strip_path, value);
}

Wrong read_sni_proxy(SessionWords& words, std::string_view value, std::int64_t) {
    return read_optional_flag(words.sni_proxy, value);
}

Wrong read_tcp_alias(SessionWords& words, std::string_view value, std::int64_t) {
    return read_optional_flag(words.tcp_alias, value);
}

// A name with its port, as it stands in a Host field.
Wrong read_host_header(SessionWords& words, std::string_view value, std::int64_t) {
    if (!http::Host::parse(value)) {
        return "write a host, with a port if it is to have one: localhost:3000";
    }
    words.host_header = value;
    return std::nullopt;
}

Wrong read_proxy_header(SessionWords& words, std::string_view value, std::int64_t) {
    if (value != "1" && value != "2") {
        return "write 1 or 2, the version of the PROXY protocol";
    }
    words.proxy_header = value == "1" ? TunnelRules::ProxyHeader::v1 : TunnelRules::ProxyHeader::v2;
    return std::nullopt;
}

Wrong read_networks(std::optional<std::vector<conf::Network>>& networks, std::string_view list) {
    auto read = parse_networks(list);
    if (!read) {
        return read.error();
    }
    networks = std::move(*read);
    return std::nullopt;
}

Wrong read_allow(SessionWords& words, std::string_view value, std::int64_t) {
    return read_networks(words.allow, value);
}

Wrong read_deny(SessionWords& words, std::string_view value, std::int64_t) {
    return read_networks(words.deny, value);
}

struct Honoured {
    std::string_view name;
    Wrong (*read)(SessionWords& words, std::string_view value, std::int64_t now_s);
    std::string_view what;  // for who does not know it
};

constexpr std::array kHonoured = {
    Honoured{"tcp-alias", read_tcp_alias,
             "true: its names are to be private, none is put on the web"},
    Honoured{"tcp-aliases-allowed-users", read_alias_users,
             "who may reach its private names: SHA256:..., groups, any"},
    Honoured{"share", read_share, "who may have its names too: SHA256:..., groups, any"},
    Honoured{"allow", read_allow, "who may visit its tunnels: 192.0.2.0/24,2001:db8::/32"},
    Honoured{"deny", read_deny, "who may not"},
    Honoured{"proxy-protocol", read_proxy_header, "1 or 2: targets get a PROXY header first"},
    Honoured{"proxyproto", read_proxy_header, "the same"},
    Honoured{"host-header", read_host_header, "what targets of http names get as Host"},
    Honoured{"strip-path", read_strip_path,
             "false: the path of an http name stays in what its target gets"},
    Honoured{"force-https", read_force_https, "true: visitors of http names are sent to https"},
    Honoured{"sni-proxy", read_sni_proxy,
             "true: TLS for its http names goes to the target unopened"},
    Honoured{"deadline", read_deadline, "when it ends: 1h30m from now, or seconds since 1970"},
    Honoured{"auto-close", read_auto_close, "true: it ends with its last forward"},
    Honoured{"local-forward", read_local_forward,
             "true: nothing; a session without forwards is left alone"},
};

struct Declined {
    std::string_view name;
    std::string_view why;
};

constexpr std::array kDeclined = {
    Declined{"tcp-address", "write the address in front of the port: -R ADDRESS:PORT:HOST:PORT"},
};

std::string known_words() {
    std::string text;
    for (const Honoured& word : kHonoured) {
        text += (text.empty() ? "" : ", ") + std::string(word.name) + "=";
    }
    return text;
}

std::string known_commands() {
    std::string text;
    for (const Command& command : kCommands) {
        text += (text.empty() ? "" : ", ") + std::string(command.name);
    }
    return text;
}

std::string usage_of(const Command& command) {
    return std::string(command.name) + (command.argument.empty() ? "" : " ") +
           std::string(command.argument);
}

std::string help_line(std::string words, std::string_view what) {
    constexpr std::size_t kColumns = 27;
    words.resize(std::max(words.size() + 1, kColumns), ' ');
    return "  " + words + std::string(what) + "\n";
}

std::string line_of(const std::string& sentence) {
    return "portreeve: " + sentence + "\n";
}

Wrong read_word(SessionWords& words, std::string_view text, std::int64_t now_s) {
    const std::size_t equals = text.find('=');
    const std::string_view name = text.substr(0, equals);
    const std::string_view value =
        equals == std::string_view::npos ? std::string_view() : text.substr(equals + 1);
    const auto honoured = std::find_if(kHonoured.begin(), kHonoured.end(),
                                       [&](const Honoured& one) { return one.name == name; });
    if (honoured != kHonoured.end() && equals != std::string_view::npos) {
        auto wrong = honoured->read(words, value, now_s);
        return wrong ? Wrong(std::string(name) + "=" + ssh::shown(value) + ": " + *wrong)
                     : std::nullopt;
    }
    const auto declined = std::find_if(kDeclined.begin(), kDeclined.end(),
                                       [&](const Declined& one) { return one.name == name; });
    if (declined != kDeclined.end() && equals != std::string_view::npos) {
        words.notices.push_back(
            line_of(std::string(name) + "= is not honoured: " + std::string(declined->why)));
        return std::nullopt;
    }
    return "there is no word \"" + ssh::shown(text) + "\"; the commands are " + known_commands() +
           ", and the words about this session " + known_words();
}

tl::expected<ClientRequest, std::string> read_command(const Command& command,
                                                      std::vector<std::string_view> words,
                                                      bool is_json) {
    ClientRequest request{command.kind, is_json, {}, {}};
    words.erase(words.begin());
    const std::size_t wanted = command.argument.empty() ? 0 : 1;
    if (words.size() != wanted) {
        const std::string usage = usage_of(command);
        return tl::unexpected(line_of("write " + usage + ", or " + usage + " --json"));
    }
    request.argument = wanted == 0 ? "" : std::string(words.front());
    return request;
}

}  // namespace

tl::expected<ClientRequest, std::string> parse_client_request(std::string_view line,
                                                              std::int64_t now_s) {
    if (line.size() > kRequestBytesMax) {
        return tl::unexpected(
            line_of("a command has " + std::to_string(kRequestBytesMax) + " bytes at most"));
    }
    std::vector<std::string_view> words = words_of(line);
    if (!std::all_of(words.begin(), words.end(), ssh::is_text)) {
        return tl::unexpected(line_of("the command holds a character that is no text"));
    }
    const bool is_json = std::erase(words, "--json") > 0;
    if (words.empty()) {
        return ClientRequest{Kind::help, is_json, {}, {}};
    }
    const auto command = std::find_if(kCommands.begin(), kCommands.end(), [&](const Command& one) {
        return one.name == words.front();
    });
    if (command != kCommands.end()) {
        return read_command(*command, words, is_json);
    }
    if (is_json) {
        return tl::unexpected(line_of("--json is for commands: " + known_commands()));
    }
    ClientRequest request{Kind::words, false, {}, {}};
    for (const std::string_view word : words) {
        if (const auto wrong = read_word(request.words, word, now_s)) {
            return tl::unexpected(line_of(*wrong));
        }
    }
    return request;
}

std::vector<CommandHelp> client_commands() {
    std::vector<CommandHelp> all;
    all.reserve(kCommands.size());
    for (const Command& command : kCommands) {
        all.push_back({command.name, command.argument, command.what});
    }
    return all;
}

std::string client_request_help() {
    std::string text =
        "Tunnels are asked for with -R; what else can be asked of this server, with --json for "
        "programs:\n\n";
    for (const Command& command : kCommands) {
        text += help_line("ssh GATE " + usage_of(command), command.what);
    }
    text += "\nBehind the forwards of a session, without -N: ssh -R ... GATE WORD=VALUE ...\n\n";
    for (const Honoured& word : kHonoured) {
        text += help_line(std::string(word.name) + "=", word.what);
    }
    return text;
}

}  // namespace portreeve::daemon
