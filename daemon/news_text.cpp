#include "daemon/news_text.h"

#include <algorithm>

#include "daemon/people_text.h"
#include "daemon/tunnel_entry.h"

namespace portreeve::daemon {
namespace {

using Json = nlohmann::ordered_json;

std::string text_in(const Json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? printable(found->get<std::string>()) : "";
}

// "pc42 (tcp 127.0.0.1:20001) from 192.0.2.7:4022, was 192.0.2.7:4021"
std::string tunnel_in(const Json& news) {
    const auto tunnel = news.find("tunnel");
    if (tunnel == news.end() || !tunnel->is_object()) {
        return {};
    }
    std::string text = text_in(*tunnel, "name");
    text.append(" (").append(text_in(*tunnel, "kind")).append(" ");
    text.append(place_of(*tunnel)).append(")");
    if (const std::string client = text_in(*tunnel, "client"); !client.empty()) {
        text.append(" from ").append(client);
    }
    if (const std::string former = text_in(news, "former_client"); !former.empty()) {
        text.append(", was ").append(former);
    }
    return text;
}

// "forward localhost:80 of alice from 192.0.2.7:4022"
std::string refusal_in(const Json& news) {
    std::string text = text_in(news, "what");
    if (const std::string asked = text_in(news, "asked"); !asked.empty()) {
        text.append(" ").append(asked);
    }
    if (const std::string user = text_in(news, "user"); !user.empty()) {
        text.append(" of ").append(user);
    }
    return text.append(" from ").append(text_in(news, "client"));
}

std::string what_in(const Json& news, const std::string& event) {
    if (event == "refused") {
        return refusal_in(news);
    }
    if (event == "lost") {
        return std::to_string(news.value("events", std::uint64_t{0})) + " events";
    }
    return tunnel_in(news);
}

}  // namespace

std::string line_of(const Json& news) {
    constexpr std::size_t kEventColumns = 7;
    std::string event = text_in(news, "event");
    const std::string what = what_in(news, event);
    const std::string sentence = text_in(news, "sentence");
    const std::string code = text_in(news, "code");
    event.resize(std::max(event.size(), kEventColumns), ' ');
    std::string line = text_in(news, "time");
    line.append("  ").append(event).append("  ").append(what);
    if (!sentence.empty()) {
        line.append(what.empty() ? "" : ": ").append(sentence);
    }
    if (!code.empty()) {
        line.append(" (").append(code).append(")");
    }
    return line.substr(0, line.find_last_not_of(' ') + 1);
}

}  // namespace portreeve::daemon
