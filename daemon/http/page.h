// The pages that this proxy has itself: whole responses, small and plain, that say what a person
// before a browser can do about it, and nothing of what is behind a name.
//
// Owns: nothing. Called by: the proxy, where no target answers. Bounds: kPageBytesMax for what they
// are given; a page is some 2 KiB besides.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "daemon/http/fault.h"
#include "daemon/http/head.h"

namespace portreeve::http {

// Of each text; what is longer is cut.
inline constexpr std::size_t kPageBytesMax = std::size_t{8} * 1024;

struct Page {
    std::uint16_t status = 0;
    std::string_view title{};  // plain text, as is `text`; it is escaped here
    std::string_view text{};
    std::string_view because{};   // what `text` ends with, after a colon
    std::string_view html{};      // a whole document instead of those; taken as it is, uncut
    std::string_view plain{};     // likewise, but as text/plain
    std::string_view location{};  // of a redirect; one that could end its line is left out
    std::string_view realm{};     // of a page that asks for a user and a password
    std::uint32_t retry_after_s = 0;
    bool reloads = false;  // by itself, after retry_after_s: for pages that were got with GET
};

// How the response has to look for whoever asked.
struct PagePlan {
    bool is_head = false;        // the same response, without its body
    bool keeps_visitor = false;  // the connection goes on
    bool is_old = false;         // the visitor speaks HTTP/1.0
    bool as_html = true;         // else as plain text, for programs
    std::int64_t time_s = 0;     // for Date; 0: it is left out
};

// Whether `Accept` has HTML in it: browsers say so, curl and its like do not.
[[nodiscard]] bool wants_html(const RequestHead& head);

// What a status is called, "Not Found"; of one that no answer of ours has: "".
[[nodiscard]] std::string_view reason_of(std::uint16_t status);

// Appends the whole response to `out`.
void write_page(const Page& page, const PagePlan& plan, std::string& out);

// --- the pages there are
// --------------------------------------------------------------------------

// The same for a name that was never there, one that is somebody's and one that is not for this
// visitor.
[[nodiscard]] Page not_found_page();
// What could not be taken. The reason is a sentence of ours, so it may be shown.
[[nodiscard]] Page fault_page(const Fault& fault);
// The target refuses or breaks off; why is for its owner alone.
[[nodiscard]] Page target_page();
// The owner is away. `text` says since when: see held_text().
[[nodiscard]] Page held_page(std::string_view text, std::uint32_t retry_after_s);
[[nodiscard]] std::string held_text(std::string_view since);
[[nodiscard]] Page credentials_page(std::string_view realm);
// The visitor's address is not among those that may come.
[[nodiscard]] Page forbidden_page();
// The tunnel is for https alone, and that is not to be had here.
[[nodiscard]] Page https_only_page();
// The connection is not for that host; another one may be.
[[nodiscard]] Page misdirected_page();
// What is in a file that proves who has a domain.
[[nodiscard]] Page proof_page(std::string_view content);
// For good, and with the same method.
[[nodiscard]] Page redirect_page(std::string_view location);
// The tunnel has as many visitors as it may.
[[nodiscard]] Page busy_page();
// To who asks for the last hop, which this is.
[[nodiscard]] Page last_hop_page();
[[nodiscard]] Page no_trace_page();
// The target is this proxy again.
[[nodiscard]] Page loop_page();

}  // namespace portreeve::http
