// Reads SSH's wire encoding (RFC 4251, section 5) out of bytes that somebody else wrote.
//
// What is read in a row is checked once: the first value that is not there, or not as it must be,
// ends the reading. From then on every value is empty and `error()` tells where it went wrong, as
// the end of a sentence: "ends inside its nonce".
//
// Owns: nothing; what it returns points into the bytes it was given. Called by: the parsers of
// keys, certificates and revocation lists. Bounds: reads each byte once, copies only text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "ssh/text.h"

namespace portreeve::ssh {

using Bytes = std::span<const std::byte>;

[[nodiscard]] inline std::string_view as_text(Bytes bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

[[nodiscard]] inline Bytes as_bytes(std::string_view text) {
    return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

class WireReader {
  public:
    explicit WireReader(Bytes bytes) : left_(bytes) {}

    // `what` names the value in the error.
    std::uint8_t u8(const char* what) { return static_cast<std::uint8_t>(number(1, what)); }
    std::uint32_t u32(const char* what) { return static_cast<std::uint32_t>(number(4, what)); }
    std::uint64_t u64(const char* what) { return number(8, what); }

    Bytes string(const char* what) {
        const std::uint32_t size = u32(what);
        return ok() ? take(size, what) : Bytes{};
    }

    // A string that people read: a zero byte in it would end it early for some readers.
    std::string text(const char* what) {
        const std::string_view read = as_text(string(what));
        if (read.find('\0') != std::string_view::npos) {
            fail("has a zero byte in", what);
            return {};
        }
        return std::string(read);
    }

    // A text that may be compared with ours and shown in a sentence.
    std::string name(const char* what) {
        std::string read = text(what);
        if (!is_text(read)) {
            fail("has control characters in", what);
            return {};
        }
        return read;
    }

    // The bytes of a number that is not negative, without zeros in front.
    Bytes mpint(const char* what) {
        Bytes read = string(what);
        if (!read.empty() && (read.front() & std::byte{0x80}) != std::byte{}) {
            fail("has a negative number as", what);
            return {};
        }
        while (!read.empty() && read.front() == std::byte{}) {
            read = read.subspan(1);
        }
        return read;
    }

    // Says that nothing may be left; `what` is the name of the whole.
    void end(const char* what) {
        if (!left_.empty()) {
            fail("has bytes after the end of", what);
        }
    }

    [[nodiscard]] bool ok() const { return !error_; }
    [[nodiscard]] bool more() const { return ok() && !left_.empty(); }
    [[nodiscard]] Bytes left() const { return left_; }
    // Only while not ok().
    [[nodiscard]] const std::string& error() const { return *error_; }

  private:
    Bytes take(std::size_t size, const char* what) {
        if (!ok() || size > left_.size()) {
            fail("ends inside", what);
            return {};
        }
        const Bytes taken = left_.first(size);
        left_ = left_.subspan(size);
        return taken;
    }

    std::uint64_t number(std::size_t size, const char* what) {
        std::uint64_t value = 0;
        for (const std::byte one : take(size, what)) {
            value = value << 8U | std::to_integer<std::uint64_t>(one);
        }
        return value;
    }

    void fail(const char* how, const char* what) {
        if (!error_) {
            error_ = std::string(how) + " its " + what;
        }
        left_ = {};
    }

    Bytes left_;
    std::optional<std::string> error_;
};

}  // namespace portreeve::ssh
