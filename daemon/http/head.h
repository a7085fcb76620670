// The heads of HTTP/1.1 messages (RFC 9112, sections 2 to 5), read strictly: one CRLF ends a line,
// a name touches its colon, nothing is folded, repaired or guessed. What is taken can be read in
// one way only, by us and by whoever gets it from us. Blanks before a colon alone are taken from
// responses (RFC 9112, section 5.1), and not passed on.
//
// A head is parsed where it was received, once it is there as a whole; until then all that a
// connection keeps is a HeadProgress. What a head holds are views of those bytes: they are valid
// until the bytes move. In which pieces the bytes came never changes what is made of them.
//
// Owns: the tables of its fields. Called by: whoever reads from visitors and targets; a thread
// needs one of each and uses it again. Bounds: kHeadBytesMax, kRequestLineBytesMax, kFieldsMax.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <tl/expected.hpp>

#include "daemon/http/fault.h"
#include "daemon/http/field.h"

namespace portreeve::http {

inline constexpr std::size_t kHeadBytesMax = std::size_t{32} * 1024;
// RFC 9112, section 3, wants 8000 to be possible.
inline constexpr std::size_t kRequestLineBytesMax = std::size_t{8} * 1024;
inline constexpr std::size_t kMethodBytesMax = 32;
// What `Connection` may name besides the words that this proxy knows.
inline constexpr std::size_t kNamedFieldsMax = 16;

// The same minor version or a later one that is read as 1.1 (RFC 9110, section 2.5).
enum class Version : std::uint8_t { v1_0, v1_1 };

// What `Connection` says (RFC 9110, section 7.6.1).
struct ConnectionOptions {
    bool close = false;
    bool keep_alive = false;
    bool upgrade = false;
    bool names_fields = false;  // some that would be passed on if they were not named
};

// Whether it names this field, and so takes it away from the next hop.
[[nodiscard]] bool is_named(const Fields& fields, const ConnectionOptions& connection,
                            std::string_view name);

enum class UriForm : std::uint8_t { origin, absolute, asterisk };

struct RequestHead {
    std::string_view method;
    std::string_view uri;        // as it was asked for
    std::string_view authority;  // of an absolute one: between "//" and the path
    std::string_view path;       // with its query: of an absolute one what follows, maybe nothing
    UriForm form = UriForm::origin;
    Version version = Version::v1_1;
    ConnectionOptions connection;
    Fields fields;
    const char* fields_end = nullptr;  // behind the line of the last field
    std::size_t size_bytes = 0;        // all of it, with an empty line before it
};

struct ResponseHead {
    std::uint16_t status = 0;
    std::string_view reason;  // may be empty
    Version version = Version::v1_1;
    ConnectionOptions connection;
    Fields fields;
    const char* fields_end = nullptr;
    std::size_t size_bytes = 0;

    // Another head follows: 1xx, but not 101, after which it is no longer HTTP.
    [[nodiscard]] bool is_interim() const { return status < 200 && status != 101; }
};

// What is known of a head that is not there as a whole.
struct HeadProgress {
    std::uint32_t searched_bytes = 0;    // they have no end in them
    std::uint32_t first_line_bytes = 0;  // 0: it is not there as a whole; else it was looked at
};

// `bytes` begin with the head; more may follow, of its body or the next message. True: `head` is
// whole, and `progress` fresh again. False: call again with the same bytes and more. A fault has
// the status to answer with, and then the connection is of no more use, as nobody can say where
// the next message begins.
[[nodiscard]] tl::expected<bool, Fault> parse_request_head(std::string_view bytes,
                                                           HeadProgress& progress,
                                                           RequestHead& head);

// Likewise; the fault's status is always 502.
[[nodiscard]] tl::expected<bool, Fault> parse_response_head(std::string_view bytes,
                                                            HeadProgress& progress,
                                                            ResponseHead& head);

}  // namespace portreeve::http
