#include "daemon/http/body_scanner.h"

#include <algorithm>

#include "daemon/http/field.h"
#include "daemon/http/text.h"

namespace portreeve::http {
namespace {

constexpr std::string_view kBadSize = "a chunk does not begin with its size";
constexpr std::string_view kBadExtension = "the extension of a chunk is malformed";
constexpr std::string_view kBadLineEnd = "a line of the body does not end with CR LF";
constexpr std::string_view kBadTrailer = "a trailer is not a name, a colon and a value";
constexpr std::string_view kTooLong = "the lines around a body's chunks are too long";

// What routes, frames or vouches for a message may not come after its body (RFC 9110, 6.5.1).
bool may_trail(std::string_view name) {
    const FieldId id = identify(name);
    return id == FieldId::other;
}

}  // namespace

BodyScanner::BodyScanner(const Framing& framing) : left_bytes_(framing.length_bytes) {
    switch (framing.kind) {
        case Framing::Kind::none:
            state_ = State::done;
            break;
        case Framing::Kind::length:
            state_ = State::content;
            break;
        case Framing::Kind::chunked:
            state_ = State::size;
            is_chunked_ = true;
            break;
        case Framing::Kind::until_close:
            state_ = State::until_close;
            break;
    }
}

tl::expected<BodyScanner::Piece, Fault> BodyScanner::next(std::string_view bytes) {
    if (state_ == State::content || state_ == State::until_close) {
        return Piece{content_in(bytes), true};
    }
    std::size_t at = 0;
    while (at < bytes.size() && state_ != State::done && state_ != State::content) {
        if (const auto why = step(bytes[at]); !why.empty()) {
            return tl::unexpected(Fault{400, why});
        }
        ++at;
    }
    return Piece{at, false};
}

tl::expected<std::size_t, Fault> BodyScanner::take(std::string_view bytes) {
    std::size_t taken = 0;
    while (taken < bytes.size() && state_ != State::done) {
        const auto piece = next(bytes.substr(taken));
        if (!piece) {
            return tl::unexpected(piece.error());
        }
        taken += piece->size_bytes;
    }
    return taken;
}

std::size_t BodyScanner::content_in(std::string_view bytes) {
    if (state_ == State::until_close) {
        return bytes.size();
    }
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(left_bytes_, bytes.size()));
    left_bytes_ -= count;
    if (left_bytes_ == 0) {
        state_ = is_chunked_ ? State::content_cr : State::done;
    }
    return count;
}

std::string_view BodyScanner::step(char c) {
    switch (state_) {
        case State::size:
        case State::size_more:
        case State::size_lf:
            return step_size(c);
        case State::content_cr:
            state_ = State::content_lf;
            return c == '\r' ? std::string_view() : kBadLineEnd;
        case State::content_lf:
            state_ = State::size;
            line_bytes_ = 0;
            return c == '\n' ? std::string_view() : kBadLineEnd;
        case State::trailer:
        case State::trailer_name:
        case State::trailer_value:
        case State::trailer_lf:
        case State::last_lf:
            return ++line_bytes_ > kTrailerBytesMax ? kTooLong : step_trailer(c);
        default:
            return ++line_bytes_ > kChunkLineBytesMax ? kTooLong : step_extension(c);
    }
}

std::string_view BodyScanner::step_size(char c) {
    constexpr std::size_t kDigitsMax = 16;
    constexpr std::uint64_t kSizeMax = INT64_MAX;
    if (state_ == State::size_lf) {
        line_bytes_ = 0;
        state_ = left_bytes_ == 0 ? State::trailer : State::content;
        return c == '\n' ? std::string_view() : kBadLineEnd;
    }
    const int digit = hex_digit(c);
    if (digit >= 0) {
        left_bytes_ = state_ == State::size ? 0 : left_bytes_ << 4U;
        left_bytes_ += static_cast<std::uint64_t>(digit);
        state_ = State::size_more;
        return ++line_bytes_ > kDigitsMax || left_bytes_ > kSizeMax
                   ? "the size of a chunk is too large"
                   : std::string_view();
    }
    return state_ == State::size_more ? after_word(c) : kBadSize;
}

// What may follow the size, a name or a value: blanks before a ";", a ";", or the line's end.
// Blanks alone are not taken: some readers would, and find another end of the line than others.
std::string_view BodyScanner::after_word(char c) {
    if (c == '\r') {
        state_ = State::size_lf;
    } else if (c == ';') {
        state_ = State::name;
    } else if (is_blank(c)) {
        state_ = state_ == State::name_more ? State::name_after : State::extension;
    } else {
        return state_ == State::size_more ? kBadSize : kBadExtension;
    }
    return {};
}

std::string_view BodyScanner::step_extension(char c) {
    switch (state_) {
        case State::extension:
            if (c == ';') {
                state_ = State::name;
            }
            return c == ';' || is_blank(c) ? std::string_view() : kBadExtension;
        case State::name:
            if (is_token_char(c)) {
                state_ = State::name_more;
            }
            return is_token_char(c) || is_blank(c) ? std::string_view() : kBadExtension;
        case State::name_more:
        case State::name_after:
            if (c == '=') {
                state_ = State::value;
                return {};
            }
            if (state_ == State::name_more) {
                return is_token_char(c) ? std::string_view() : after_word(c);
            }
            if (c == ';') {
                state_ = State::name;
            }
            return c == ';' || is_blank(c) ? std::string_view() : kBadExtension;
        case State::value:
            if (c == '"' || is_token_char(c)) {
                state_ = c == '"' ? State::quoted : State::value_more;
                return {};
            }
            return is_blank(c) ? std::string_view() : kBadExtension;
        case State::value_more:
            return is_token_char(c) ? std::string_view() : after_word(c);
        case State::quoted:
            if (c == '"' || c == '\\') {
                state_ = c == '"' ? State::quoted_end : State::quoted_pair;
            }
            return is_field_text({&c, 1}) ? std::string_view() : kBadExtension;
        case State::quoted_end:
            return after_word(c);
        case State::quoted_pair:
            state_ = State::quoted;
            return is_field_text({&c, 1}) ? std::string_view() : kBadExtension;
        default:
            return kBadExtension;
    }
}

std::string_view BodyScanner::step_trailer(char c) {
    switch (state_) {
        case State::trailer:
            return begin_trailer(c);
        case State::trailer_name:
            if (c == ':') {
                return end_trailer_name();
            }
            if (name_bytes_ < kNameKeptMax) {
                name_[name_bytes_++] = c;
            }
            return is_token_char(c) ? std::string_view() : kBadTrailer;
        case State::trailer_value:
            if (c == '\r') {
                state_ = State::trailer_lf;
                return {};
            }
            return is_field_text({&c, 1}) ? std::string_view() : kBadTrailer;
        case State::trailer_lf:
            state_ = State::trailer;
            return c == '\n' ? std::string_view() : kBadLineEnd;
        default:  // last_lf
            state_ = State::done;
            return c == '\n' ? std::string_view() : kBadLineEnd;
    }
}

std::string_view BodyScanner::begin_trailer(char c) {
    if (c == '\r') {
        state_ = State::last_lf;
        return {};
    }
    state_ = State::trailer_name;
    name_[0] = c;
    name_bytes_ = 1;
    return is_token_char(c) ? std::string_view() : kBadTrailer;
}

std::string_view BodyScanner::end_trailer_name() {
    state_ = State::trailer_value;
    return may_trail({name_.data(), name_bytes_}) ? std::string_view()
                                                  : "a trailer is a field that belongs in a head";
}

}  // namespace portreeve::http
