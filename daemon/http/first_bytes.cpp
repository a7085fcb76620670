#include "daemon/http/first_bytes.h"

#include <algorithm>

#include "daemon/http/head.h"
#include "daemon/http/text.h"

namespace portreeve::http {
namespace {

static_assert(kFirstBytesMax == kMethodBytesMax + 1);

enum class Match { no, partly, whole };

Match match(std::string_view bytes, std::string_view prefix) {
    const auto size = std::min(bytes.size(), prefix.size());
    if (bytes.substr(0, size) != prefix.substr(0, size)) {
        return Match::no;
    }
    return size == prefix.size() ? Match::whole : Match::partly;
}

Protocol classify_tls(std::string_view bytes) {
    constexpr char kMinorMax = 4;
    const auto begins = match(bytes, "\x16\x03");
    if (begins == Match::no) {
        return Protocol::unknown;
    }
    if (begins == Match::partly || bytes.size() < 3) {
        return Protocol::need_more;
    }
    return bytes[2] >= 0 && bytes[2] <= kMinorMax ? Protocol::tls : Protocol::unknown;
}

// A word and a space.
Protocol classify_http(std::string_view bytes) {
    switch (match(bytes, "PRI * HTTP/2")) {
        case Match::whole:
            return Protocol::http2;
        case Match::partly:
            return Protocol::need_more;
        case Match::no:
            break;
    }
    const auto word = bytes.substr(0, std::min(bytes.find(' '), kFirstBytesMax));
    if (!is_token(word) || word.size() == kFirstBytesMax) {
        return Protocol::unknown;
    }
    return word.size() == bytes.size() ? Protocol::need_more : Protocol::http;
}

}  // namespace

Protocol classify(std::string_view bytes) {
    if (bytes.empty()) {
        return Protocol::need_more;
    }
    switch (match(bytes, "SSH-")) {
        case Match::whole:
            return Protocol::ssh;
        case Match::partly:
            return Protocol::need_more;
        case Match::no:
            break;
    }
    return is_letter(bytes.front()) ? classify_http(bytes) : classify_tls(bytes);
}

}  // namespace portreeve::http
