#include "daemon/tunnel_entry.h"

#include "daemon/json_text.h"
#include "daemon/time_text.h"

namespace portreeve::daemon {
namespace {

using Json = nlohmann::ordered_json;

Json object_of(const TunnelEntry& entry) {
    return {{"name", entry.name},
            {"kind", entry.is_private ? "private" : "tcp"},
            {"user", entry.user},
            {"fingerprint", entry.fingerprint},
            {"requested", entry.requested},
            {"address", entry.address},
            {"addresses", entry.addresses},
            {"port", entry.port},
            {"client", entry.client},
            {"since", time_text(entry.since_s)},
            {"state", entry.held ? "held" : "open"},
            {"last_error", entry.error},
            {"last_error_at", entry.error.empty() ? "" : time_text(entry.error_s)}};
}

}  // namespace

bool TunnelEntry::is_called(const std::string& text) const {
    const std::string port_text = std::to_string(port);
    return text == name || text == name + ":" + port_text || (!is_private && text == port_text);
}

std::string json_of(const TunnelEntry& entry) {
    return json_line_of(object_of(entry));
}

std::string json_of(const std::vector<TunnelEntry>& entries) {
    Json array = Json::array();
    for (const TunnelEntry& entry : entries) {
        array.push_back(object_of(entry));
    }
    return json_text_of(array);
}

}  // namespace portreeve::daemon
