#include "daemon/http/persistence.h"

#include "daemon/http/text.h"

namespace portreeve::http {

bool wants_more(Version version, const ConnectionOptions& connection) {
    return !connection.close && (version == Version::v1_1 || connection.keep_alive);
}

bool keeps_visitor(Version version, const ConnectionOptions& connection, const Framing& response) {
    return wants_more(version, connection) && response.kind != Framing::Kind::until_close &&
           !loses_chunks(version, response);
}

bool keeps_target(const ResponseHead& response, const Framing& framing) {
    return wants_more(response.version, response.connection) && response.status != 101 &&
           framing.kind != Framing::Kind::until_close && !framing.is_doubtful;
}

bool loses_chunks(Version visitor, const Framing& response) {
    return visitor == Version::v1_0 && response.kind == Framing::Kind::chunked;
}

std::string_view asked_protocols(const RequestHead& request) {
    const bool asks = request.version == Version::v1_1 && request.connection.upgrade &&
                      request.fields.count(FieldId::upgrade) == 1;
    const auto asked = asks ? request.fields.first(FieldId::upgrade) : std::string_view();
    return has_element(asked, "h2c") || has_element(asked, "h2") ? std::string_view() : asked;
}

bool switches_protocol(const ResponseHead& response, std::string_view asked) {
    if (response.status != 101 || !response.connection.upgrade ||
        response.fields.count(FieldId::upgrade) != 1) {
        return false;
    }
    auto picked = response.fields.first(FieldId::upgrade);
    for (std::string_view element; next_element(picked, element);) {
        if (element.empty() || !has_element(asked, element)) {
            return false;
        }
    }
    return true;
}

}  // namespace portreeve::http
