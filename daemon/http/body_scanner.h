// Where the body of a message ends, found while its bytes go by: nothing of it is kept, so that a
// body of any size costs this object alone. Bodies in chunks (RFC 9112, section 7.1) are checked to
// the byte: whoever reads what was let through sees the same chunks.
//
// Owns: a few numbers. Called by: whoever passes a body on, with each piece that arrives. Bounds: a
// line with the size of a chunk is at most kChunkLineBytesMax, all trailers together
// kTrailerBytesMax.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <tl/expected.hpp>

#include "daemon/http/fault.h"
#include "daemon/http/framing.h"

namespace portreeve::http {

class BodyScanner {
  public:
    static constexpr std::size_t kChunkLineBytesMax = 1024;
    static constexpr std::size_t kTrailerBytesMax = std::size_t{8} * 1024;

    struct Piece {
        std::size_t size_bytes = 0;
        bool is_content = false;  // else it belongs to the chunks themselves, or is a trailer
    };

    BodyScanner() = default;  // of a message without body
    explicit BodyScanner(const Framing& framing);

    // The end is reached: what follows is another message.
    [[nodiscard]] bool is_done() const { return state_ == State::done; }
    // The end is where the connection ends; otherwise that is a body cut short.
    [[nodiscard]] bool ends_at_close() const { return state_ == State::until_close; }

    // The bytes at the head of `bytes` that are of one kind. They are 0 when the end is reached, or
    // when there are no bytes. After a fault the connection is of no more use.
    [[nodiscard]] tl::expected<Piece, Fault> next(std::string_view bytes);
    // How many bytes at the head of `bytes` belong to this body, of whatever kind.
    [[nodiscard]] tl::expected<std::size_t, Fault> take(std::string_view bytes);

  private:
    // Each names what has to come next.
    enum class State : std::uint8_t {
        done,
        content,
        until_close,
        size,        // the first digit of a chunk's size
        size_more,   // another one, or what may follow it
        extension,   // ";"
        name,        // of an extension, before its first letter
        name_more,   // its other letters, or what may follow them
        name_after,  // "=", or what may follow
        value,       // before its first letter
        value_more,  // its other letters, or what may follow
        quoted,
        quoted_pair,  // what "\" makes harmless
        quoted_end,   // what may follow the value
        size_lf,
        content_cr,
        content_lf,
        trailer,  // the first letter of a name, or the end
        trailer_name,
        trailer_value,
        trailer_lf,
        last_lf,
    };

    [[nodiscard]] std::size_t content_in(std::string_view bytes);
    // Takes one byte that is not content; what is wrong with it, or nothing.
    [[nodiscard]] std::string_view step(char c);
    [[nodiscard]] std::string_view step_size(char c);
    [[nodiscard]] std::string_view step_extension(char c);
    [[nodiscard]] std::string_view step_trailer(char c);
    [[nodiscard]] std::string_view begin_trailer(char c);
    [[nodiscard]] std::string_view end_trailer_name();
    [[nodiscard]] std::string_view after_word(char c);

    static constexpr std::size_t kNameKeptMax = 20;  // as long as the longest that is refused

    std::uint64_t left_bytes_ = 0;  // of the content, or of this chunk
    std::uint16_t line_bytes_ = 0;  // of this chunk's line, or of all trailers
    State state_ = State::done;
    bool is_chunked_ = false;
    std::uint8_t name_bytes_ = 0;  // of this trailer's name, as far as it is kept
    std::array<char, kNameKeptMax> name_{};
};

}  // namespace portreeve::http
