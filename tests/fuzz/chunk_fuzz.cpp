// Feeds BodyScanner any bytes as chunks, and reads those that it took a second time, as simply as
// can be: both have to find the same content and the same end, in whatever pieces it came.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "daemon/http/body_scanner.h"

namespace {

using portreeve::http::BodyScanner;
using portreeve::http::Framing;

void check(bool holds, const char* what) {
    if (!holds) {
        (void)std::fprintf(stderr, "chunk_fuzz: %s\n", what);
        std::abort();
    }
}

struct Outcome {
    bool is_refused = false;
    bool is_done = false;
    std::size_t taken = 0;
    std::string content;
    bool operator==(const Outcome&) const = default;
};

Outcome scanned(std::string_view bytes, std::size_t piece_bytes) {
    BodyScanner scanner{Framing{Framing::Kind::chunked}};
    Outcome outcome;
    while (outcome.taken < bytes.size() && !scanner.is_done()) {
        const auto rest = bytes.substr(outcome.taken, piece_bytes);
        const auto piece = scanner.next(rest);
        if (!piece) {
            outcome.is_refused = true;
            outcome.taken = 0;  // it is known at one byte, but told for its piece
            return outcome;
        }
        check(piece->size_bytes > 0 && piece->size_bytes <= rest.size(), "a piece of no size");
        if (piece->is_content) {
            outcome.content += rest.substr(0, piece->size_bytes);
        }
        outcome.taken += piece->size_bytes;
    }
    outcome.is_done = scanner.is_done();
    return outcome;
}

// A line, with CR LF behind it, taken off the bytes.
std::string_view take_line(std::string_view& bytes) {
    const auto end = bytes.find("\r\n");
    check(end != std::string_view::npos, "a line without end was taken");
    const auto line = bytes.substr(0, end);
    check(line.find_first_of(std::string_view("\r\n\0", 3)) == line.npos,
          "a line of two was taken");
    bytes.remove_prefix(end + 2);
    return line;
}

// The content of a whole body, of which it is known that it was taken.
std::string read_simply(std::string_view bytes) {
    std::string content;
    for (;;) {
        const std::string line(take_line(bytes));
        const auto size = static_cast<std::size_t>(std::strtoull(line.c_str(), nullptr, 16));
        if (size == 0) {
            break;
        }
        check(size <= bytes.size(), "a chunk that is not there was taken");
        content += bytes.substr(0, size);
        bytes.remove_prefix(size);
        check(take_line(bytes).empty(), "a chunk without its line end was taken");
    }
    while (!take_line(bytes).empty()) {
    }
    check(bytes.empty(), "the end is elsewhere");
    return content;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const auto whole = scanned(bytes, std::max<std::size_t>(size, 1));
    for (const std::size_t piece_bytes : {1U, 2U, 3U, 7U}) {
        const auto pieces = scanned(bytes, piece_bytes);
        check(pieces.is_refused == whole.is_refused, "refused for its pieces");
        check(whole.is_refused || pieces == whole, "read in another way in pieces");
    }
    if (whole.is_done) {
        check(read_simply(bytes.substr(0, whole.taken)) == whole.content, "another content");
    }
    return 0;
}
