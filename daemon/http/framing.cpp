#include "daemon/http/framing.h"

#include "daemon/http/text.h"

namespace portreeve::http {
namespace {

using Framed = tl::expected<Framing, Fault>;

tl::unexpected<Fault> refuse(std::uint16_t status, std::string_view why) {
    return tl::unexpected(Fault{status, why});
}

// Only "chunked", once: what it is combined with has to be undone by whoever reads the body, and
// "identity" is no coding any more.
Framed chunked_framing(const Fields& fields, Version version) {
    if (version == Version::v1_0) {
        return refuse(400, "Transfer-Encoding in HTTP/1.0 can be read in two ways");
    }
    if (fields.has(FieldId::content_length)) {
        return refuse(400, "both Transfer-Encoding and Content-Length are there");
    }
    const auto value = fields.first(FieldId::transfer_encoding);
    const auto comma = value.rfind(',');
    const auto last = trimmed(comma == std::string_view::npos ? value : value.substr(comma + 1));
    if (fields.count(FieldId::transfer_encoding) != 1 || !is_word(last, "chunked")) {
        return refuse(400, "Transfer-Encoding is there twice, or does not end with chunked");
    }
    auto others = comma == std::string_view::npos ? std::string_view() : value.substr(0, comma);
    for (std::string_view coding; next_element(others, coding);) {
        if (coding.empty() || is_word(coding, "chunked") || is_word(coding, "identity")) {
            return refuse(400, "Transfer-Encoding is not chunked alone");
        }
    }
    if (comma != std::string_view::npos) {
        return refuse(501, "Transfer-Encoding has another coding before chunked");
    }
    return Framing{Framing::Kind::chunked};
}

// Nothing for no Content-Length; once, and a number that fits a signed one of 64 bits.
Framed length_framing(const Fields& fields) {
    constexpr std::uint64_t kLengthMax = INT64_MAX;
    Framing framing;
    if (fields.count(FieldId::content_length) > 1) {
        return refuse(400, "Content-Length is there twice");
    }
    if (!fields.has(FieldId::content_length)) {
        return framing;
    }
    if (!read_number(fields.first(FieldId::content_length), framing.length_bytes) ||
        framing.length_bytes > kLengthMax) {
        return refuse(400, "Content-Length is not a number of bytes");
    }
    framing.kind = framing.length_bytes == 0 ? Framing::Kind::none : Framing::Kind::length;
    return framing;
}

Framed framing_of(const Fields& fields, Version version) {
    return fields.has(FieldId::transfer_encoding) ? chunked_framing(fields, version)
                                                  : length_framing(fields);
}

}  // namespace

tl::expected<Framing, Fault> framing_of(const RequestHead& head) {
    return framing_of(head.fields, head.version);
}

tl::expected<Framing, Fault> framing_of(const ResponseHead& head, std::string_view method) {
    const Fields& fields = head.fields;
    auto framing = framing_of(fields, head.version).map_error([](Fault fault) {
        return Fault{502, fault.why};
    });
    if (!framing) {
        return framing;
    }
    if (method == "HEAD" || head.status == 304) {
        return Framing{};  // its fields tell of the body that GET would get
    }
    if (head.status < 200 || head.status == 204) {
        Framing none;
        none.is_doubtful = framing->kind != Framing::Kind::none;
        return none;
    }
    if (framing->kind == Framing::Kind::none && !fields.has(FieldId::content_length)) {
        framing->kind = Framing::Kind::until_close;
    }
    return framing;
}

}  // namespace portreeve::http
