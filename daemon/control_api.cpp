#include "daemon/control_api.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string_view>

#include "conf/values.h"
#include "daemon/json_text.h"
#include "daemon/log_line.h"
#include "daemon/time_text.h"

namespace portreeve::daemon {
namespace {

using Json = nlohmann::ordered_json;

constexpr unsigned kBadRequest = 400;
constexpr unsigned kNotFound = 404;
constexpr unsigned kUnprocessable = 422;
constexpr unsigned kFailed = 500;
constexpr int kBadConfiguration = 2;  // as exit code
constexpr std::string_view kTunnels = "/v1/tunnels/";

HttpAnswer answer(const Json& json, unsigned status = 200) {
    return {status, json_text_of(json)};
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

HttpAnswer status(const HttpQuestion&, ControlHost& host) {
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
                   {"tunnels_held", now.tunnels_held},
                   {"followers", now.followers}});
}

HttpAnswer tunnels(const HttpQuestion&, ControlHost& host) {
    return answer(array_of(host.control_tunnels(), Detail::traffic));
}

HttpAnswer one_tunnel(const HttpQuestion& question, ControlHost& host) {
    const auto called = decoded(std::string_view(question.target).substr(kTunnels.size()));
    if (!called || called->empty()) {
        return http_error(kBadRequest, {"the name of a tunnel is written as in a URL"});
    }
    const std::string none = "no tunnel is called \"" + *called + "\"";
    if (question.method == "DELETE") {
        const std::size_t ended = host.control_kick(*called);
        return ended == 0 ? http_error(kNotFound, {none}) : answer({{"ended", ended}});
    }
    std::vector<TunnelEntry> entries = host.control_tunnels();
    std::erase_if(entries, [&](const TunnelEntry& entry) { return !entry.is_called(*called); });
    return entries.empty() ? http_error(kNotFound, {none})
                           : answer(array_of(entries, Detail::traffic));
}

HttpAnswer checked(const tl::expected<ControlHost::Checked, Failure>& result, const char* what) {
    if (!result) {
        const bool by_file = result.error().exit_code == kBadConfiguration;
        return http_error(by_file ? kUnprocessable : kFailed, result.error().sentences);
    }
    return answer({{what, true},
                   {"config", result->config},
                   {"keys", result->keys},
                   {"warnings", result->warnings}});
}

HttpAnswer reload(const HttpQuestion&, ControlHost& host) {
    return checked(host.control_reload(), "reloaded");
}

HttpAnswer check(const HttpQuestion&, ControlHost& host) {
    return checked(host.control_check(), "fine");
}

HttpAnswer drain(const HttpQuestion&, ControlHost& host) {
    host.control_drain();
    return answer({{"draining", true}});
}

HttpAnswer events(const HttpQuestion&, ControlHost&) {
    HttpAnswer made;
    made.type = "application/x-ndjson";
    made.goes_on = true;
    return made;
}

HttpAnswer explain_forward(const HttpQuestion& question, ControlHost& host) {
    const Json wish = Json::parse(question.body, nullptr, false);
    std::array<std::string, 4> words;
    constexpr std::array kNames = {"key", "listen", "user", "from"};
    for (std::size_t index = 0; wish.is_object() && index < words.size(); ++index) {
        const auto found = wish.find(kNames[index]);
        words[index] = found != wish.end() && found->is_string() ? found->get<std::string>() : "";
    }
    const auto& [key, listen, user, from] = words;
    if (key.empty() || listen.empty()) {
        return http_error(kBadRequest,
                          {"write an object with \"key\" (TYPE BASE64) and \"listen\" "
                           "(ADDRESS:PORT), and \"user\" and \"from\" where it depends on them"});
    }
    const auto asked = make_question(ssh::PublicKey::of_line(key), listen, user, from);
    if (!asked) {
        return http_error(kBadRequest, {asked.error()});
    }
    return answer(json_of(host.control_explain(*asked)));
}

// The parts of the log that may have a level of their own.
struct LogPart {
    std::string_view name;
    std::optional<conf::LogLevel> conf::LogLevels::*level;
};
constexpr std::array kLogParts = {
    LogPart{"server", &conf::LogLevels::server}, LogPart{"session", &conf::LogLevels::session},
    LogPart{"tunnel", &conf::LogLevels::tunnel}, LogPart{"visitor", &conf::LogLevels::visitor},
    LogPart{"reach", &conf::LogLevels::reach}};

// Empty, or what is wrong. A part whose level is "" goes by `level` again.
std::string put_level(conf::Log& log, std::string_view part, const std::string& text) {
    std::optional<conf::LogLevel> wanted;
    if (!text.empty() || part == "level") {
        const auto level = conf::parse_log_level(text);
        if (!level) {
            return std::string(part) + ": " + level.error();
        }
        wanted = *level;
    }
    if (part == "level") {
        log.level = *wanted;
        return {};
    }
    const auto* const found = std::find_if(kLogParts.begin(), kLogParts.end(),
                                           [&](const LogPart& one) { return one.name == part; });
    if (found == kLogParts.end()) {
        return "\"" + std::string(part) +
               "\" is no part of the log: write level, server, session, tunnel, visitor or reach";
    }
    log.levels.*found->level = wanted;
    return {};
}

Json levels_of(const conf::Log& log) {
    Json levels = {{"level", level_name(log.level)}};
    for (const LogPart& part : kLogParts) {
        levels[std::string(part.name)] = level_name((log.levels.*part.level).value_or(log.level));
    }
    return levels;
}

HttpAnswer log_levels(const HttpQuestion& question, ControlHost& host) {
    conf::Log log = host.control_log();
    if (question.method == "GET") {
        return answer(levels_of(log));
    }
    const Json wish = Json::parse(question.body, nullptr, false);
    if (!wish.is_object() || wish.empty()) {
        return http_error(kBadRequest, {R"(write an object such as {"level":"debug"})"});
    }
    for (const auto& [part, level] : wish.items()) {
        const std::string wrong = level.is_string() ? put_level(log, part, level.get<std::string>())
                                                    : part + ": a level is a string";
        if (!wrong.empty()) {
            return http_error(kBadRequest, {wrong});
        }
    }
    host.control_set_log(log);
    return answer(levels_of(log));
}

// A target that ends in "/" has something behind it.
struct Place {
    std::string_view target;
    std::array<std::string_view, 2> methods;
    HttpAnswer (*answer)(const HttpQuestion& question, ControlHost& host);
};
constexpr std::array kPlaces = {Place{"/v1/status", {"GET"}, status},
                                Place{"/v1/tunnels", {"GET"}, tunnels},
                                Place{kTunnels, {"GET", "DELETE"}, one_tunnel},
                                Place{"/v1/reload", {"POST"}, reload},
                                Place{"/v1/check", {"POST"}, check},
                                Place{"/v1/explain", {"POST"}, explain_forward},
                                Place{"/v1/drain", {"POST"}, drain},
                                Place{"/v1/events", {"GET"}, events},
                                Place{"/v1/log", {"GET", "PUT"}, log_levels}};

}  // namespace

// Nothing here asks for a query, and none is in the way; a "?" of a name is "%3F".
HttpAnswer answer_control(const HttpQuestion& question, ControlHost& host) {
    HttpQuestion asked = question;
    asked.target.resize(std::min(asked.target.size(), asked.target.find('?')));
    const std::string& target = asked.target;
    const auto* const place = std::find_if(kPlaces.begin(), kPlaces.end(), [&](const Place& one) {
        return one.target.ends_with('/') ? target.starts_with(one.target) : target == one.target;
    });
    if (place == kPlaces.end()) {
        return http_error(kNotFound, {"there is nothing here; /v1/status, /v1/tunnels, "
                                      "/v1/reload, /v1/check, /v1/explain, /v1/drain, /v1/events "
                                      "and /v1/log are what can be asked"});
    }
    const auto& [method, other] = place->methods;
    if (asked.method != method && (other.empty() || asked.method != other)) {
        std::string sentence = target + " takes " + std::string(method);
        std::string allow(method);
        if (!other.empty()) {
            sentence.append(" and ").append(other);
            allow.append(", ").append(other);
        }
        HttpAnswer refused = http_error(kMethodNotAllowed, {sentence});
        refused.allow = std::move(allow);
        return refused;
    }
    return place->answer(asked, host);
}

}  // namespace portreeve::daemon
