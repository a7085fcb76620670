#include "daemon/http/request_writer.h"

#include <algorithm>

#include "daemon/http/host.h"
#include "daemon/http/lines.h"
#include "daemon/http/persistence.h"
#include "daemon/http/text.h"

namespace portreeve::http {
namespace {

constexpr std::size_t kAddedBytes = 1024;
constexpr std::string_view kMaxForwards = "max-forwards";

std::string_view scheme_of(const RequestPlan& plan) {
    return plan.is_tls ? "https" : "http";
}

// --- the first line
// -------------------------------------------------------------------------------

// What is asked of the target, in two pieces: a "/" that was missing, and the rest.
struct Path {
    std::string_view slash;
    std::string_view rest;
};

Path path_of(const RequestHead& head, std::string_view strip_path) {
    auto path = head.path;
    if (path.empty() && head.method == "OPTIONS") {
        return {"", "*"};
    }
    while (strip_path.ends_with('/')) {
        strip_path.remove_suffix(1);
    }
    if (!strip_path.empty() && is_below(path, strip_path)) {
        path.remove_prefix(strip_path.size());
    }
    const bool is_whole = path.starts_with('/') || head.form == UriForm::asterisk;
    return {is_whole ? "" : "/", path};
}

// --- which fields stay
// ----------------------------------------------------------------------------

bool stays(const RequestHead& head, const RequestPlan& plan, const Field& field) {
    switch (field.id) {
        case FieldId::expect:
            return head.version == Version::v1_1;  // RFC 9110, section 10.1.1
        case FieldId::other:
        case FieldId::trailer:
            return !is_named(head.fields, head.connection, field.name);
        case FieldId::authorization:
            return !plan.drops_authorization;
        case FieldId::x_forwarded:
        case FieldId::x_forwarded_host:
        case FieldId::x_forwarded_port:
        case FieldId::x_forwarded_proto:
        case FieldId::x_real_ip:
            return plan.is_trusted;
        default:
            return false;  // written anew, or meant for this proxy alone
    }
}

// --- what is written anew
// -------------------------------------------------------------------------

void append_framing(std::string& out, const RequestHead& head, const Framing& framing) {
    if (framing.kind == Framing::Kind::chunked) {
        append_field(out, "Transfer-Encoding", std::string_view("chunked"));
    } else if (head.fields.has(FieldId::content_length)) {
        append_field(out, "Content-Length", framing.length_bytes);
    }
}

void append_connection(std::string& out, const RequestHead& head) {
    const auto protocols = asked_protocols(head);
    const bool trailers = has_element(head.fields.first(FieldId::te), "trailers");
    if (!protocols.empty()) {
        append_field(out, "Connection", std::string_view(trailers ? "Upgrade, TE" : "Upgrade"));
        append_field(out, "Upgrade", protocols);
    } else if (trailers) {
        append_field(out, "Connection", std::string_view("TE"));
    }
    if (trailers) {
        append_field(out, "TE", std::string_view("trailers"));
    }
}

// All values of one kind of field, as one list; nothing, if there are none.
bool append_list(std::string& out, const RequestHead& head, FieldId id) {
    bool any = false;
    for (const Field& field : head.fields.all()) {
        if (field.id == id && !field.value.empty()) {
            out.append(any ? ", " : "").append(field.value);
            any = true;
        }
    }
    return any;
}

// A value of `Forwarded` (RFC 7239, section 4): as it is if it is a token, else in quotes.
void append_quoted(std::string& out, std::string_view text) {
    if (is_token(text)) {
        out.append(text);
        return;
    }
    out += '"';
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            out += '\\';
        }
        out += c;
    }
    out += '"';
}

// "for=" and an address, which needs brackets if it is of IPv6 and has none.
void append_node(std::string& out, std::string_view address) {
    out.append("for=");
    if (std::count(address.begin(), address.end(), ':') < 2 || address.front() == '[') {
        append_quoted(out, address);
    } else {
        out.append("\"[").append(address).append("]\"");
    }
}

void append_pair(std::string& out, std::string_view name, std::string_view value) {
    if (!value.empty()) {
        out.append(";").append(name).append("=");
        append_quoted(out, value);
    }
}

// What trusted proxies wrote as X-Forwarded-… alone is said in `Forwarded` too: who reads that one
// does not look at the others.
void append_translated(std::string& out, const RequestHead& head) {
    bool is_first = true;
    for (const Field& field : head.fields.all()) {
        auto rest = field.id == FieldId::x_forwarded_for ? field.value : std::string_view();
        for (std::string_view address; next_element(rest, address);) {
            if (address.empty()) {
                continue;
            }
            append_node(out, address);
            if (is_first) {
                append_pair(out, "host", head.fields.first(FieldId::x_forwarded_host));
                append_pair(out, "proto", head.fields.first(FieldId::x_forwarded_proto));
            }
            is_first = false;
            out.append(", ");
        }
    }
}

void append_forwarded(std::string& out, const RequestHead& head, const RequestPlan& plan) {
    out.append("Forwarded: ");
    if (plan.is_trusted && append_list(out, head, FieldId::forwarded)) {
        out.append(", ");
    } else if (plan.is_trusted) {
        append_translated(out, head);
    }
    append_node(out, plan.visitor);
    append_pair(out, "host", host_text(head));
    append_pair(out, "proto", scheme_of(plan));
    append_pair(out, "by", plan.by);
    out.append("\r\n");
}

// Each that is not there from a trusted proxy already.
void append_x_forwarded(std::string& out, const RequestHead& head, const RequestPlan& plan) {
    out.append("X-Forwarded-For: ");
    if (plan.is_trusted && append_list(out, head, FieldId::x_forwarded_for)) {
        out.append(", ");
    }
    out.append(plan.visitor).append("\r\n");
    const auto missing = [&head, &plan](FieldId id) {
        return !plan.is_trusted || !head.fields.has(id);
    };
    if (missing(FieldId::x_forwarded_proto)) {
        append_field(out, "X-Forwarded-Proto", scheme_of(plan));
    }
    if (missing(FieldId::x_forwarded_host)) {
        append_field(out, "X-Forwarded-Host", host_text(head));
    }
    if (missing(FieldId::x_forwarded_port)) {
        append_field(out, "X-Forwarded-Port", plan.port);
    }
    if (missing(FieldId::x_real_ip)) {
        append_field(out, "X-Real-IP", plan.real_ip.empty() ? plan.visitor : plan.real_ip);
    }
}

}  // namespace

void write_request(const RequestHead& head, const Framing& framing, const RequestPlan& plan,
                   std::string& out) {
    out.reserve(out.size() + 2 * head.size_bytes + kAddedBytes);
    const auto path = path_of(head, plan.strip_path);
    out.append(head.method).append(" ").append(path.slash).append(path.rest);
    out.append(" HTTP/1.1\r\n");
    append_field(out, "Host", plan.host.empty() ? host_text(head) : plan.host);
    const auto hops = hops_left(head);
    append_kept(out, head.fields.all(), head.fields_end, [&](const Field& field) {
        return stays(head, plan, field) && (!hops || !is_word(field.name, kMaxForwards));
    });
    if (hops) {
        append_field(out, "Max-Forwards", *hops - std::min<std::uint64_t>(*hops, 1));
    }
    append_framing(out, head, framing);
    append_connection(out, head);
    append_x_forwarded(out, head, plan);
    append_forwarded(out, head, plan);
    out.append("\r\n");
}

std::optional<std::uint64_t> hops_left(const RequestHead& head) {
    if (head.method != "TRACE" && head.method != "OPTIONS") {
        return std::nullopt;
    }
    for (const Field& field : head.fields.all()) {
        std::uint64_t hops = 0;
        if (is_word(field.name, kMaxForwards) && read_number(field.value, hops)) {
            return hops;
        }
    }
    return std::nullopt;
}

bool is_below(std::string_view path, std::string_view prefix) {
    while (prefix.ends_with('/')) {
        prefix.remove_suffix(1);
    }
    return path.starts_with(prefix) && (path.size() == prefix.size() ||
                                        path[prefix.size()] == '/' || path[prefix.size()] == '?');
}

bool has_dot_segment(std::string_view path) {
    const auto encodes = [](std::string_view text, std::string_view upper) {
        return text.starts_with('%') && text.size() >= 3 && text[1] == upper[0] &&
               (text[2] == upper[1] || text[2] == upper[1] + ('a' - 'A'));
    };
    std::size_t dots = 0;  // of a segment that has nothing else; more than two: it has
    for (path = path.substr(0, path.find('?')); !path.empty();) {
        const bool is_encoded = path.front() == '%';
        if (path.front() == '.' || encodes(path, "2E")) {
            ++dots;
        } else if (path.front() == '/' || path.front() == '\\' || encodes(path, "2F") ||
                   encodes(path, "5C") || path.front() == ';') {
            if (dots == 1 || dots == 2) {
                return true;
            }
            dots = path.front() == ';' ? 3 : 0;  // what some drop from a segment follows
        } else {
            dots = 3;
        }
        path.remove_prefix(is_encoded ? std::min<std::size_t>(3, path.size()) : 1);
    }
    return dots == 1 || dots == 2;
}

bool has_passed(const RequestHead& head, std::string_view by) {
    constexpr std::string_view kBy = "by=";
    for (const Field& field : head.fields.all()) {
        if (by.empty() || field.id != FieldId::forwarded) {
            continue;
        }
        for (auto at = field.value.find(by); at != std::string_view::npos;
             at = field.value.find(by, at + 1)) {
            const auto end = at + by.size();
            const bool is_whole = end == field.value.size() || !is_token_char(field.value[end]);
            if (is_whole && field.value.substr(0, at).ends_with(kBy)) {
                return true;
            }
        }
    }
    return false;
}

bool previous_forwarded(const RequestHead& head, ForwardedPlace& from, std::string_view& address) {
    const auto fields = head.fields.all();
    for (;;) {
        while (!from.rest.empty()) {
            const auto comma = from.rest.rfind(',');
            const bool is_first = comma == std::string_view::npos;
            address = trimmed(is_first ? from.rest : from.rest.substr(comma + 1));
            from.rest = is_first ? std::string_view() : from.rest.substr(0, comma);
            if (!address.empty()) {
                return true;
            }
        }
        from.fields_left = std::min(from.fields_left, fields.size());
        if (from.fields_left == 0) {
            return false;
        }
        const Field& field = fields[--from.fields_left];
        from.rest = field.id == FieldId::x_forwarded_for ? field.value : std::string_view();
    }
}

}  // namespace portreeve::http
