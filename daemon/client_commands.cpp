#include "daemon/client_commands.h"

#include <algorithm>

#include "daemon/explain.h"
#include "daemon/json_text.h"
#include "daemon/people_text.h"

namespace portreeve::daemon {
namespace {

using Json = nlohmann::ordered_json;
using Kind = ClientRequest::Kind;

constexpr int kNo = 1;
constexpr int kWrong = 2;

CommandAnswer list(const ClientRequest& request, const CommandScene& scene) {
    const auto entries = scene.leases.entries(scene.grant.owner);
    if (request.json) {
        return {json_text_of(array_of(entries, Detail::plain)), {}, 0};
    }
    return {entries.empty() ? "no tunnel is open; ask for one with -R 0:localhost:PORT\n"
                            : table_of(array_of(entries, Detail::traffic)),
            {},
            0};
}

CommandAnswer status(const ClientRequest& request, const CommandScene& scene) {
    const auto entries = scene.leases.entries(scene.grant.owner);
    const auto held = std::count_if(entries.begin(), entries.end(),
                                    [](const TunnelEntry& entry) { return entry.held; });
    const auto open = static_cast<std::ptrdiff_t>(entries.size()) - held;
    if (request.json) {
        return {json_text_of({{"user", scene.grant.user},
                              {"fingerprint", scene.grant.owner},
                              {"certificate", scene.grant.certificate},
                              {"granted_by", scene.grant.source},
                              {"client", scene.client},
                              {"tunnels_open", open},
                              {"tunnels_held", held}}),
                {},
                0};
    }
    return {"user         " + printable(scene.grant.user) + "\nkey          " + scene.grant.owner +
                (scene.grant.certificate.empty() ? "" : ", by " + scene.grant.certificate) +
                "\nlet in by    " + scene.grant.source + "\nclient       " + scene.client +
                "\ntunnels      " + std::to_string(open) + " open, " + std::to_string(held) +
                " held\n",
            {},
            0};
}

std::string of_at_most(std::uint64_t used, std::uint64_t maximum) {
    return std::to_string(used) + (maximum == 0 ? "" : " of " + std::to_string(maximum));
}

CommandAnswer usage(const ClientRequest& request, const CommandScene& scene) {
    const ssh::KeyOptions& options = scene.grant.options;
    const conf::Limits& limits = scene.policy.config.limits;
    if (request.json) {
        const auto maximum = [](std::uint64_t value) { return value == 0 ? Json() : Json(value); };
        return {json_text_of({{"sessions", scene.usage.sessions()},
                              {"sessions_max", limits.sessions_per_key},
                              {"tunnels", scene.usage.tunnels()},
                              {"tunnels_max", maximum(options.tunnels_max)},
                              {"tunnels_per_session_max", limits.tunnels_per_session},
                              {"visitors", scene.usage.visitors()},
                              {"visitors_max", maximum(options.visitors_max)},
                              {"visitors_per_tunnel_max", limits.visitors_per_tunnel},
                              {"bytes_per_second_max", maximum(options.bytes_per_s_max)}}),
                {},
                0};
    }
    return {"sessions     " + of_at_most(scene.usage.sessions(), limits.sessions_per_key) +
                "\ntunnels      " + of_at_most(scene.usage.tunnels(), options.tunnels_max) +
                ", a session at most " + std::to_string(limits.tunnels_per_session) +
                "\nvisitors     " + of_at_most(scene.usage.visitors(), options.visitors_max) +
                ", a tunnel at most " + std::to_string(limits.visitors_per_tunnel) +
                "\nrate         " +
                (options.bytes_per_s_max == 0
                     ? "not limited"
                     : std::to_string(options.bytes_per_s_max) + " bytes a second at most") +
                "\n",
            {},
            0};
}

CommandAnswer explain(const ClientRequest& request, const CommandScene& scene) {
    const auto wish = parse_wish(request.argument);
    if (!wish) {
        return {{}, "portreeve: explain: " + wish.error() + "\n", kWrong};
    }
    const Answer answer = explain_now(explain_wish(*wish, scene.grant, scene.policy), *wish,
                                      scene.grant, scene.policy, scene.leases);
    return {
        request.json ? json_text_of(json_of(answer)) : answer.text, {}, answer.granted ? 0 : kNo};
}

CommandAnswer kick(const ClientRequest& request, const CommandScene& scene) {
    const std::size_t count = scene.desk.kick(scene.grant.owner, request.argument,
                                              "ended by its owner, from " + scene.client);
    if (count == 0) {
        return {{},
                "portreeve: no tunnel of yours is called \"" + request.argument +
                    "\"; ssh GATE list shows them\n",
                kNo};
    }
    if (request.json) {
        return {json_text_of({{"ended", count}}), {}, 0};
    }
    return {"ended " + std::to_string(count) + (count == 1 ? " tunnel" : " tunnels") + "\n", {}, 0};
}

CommandAnswer help(const ClientRequest& request) {
    if (!request.json) {
        return {client_request_help(), {}, 0};
    }
    Json commands = Json::array();
    for (const CommandHelp& command : client_commands()) {
        commands.push_back(
            {{"name", command.name}, {"argument", command.argument}, {"what", command.what}});
    }
    return {json_text_of({{"commands", std::move(commands)}}), {}, 0};
}

}  // namespace

CommandAnswer answer_command(const ClientRequest& request, const CommandScene& scene) {
    switch (request.kind) {
        case Kind::list:
            return list(request, scene);
        case Kind::status:
            return status(request, scene);
        case Kind::usage:
            return usage(request, scene);
        case Kind::explain:
            return explain(request, scene);
        case Kind::kick:
            return kick(request, scene);
        case Kind::help:
        case Kind::words:
            break;
    }
    return help(request);
}

}  // namespace portreeve::daemon
