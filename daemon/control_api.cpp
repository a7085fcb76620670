#include "daemon/control_api.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "conf/values.h"
#include "daemon/json_text.h"
#include "daemon/time_text.h"

namespace portreeve::daemon {
namespace {

using Json = nlohmann::ordered_json;

constexpr unsigned kBadRequest = 400;
constexpr unsigned kNotFound = 404;
constexpr unsigned kMethodNotAllowed = 405;
constexpr unsigned kUnprocessable = 422;
constexpr std::string_view kTunnels = "/v1/tunnels/";

HttpAnswer answer(const Json& json, unsigned status = 200) {
    return {status, json_text_of(json)};
}

HttpAnswer not_allowed(const std::string& methods) {
    return control_error(kMethodNotAllowed, "this takes " + methods);
}

// nullopt: a "%" without two digits.
std::optional<std::string> decoded(std::string_view text) {
    std::string made;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] != '%') {
            made += text[at];
            continue;
        }
        unsigned code = 0;
        const std::string_view digits = text.substr(at + 1, 2);
        const auto [end, error] =
            std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
        if (error != std::errc{} || end != digits.data() + 2) {
            return std::nullopt;
        }
        made += static_cast<char>(code);
        at += 2;
    }
    return made;
}

HttpAnswer status(const ControlHost& host) {
    const ControlHost::Status now = host.control_status();
    return answer({{"version", PORTREEVE_VERSION},
                   {"state", now.state},
                   {"since", time_text(now.since_s)},
                   {"reload_failure", now.reload_failure},
                   {"workers", now.workers},
                   {"keys", now.keys},
                   {"sessions", now.sessions},
                   {"startups", now.startups},
                   {"admitted", now.admitted},
                   {"refused", now.refused},
                   {"tunnels_open", now.tunnels_open},
                   {"tunnels_held", now.tunnels_held}});
}

HttpAnswer tunnels_called(const HttpQuestion& question, ControlHost& host) {
    const auto called = decoded(std::string_view(question.target).substr(kTunnels.size()));
    if (!called || called->empty()) {
        return control_error(kBadRequest, "the name of a tunnel is written as in a URL");
    }
    const std::string none = "no tunnel is called \"" + *called + "\"";
    if (question.method == "DELETE") {
        const std::size_t ended = host.control_kick(*called);
        return ended == 0 ? control_error(kNotFound, none) : answer({{"ended", ended}});
    }
    if (question.method != "GET") {
        return not_allowed("GET and DELETE");
    }
    std::vector<TunnelEntry> entries = host.control_tunnels();
    std::erase_if(entries, [&](const TunnelEntry& entry) { return !entry.is_called(*called); });
    return entries.empty() ? control_error(kNotFound, none)
                           : answer(array_of(entries, Detail::traffic));
}

// The level of the whole, or of a part; the error is a sentence.
std::optional<std::string> put_level(conf::Log& levels, const std::string& part,
                                     const std::string& text) {
    const auto level = conf::parse_log_level(text);
    if (!level) {
        return part + ": " + level.error();
    }
    conf::LogLevels& parts = levels.levels;
    if (part == "level") {
        levels.level = *level;
    } else if (part == "server") {
        parts.server = *level;
    } else if (part == "session") {
        parts.session = *level;
    } else if (part == "tunnel") {
        parts.tunnel = *level;
    } else if (part == "visitor") {
        parts.visitor = *level;
    } else if (part == "reach") {
        parts.reach = *level;
    } else {
        return "\"" + part +
               "\" is no part of the log: write level, server, session, tunnel, visitor or reach";
    }
    return std::nullopt;
}

HttpAnswer set_log(const HttpQuestion& question, ControlHost& host) {
    const Json wish = Json::parse(question.body, nullptr, false);
    if (!wish.is_object() || wish.empty()) {
        return control_error(kBadRequest, "write an object such as {\"level\":\"debug\"}");
    }
    conf::Log levels = host.control_log();
    for (const auto& [part, level] : wish.items()) {
        if (!level.is_string()) {
            return control_error(kBadRequest, part + ": a level is a string");
        }
        if (const auto wrong = put_level(levels, part, level.get<std::string>())) {
            return control_error(kBadRequest, *wrong);
        }
    }
    host.control_set_log(levels);
    return answer({{"set", wish}});
}

HttpAnswer reload(ControlHost& host) {
    const std::string failure = host.control_reload();
    return failure.empty() ? answer({{"reloaded", true}}) : control_error(kUnprocessable, failure);
}

}  // namespace

HttpAnswer control_error(unsigned status, const std::string& sentence) {
    return answer({{"error", sentence}}, status);
}

HttpAnswer answer_control(const HttpQuestion& question, ControlHost& host) {
    const std::string& target = question.target;
    const auto with = [&](const char* method) { return question.method == method; };
    if (target == "/v1/status") {
        return with("GET") ? status(host) : not_allowed("GET");
    }
    if (target == "/v1/tunnels") {
        return with("GET") ? answer(array_of(host.control_tunnels(), Detail::traffic))
                           : not_allowed("GET");
    }
    if (target.starts_with(kTunnels)) {
        return tunnels_called(question, host);
    }
    if (target == "/v1/reload") {
        return with("POST") ? reload(host) : not_allowed("POST");
    }
    if (target == "/v1/drain") {
        if (!with("POST")) {
            return not_allowed("POST");
        }
        host.control_drain();
        return answer({{"draining", true}});
    }
    if (target == "/v1/log") {
        return with("PUT") ? set_log(question, host) : not_allowed("PUT");
    }
    return control_error(kNotFound,
                         "there is /v1/status, /v1/tunnels, /v1/reload, /v1/drain and /v1/log");
}

}  // namespace portreeve::daemon
