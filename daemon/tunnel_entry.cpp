#include "daemon/tunnel_entry.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "daemon/json_text.h"
#include "daemon/people_text.h"
#include "daemon/time_text.h"

namespace portreeve::daemon {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kColumns = 9;
using Row = std::array<std::string, kColumns>;

std::string text_in(const Json& tunnel, const char* key) {
    return printable(tunnel.value(key, ""));
}

std::uint64_t number_in(const Json& traffic, const char* key) {
    return traffic.value(key, std::uint64_t{0});
}

Row row_of(const Json& tunnel) {
    const std::string error = text_in(tunnel, "last_error");
    const Json traffic = tunnel.value("traffic", Json::object());
    return {text_in(tunnel, "name"),
            text_in(tunnel, "kind"),
            place_of(tunnel),
            text_in(tunnel, "state"),
            text_in(tunnel, "since"),
            std::to_string(number_in(traffic, "visitors")) + " of " +
                std::to_string(number_in(traffic, "visitors_total")),
            bytes_text(number_in(traffic, "bytes_in")) + " in, " +
                bytes_text(number_in(traffic, "bytes_out")) + " out",
            text_in(tunnel, "client"),
            error.empty() ? "" : error + " (" + text_in(tunnel, "last_error_at") + ")"};
}

// A to Z without regard to case.
bool same_word(std::string_view one, std::string_view other) {
    const auto lower = [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    };
    return std::equal(one.begin(), one.end(), other.begin(), other.end(),
                      [&](char a, char b) { return lower(a) == lower(b); });
}

}  // namespace

// What is asked for as a name is one in any case; a user name of a client is as it is written.
bool TunnelEntry::is_called(const std::string& text) const {
    const std::string port_text = std::to_string(port);
    if (kind == LeaseKind::tcp) {
        return text == name || text == name + ":" + port_text || text == port_text;
    }
    return same_word(text, name) || same_word(text, name + ":" + port_text) ||
           (kind == LeaseKind::http && (same_word(text, address) || text == url));
}

Json object_of(const TunnelEntry& entry) {
    Json object{{"name", entry.name},           {"kind", name_of(entry.kind)},
                {"user", entry.user},           {"fingerprint", entry.fingerprint},
                {"requested", entry.requested}, {"address", entry.address},
                {"addresses", entry.addresses}, {"port", entry.port}};
    if (entry.kind == LeaseKind::http) {
        object["url"] = entry.url;
    }
    object.update({{"client", entry.client},
                   {"since", time_text(entry.since_s)},
                   {"state", entry.held ? "held" : "open"},
                   {"last_error", entry.error},
                   {"last_error_at", entry.error.empty() ? "" : time_text(entry.error_s)}});
    return object;
}

std::string json_of(const TunnelEntry& entry) {
    return json_line_of(object_of(entry));
}

Json array_of(const std::vector<TunnelEntry>& entries, Detail detail) {
    Json array = Json::array();
    for (const TunnelEntry& entry : entries) {
        Json object = object_of(entry);
        if (detail == Detail::traffic) {
            object["traffic"] = {{"visitors", entry.traffic.visitors},
                                 {"visitors_total", entry.traffic.visitors_total},
                                 {"bytes_in", entry.traffic.from_visitor_bytes},
                                 {"bytes_out", entry.traffic.to_visitor_bytes}};
        }
        array.push_back(std::move(object));
    }
    return array;
}

std::string place_of(const Json& tunnel) {
    if (std::string url = text_in(tunnel, "url"); !url.empty()) {
        return url;
    }
    const std::string address = text_in(tunnel, "address");
    const bool brackets = address.find(':') != std::string::npos;
    return (brackets ? "[" + address + "]" : address) + ":" +
           std::to_string(tunnel.value("port", 0));
}

std::string table_of(const Json& tunnels) {
    if (tunnels.empty()) {
        return {};
    }
    std::vector<Row> rows = {
        {"NAME", "KIND", "ADDRESS", "STATE", "SINCE", "VISITORS", "BYTES", "CLIENT", "LAST ERROR"}};
    rows.reserve(tunnels.size() + 1);
    for (const Json& tunnel : tunnels) {
        rows.push_back(row_of(tunnel));
    }
    std::array<std::size_t, kColumns> widths{};
    for (const Row& row : rows) {
        for (std::size_t column = 0; column < kColumns; ++column) {
            widths[column] = std::max(widths[column], columns_of(row[column]));
        }
    }
    std::string text;
    for (const Row& row : rows) {
        std::string line;
        for (std::size_t column = 0; column < kColumns; ++column) {
            line.append(row[column]).append(widths[column] - columns_of(row[column]) + 2, ' ');
        }
        text.append(line, 0, line.find_last_not_of(' ') + 1).append("\n");
    }
    return text;
}

}  // namespace portreeve::daemon
