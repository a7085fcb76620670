#include "daemon/http/page.h"

#include <array>

#include "daemon/http/date.h"
#include "daemon/http/lines.h"
#include "daemon/http/text.h"

namespace portreeve::http {
namespace {

struct Status {
    std::uint16_t status;
    std::string_view reason;
};

constexpr std::array kReasons{
    Status{200, "OK"},
    Status{308, "Permanent Redirect"},
    Status{400, "Bad Request"},
    Status{401, "Unauthorized"},
    Status{403, "Forbidden"},
    Status{404, "Not Found"},
    Status{405, "Method Not Allowed"},
    Status{408, "Request Timeout"},
    Status{413, "Content Too Large"},
    Status{414, "URI Too Long"},
    Status{421, "Misdirected Request"},
    Status{422, "Unprocessable Content"},
    Status{429, "Too Many Requests"},
    Status{431, "Request Header Fields Too Large"},
    Status{500, "Internal Server Error"},
    Status{501, "Not Implemented"},
    Status{502, "Bad Gateway"},
    Status{503, "Service Unavailable"},
    Status{505, "HTTP Version Not Supported"},
    Status{508, "Loop Detected"},
};

// The colours are the browser's own, for light and for dark.
constexpr std::string_view kStyle =
    ":root{color-scheme:light dark}"
    "body{margin:0;min-height:100vh;display:grid;place-items:center;"
    "font:1.05rem/1.6 system-ui,sans-serif;background:Canvas;color:CanvasText}"
    "main{max-width:34rem;padding:2rem}"
    "h1{font-size:1.5rem;font-weight:600;margin:0 0 .5rem}"
    "p{margin:0;opacity:.8;overflow-wrap:anywhere}";

std::string_view cut(std::string_view text) {
    return text.substr(0, kPageBytesMax);
}

void append_escaped(std::string& out, std::string_view text) {
    for (const char c : text) {
        switch (c) {
            case '&':
                out.append("&amp;");
                break;
            case '<':
                out.append("&lt;");
                break;
            case '>':
                out.append("&gt;");
                break;
            case '"':
                out.append("&quot;");
                break;
            case '\'':
                out.append("&#39;");
                break;
            default:
                out += c;
        }
    }
}

std::string sentence_of(const Page& page) {
    std::string sentence(cut(page.text));
    if (!page.because.empty()) {
        sentence.append(": ").append(cut(page.because)).append(".");
    }
    return sentence;
}

std::string html_of(const Page& page) {
    constexpr std::size_t kFrameBytes = 512;
    const std::string sentence = sentence_of(page);
    std::string html;
    html.reserve(kStyle.size() + 2 * page.title.size() + sentence.size() + kFrameBytes);
    html.append("<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n");
    html.append("<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n");
    if (page.reloads && page.retry_after_s != 0) {
        html.append("<meta http-equiv=\"refresh\" content=\"");
        append(html, page.retry_after_s);
        html.append("\">\n");
    }
    html.append("<title>");
    append_escaped(html, cut(page.title));
    html.append("</title>\n<style>").append(kStyle).append("</style>\n<main>\n<h1>");
    append_escaped(html, cut(page.title));
    html.append("</h1>\n<p>");
    append_escaped(html, sentence);
    html.append("</p>\n</main>\n</html>\n");
    return html;
}

std::string plain_text_of(const Page& page) {
    std::string text(cut(page.title));
    return text.append("\n").append(sentence_of(page)).append("\n");
}

// A quoted string may not hold every character of a realm.
void append_realm(std::string& out, std::string_view realm) {
    out.append("WWW-Authenticate: Basic realm=\"");
    for (const char c : cut(realm)) {
        const bool is_plain = is_field_text({&c, 1}) && c != '"' && c != '\\';
        out += is_plain ? c : '?';
    }
    out.append("\", charset=\"UTF-8\"\r\n");
}

void append_fields(std::string& out, const Page& page, const PagePlan& plan) {
    append_date(out, plan.time_s);
    append_field(out, "Cache-Control", std::string_view("no-store"));
    append_field(out, "X-Content-Type-Options", std::string_view("nosniff"));
    if (page.html.empty()) {
        append_field(out, "Content-Security-Policy",
                     std::string_view("default-src 'none'; style-src 'unsafe-inline'"));
    }
    if (page.retry_after_s != 0) {
        append_field(out, "Retry-After", page.retry_after_s);
    }
    if (!page.location.empty() && is_field_text(page.location)) {
        append_field(out, "Location", page.location);
    }
    if (!page.realm.empty()) {
        append_realm(out, page.realm);
    }
    if (!plan.keeps_visitor) {
        append_field(out, "Connection", std::string_view("close"));
    } else if (plan.is_old) {
        append_field(out, "Connection", std::string_view("keep-alive"));
    }
}

}  // namespace

bool wants_html(const RequestHead& head) {
    for (const Field& field : head.fields.all()) {
        auto rest = is_word(field.name, "accept") ? field.value : std::string_view();
        for (std::string_view kind; next_element(rest, kind);) {
            const auto name = trimmed(kind.substr(0, kind.find(';')));
            if (is_word(name, "text/html") || is_word(name, "application/xhtml+xml")) {
                return true;
            }
        }
    }
    return false;
}

std::string_view reason_of(std::uint16_t status) {
    for (const Status& known : kReasons) {
        if (known.status == status) {
            return known.reason;
        }
    }
    return {};
}

void write_page(const Page& page, const PagePlan& plan, std::string& out) {
    const bool as_html = (plan.as_html && page.plain.empty()) || !page.html.empty();
    const std::string_view given = page.html.empty() ? page.plain : page.html;
    const std::string made = !given.empty() ? std::string()
                             : as_html      ? html_of(page)
                                            : plain_text_of(page);
    const std::string_view body = given.empty() ? std::string_view(made) : given;
    out.append("HTTP/1.1 ");
    append(out, page.status);
    out.append(" ").append(reason_of(page.status)).append("\r\n");
    append_field(out, "Content-Type", std::string_view(as_html ? "text/html" : "text/plain"),
                 std::string_view("; charset=utf-8"));
    append_field(out, "Content-Length", body.size());
    append_fields(out, page, plan);
    out.append("\r\n");
    if (!plan.is_head) {
        out.append(body);
    }
}

Page not_found_page() {
    return {.status = 404,
            .title = "Nothing here",
            .text = "There is nothing at this address. Check how it is written."};
}

Page fault_page(const Fault& fault) {
    return {.status = fault.status,
            .title = reason_of(fault.status),
            .text = "What was sent cannot be taken",
            .because = fault.why};
}

Page target_page() {
    return {.status = 502,
            .title = "No answer",
            .text =
                "The service at this address does not answer as it should. Its owner is told; "
                "try again later."};
}

Page held_page(std::string_view text, std::uint32_t retry_after_s) {
    return {.status = 503,
            .title = "Away for now",
            .text = text,
            .retry_after_s = retry_after_s,
            .reloads = true};
}

std::string held_text(std::string_view since) {
    return std::string("The service at this address has been out of reach since ")
        .append(since)
        .append(". It may be back at any time.");
}

Page credentials_page(std::string_view realm) {
    return {.status = 401,
            .title = "Who are you?",
            .text = "This address asks for a user name and a password.",
            .realm = realm};
}

Page forbidden_page() {
    return {.status = 403,
            .title = "Not from here",
            .text = "This address is not for visitors from where you are."};
}

Page https_only_page() {
    return {.status = 403,
            .title = "By https only",
            .text = "This address is not for plain http, and there is no certificate for it here."};
}

Page misdirected_page() {
    return {
        .status = 421,
        .title = "Wrong connection",
        .text = "This address cannot be reached over this connection, but over one of its own."};
}

Page proof_page(std::string_view content) {
    return {.status = 200, .plain = content};
}

Page redirect_page(std::string_view location) {
    return {.status = 308,
            .title = "Moved",
            .text = "This page is at another address now.",
            .location = location};
}

Page busy_page() {
    return {.status = 503,
            .title = "Too many at once",
            .text = "The service at this address has as many visitors as it can take.",
            .retry_after_s = 5,
            .reloads = true};
}

Page last_hop_page() {
    return {.status = 200,
            .title = "As far as asked",
            .text = "This is the proxy in front of the service at this address."};
}

Page no_trace_page() {
    return {
        .status = 501, .title = "Not traced", .text = "This proxy does not say what reaches it."};
}

Page loop_page() {
    return {.status = 508,
            .title = "Going in circles",
            .text = "The service at this address leads back here."};
}

}  // namespace portreeve::http
