#include "daemon/news.h"

#include "conf/values.h"
#include "daemon/json_text.h"
#include "daemon/time_text.h"

namespace portreeve::daemon {
namespace {

using Json = nlohmann::ordered_json;

Json begun(std::string_view event, std::int64_t now_s) {
    return {{"event", event}, {"time", time_text(now_s)}};
}

void add_reason(Json& object, const Refusal& why) {
    object["code"] = std::string_view(why.code);
    object["sentence"] = why.sentence;
}

}  // namespace

News news_of(const TunnelNews& happened, std::int64_t now_s) {
    const TunnelEntry& tunnel = happened.tunnel;
    Json object = begun(name_of(happened.kind), now_s);
    if (happened.why != nullptr) {
        add_reason(object, *happened.why);
    }
    if (happened.kind == conf::EventKind::taken) {
        object["former_client"] = happened.former_client;
    }
    object["tunnel"] = object_of(tunnel);
    return {happened.kind, tunnel.id, tunnel.name + ":" + std::to_string(tunnel.port),
            json_line_of(object) + '\n'};
}

News news_of(const RefusalNews& happened, std::int64_t now_s) {
    Json object = begun(name_of(conf::EventKind::refused), now_s);
    add_reason(object, happened.why);
    object["what"] = happened.what;
    object["client"] = happened.client;
    object["user"] = happened.user;
    object["fingerprint"] = happened.fingerprint;
    object["asked"] = happened.asked;
    return {conf::EventKind::refused, "", happened.client, json_line_of(object) + '\n'};
}

std::string lost_line(std::uint64_t events, std::int64_t now_s) {
    Json object = begun("lost", now_s);
    object["sentence"] = "more happened at once than can be told";
    object["events"] = events;
    return json_line_of(object) + '\n';
}

}  // namespace portreeve::daemon
