#include "daemon/http/head.h"

#include <algorithm>
#include <optional>
#include <type_traits>

#include "daemon/http/text.h"

namespace portreeve::http {
namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kVersionPrefix = "HTTP/";
constexpr std::size_t kVersionBytes = 8;  // "HTTP/1.1"

using Taken = tl::expected<void, Fault>;

tl::unexpected<Fault> refuse(std::uint16_t status, std::string_view why) {
    return tl::unexpected(Fault{status, why});
}

constexpr std::string_view kBareLineFeed =
    "a line ends with a line feed alone, where CR LF has to stand";

// One line at `at`, without its end; nothing: it has none yet. `at` moves behind it.
tl::expected<std::optional<std::string_view>, Fault> next_line(std::string_view bytes,
                                                               std::size_t& at, std::size_t from) {
    const auto end = bytes.find('\n', from);
    if (end == std::string_view::npos) {
        return std::nullopt;
    }
    if (end == at || bytes[end - 1] != '\r') {
        return refuse(400, kBareLineFeed);
    }
    const auto line = bytes.substr(at, end - 1 - at);
    at = end + 1;
    return line;
}

// --- the first line
// -------------------------------------------------------------------------------

// "HTTP/1.1": the text of a version.
tl::expected<Version, Fault> read_version(std::string_view text) {
    if (text.size() != kVersionBytes || !text.starts_with(kVersionPrefix) || !is_digit(text[5]) ||
        text[6] != '.' || !is_digit(text[7])) {
        return refuse(400, "the first line has no version such as HTTP/1.1");
    }
    if (text[5] != '1') {
        return refuse(505, "the version is not HTTP/1.0 or HTTP/1.1");
    }
    return text[7] == '0' ? Version::v1_0 : Version::v1_1;
}

// "http://HOST/PATH" (RFC 9112, section 3.2.2).
Taken read_absolute(RequestHead& head) {
    const auto colon = head.uri.find(':');
    const auto scheme = head.uri.substr(0, colon);
    if (colon == std::string_view::npos || head.uri.substr(colon, 3) != "://" ||
        (!is_word(scheme, "http") && !is_word(scheme, "https"))) {
        return refuse(400, "what is asked for is neither a path nor an http address");
    }
    const auto rest = head.uri.substr(colon + 3);
    const auto slash = std::min(rest.find_first_of("/?"), rest.size());
    head.form = UriForm::absolute;
    head.authority = rest.substr(0, slash);
    head.path = rest.substr(slash);
    return {};
}

Taken read_uri(RequestHead& head) {
    if (head.uri.empty() || !is_uri_text(head.uri)) {
        return refuse(400, "what is asked for is empty or has characters that must be encoded");
    }
    head.authority = {};
    head.path = head.uri;
    head.form = UriForm::origin;
    if (head.uri.front() == '/') {
        return {};
    }
    if (head.uri != "*") {
        return read_absolute(head);
    }
    head.form = UriForm::asterisk;
    if (head.method != "OPTIONS") {
        return refuse(400, "only OPTIONS can ask for \"*\"");
    }
    return {};
}

// "METHOD URI VERSION", with one space between each two.
Taken read_request_line(std::string_view line, RequestHead& head) {
    const auto method_end = line.find(' ');
    head.method = line.substr(0, method_end);
    if (method_end == std::string_view::npos || !is_token(head.method)) {
        return refuse(400, "the first line is not METHOD, space, what for, space, version");
    }
    const auto rest = line.substr(method_end + 1);
    const auto uri_end = rest.find(' ');
    if (uri_end == std::string_view::npos) {
        return refuse(400, "the first line has no version");
    }
    const auto version = read_version(rest.substr(uri_end + 1));
    if (!version) {
        return tl::unexpected(version.error());
    }
    if (head.method.size() > kMethodBytesMax || head.method == "CONNECT") {
        return refuse(501, "the method is CONNECT or far too long: this is no forward proxy");
    }
    head.version = *version;
    head.uri = rest.substr(0, uri_end);
    return read_uri(head);
}

// "VERSION STATUS REASON"; the space before an empty reason is often left out.
Taken read_status_line(std::string_view line, ResponseHead& head) {
    const auto version = read_version(line.substr(0, kVersionBytes));
    if (!version) {
        return tl::unexpected(version.error());
    }
    const auto rest = line.substr(kVersionBytes);
    const auto digits = rest.substr(std::min<std::size_t>(1, rest.size()), 3);
    std::uint64_t status = 0;
    if (!rest.starts_with(' ') || digits.size() != 3 || !read_number(digits, status) ||
        status < 100 || (rest.size() > 4 && rest[4] != ' ')) {
        return refuse(502, "the first line has no status of three digits");
    }
    head.version = *version;
    head.status = static_cast<std::uint16_t>(status);
    head.reason = rest.substr(std::min<std::size_t>(5, rest.size()));
    if (!is_field_text(head.reason)) {
        return refuse(502, "the first line has control characters");
    }
    return {};
}

// --- the other lines
// ------------------------------------------------------------------------------

// RFC 9112, section 5.1: before a colon blanks are refused in requests, and taken out of responses.
Taken read_field(std::string_view line, Fields& fields, bool is_response) {
    std::size_t name_bytes = 0;
    while (name_bytes < line.size() && is_token_char(line[name_bytes])) {
        ++name_bytes;
    }
    std::size_t colon = name_bytes;
    while (is_response && colon > 0 && colon < line.size() && is_blank(line[colon])) {
        ++colon;
    }
    if (colon == line.size() || line[colon] != ':') {
        return is_blank(line.front())
                   ? refuse(400, "a line begins with a blank: folded lines are not taken")
                   : refuse(400, "a line is not a name that touches its colon, and a value");
    }
    if (colon == 0) {
        return refuse(400, "a line has no name before its colon");
    }
    const auto value = line.substr(colon + 1);
    if (!is_field_text(value)) {
        return refuse(400, "a field has control characters");
    }
    if (!fields.add(line.substr(0, name_bytes), trimmed(value))) {
        return refuse(431, "there are too many fields");
    }
    return {};
}

// All lines up to the empty one at the end of `lines`, of which each is known to end with CR LF.
Taken read_fields(std::string_view lines, Fields& fields, bool is_response) {
    fields.clear();
    while (lines.size() > kLineEnd.size()) {
        const auto end = lines.find('\n');
        if (auto taken = read_field(lines.substr(0, end - 1), fields, is_response); !taken) {
            return taken;
        }
        lines.remove_prefix(end + 1);
    }
    return {};
}

// Fields that go from one hop to the next by themselves need not be named.
bool is_passed_on(std::string_view name) {
    const FieldId id = identify(name);
    return id != FieldId::keep_alive && id != FieldId::te && id != FieldId::proxy_connection &&
           id != FieldId::http2_settings;
}

Taken read_connection(const Fields& fields, ConnectionOptions& options) {
    options = {};
    if (!fields.has(FieldId::connection)) {
        return {};
    }
    std::size_t named = 0;
    for (const Field& field : fields.all()) {
        auto rest = field.id == FieldId::connection ? field.value : std::string_view();
        for (std::string_view option; next_element(rest, option);) {
            if (option.empty()) {
                continue;
            }
            if (!is_token(option) || ++named > kNamedFieldsMax) {
                return refuse(400, "Connection is not a short list of words");
            }
            if (is_word(option, "close")) {
                options.close = true;
            } else if (is_word(option, "keep-alive")) {
                options.keep_alive = true;
            } else if (is_word(option, "upgrade")) {
                options.upgrade = true;
            } else if (is_passed_on(option)) {
                options.names_fields = true;
            }
        }
    }
    return {};
}

// --- the whole
// ------------------------------------------------------------------------------------

// Where the head ends; 0: not yet. `start` is where its first line begins, which is there already.
tl::expected<std::size_t, Fault> find_end(std::string_view bytes, HeadProgress& progress,
                                          std::size_t start) {
    const auto shown = bytes.substr(0, kHeadBytesMax);
    std::size_t at =
        std::max<std::size_t>(progress.searched_bytes, start + progress.first_line_bytes);
    for (;;) {
        const auto end = shown.find('\n', at);
        if (end == std::string_view::npos) {
            break;
        }
        if (shown[end - 1] != '\r') {
            return refuse(400, kBareLineFeed);
        }
        if (shown[end - 2] == '\n') {
            return end + 1;
        }
        at = end + 1;
    }
    progress.searched_bytes = static_cast<std::uint32_t>(shown.size());
    if (bytes.size() > kHeadBytesMax) {
        return refuse(431, "the head is too large");
    }
    return 0;
}

// Looks at the first line as soon as it is there, so that what is no HTTP is known at once.
template <class Head, class ReadFirstLine>
tl::expected<bool, Fault> parse_head(std::string_view bytes, HeadProgress& progress, Head& head,
                                     std::size_t start, ReadFirstLine read_first_line) {
    std::size_t at = start;
    const bool is_new = progress.first_line_bytes == 0;
    const auto shown = bytes.substr(0, start + kRequestLineBytesMax);
    const auto from = is_new ? std::max<std::size_t>(start, progress.searched_bytes) : start;
    const auto line = next_line(shown, at, from);
    if (!line) {
        return tl::unexpected(line.error());
    }
    if (!*line) {
        progress.searched_bytes = static_cast<std::uint32_t>(shown.size());
        if (shown.size() < bytes.size()) {
            return refuse(414, "the first line is too long");
        }
        return false;
    }
    if (auto taken = read_first_line(**line, head); !taken) {
        return tl::unexpected(taken.error());
    }
    progress.first_line_bytes = static_cast<std::uint32_t>(at - start);
    const auto end = find_end(bytes, progress, start);
    if (!end || *end == 0) {
        return end ? tl::expected<bool, Fault>(false) : tl::unexpected(end.error());
    }
    constexpr bool kIsResponse = std::is_same_v<Head, ResponseHead>;
    if (auto taken = read_fields(bytes.substr(at, *end - at), head.fields, kIsResponse); !taken) {
        return tl::unexpected(taken.error());
    }
    if (auto taken = read_connection(head.fields, head.connection); !taken) {
        return tl::unexpected(taken.error());
    }
    head.fields_end = bytes.data() + *end - kLineEnd.size();
    head.size_bytes = *end;
    progress = {};
    return true;
}

}  // namespace

bool is_named(const Fields& fields, const ConnectionOptions& connection, std::string_view name) {
    if (!connection.names_fields) {
        return false;
    }
    for (const Field& field : fields.all()) {
        if (field.id == FieldId::connection && has_element(field.value, name)) {
            return true;
        }
    }
    return false;
}

tl::expected<bool, Fault> parse_request_head(std::string_view bytes, HeadProgress& progress,
                                             RequestHead& head) {
    // One empty line before it is taken, which some clients send after a body (RFC 9112, 2.2).
    const std::size_t start = bytes.starts_with(kLineEnd) ? kLineEnd.size() : 0;
    return parse_head(bytes, progress, head, start, read_request_line);
}

tl::expected<bool, Fault> parse_response_head(std::string_view bytes, HeadProgress& progress,
                                              ResponseHead& head) {
    return parse_head(bytes, progress, head, 0, read_status_line).map_error([](Fault fault) {
        return Fault{502, fault.why};
    });
}

}  // namespace portreeve::http
