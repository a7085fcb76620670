#include "daemon/http/response_writer.h"

#include <algorithm>

#include "daemon/http/date.h"
#include "daemon/http/lines.h"
#include "daemon/http/persistence.h"
#include "daemon/http/text.h"

namespace portreeve::http {
namespace {

constexpr std::size_t kAddedBytes = 128;
constexpr std::uint16_t kSwitching = 101;
constexpr std::uint16_t kUpgradeRequired = 426;

bool has_no_body(const ResponseHead& head) {
    return head.status < 200 || head.status == 204;
}

bool stays(const ResponseHead& head, const Field& field) {
    switch (field.id) {
        case FieldId::connection:
        case FieldId::content_length:
        case FieldId::keep_alive:
        case FieldId::proxy_connection:
        case FieldId::te:
        case FieldId::transfer_encoding:
        case FieldId::upgrade:
            return false;  // written anew, or meant for this proxy alone
        default:
            return !is_named(head.fields, head.connection, field.name);
    }
}

// A length stands in answers to HEAD and in 304 too, where there is no body.
void append_framing(std::string& out, const ResponseHead& head, const Framing& framing,
                    Version visitor) {
    if (framing.kind == Framing::Kind::chunked && !loses_chunks(visitor, framing)) {
        append_field(out, "Transfer-Encoding", std::string_view("chunked"));
    } else if (framing.kind == Framing::Kind::length) {
        append_field(out, "Content-Length", framing.length_bytes);
    } else if (framing.kind == Framing::Kind::none && !has_no_body(head) &&
               head.fields.has(FieldId::content_length)) {
        append_field(out, "Content-Length", head.fields.first(FieldId::content_length));
    }
}

// When it came, where the target does not say (RFC 9110, section 6.6.1).
void append_missing_date(std::string& out, const ResponseHead& head, std::int64_t time_s) {
    const auto fields = head.fields.all();
    const auto is_date = [](const Field& field) { return is_word(field.name, "date"); };
    if (head.status >= 200 && std::none_of(fields.begin(), fields.end(), is_date)) {
        append_date(out, time_s);
    }
}

void append_connection(std::string& out, const ResponseHead& head, const ResponsePlan& plan) {
    const bool tells_protocols = head.status == kSwitching || head.status == kUpgradeRequired;
    if (head.is_interim()) {
        return;
    }
    if (tells_protocols && head.fields.has(FieldId::upgrade)) {
        const bool closes = head.status != kSwitching && !plan.keeps_visitor;
        append_field(out, "Connection", std::string_view(closes ? "Upgrade, close" : "Upgrade"));
        append_field(out, "Upgrade", head.fields.first(FieldId::upgrade));
    } else if (!plan.keeps_visitor) {
        append_field(out, "Connection", std::string_view("close"));
    } else if (plan.visitor == Version::v1_0) {
        append_field(out, "Connection", std::string_view("keep-alive"));
    }
}

}  // namespace

void write_response(const ResponseHead& head, const Framing& framing, const ResponsePlan& plan,
                    std::string& out) {
    out.reserve(out.size() + head.size_bytes + kAddedBytes);
    out.append("HTTP/1.1 ");
    append(out, head.status);
    out.append(" ").append(head.reason).append("\r\n");
    append_kept(out, head.fields.all(), head.fields_end,
                [&head](const Field& field) { return stays(head, field); });
    append_missing_date(out, head, plan.time_s);
    append_framing(out, head, framing, plan.visitor);
    append_connection(out, head, plan);
    out.append("\r\n");
}

}  // namespace portreeve::http
