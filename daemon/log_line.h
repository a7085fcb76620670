// One event as bytes, in each of the shapes that the log has. Values may be any bytes: what a
// stranger chose must not forge a line, a field or a terminal's command in any of them.
//
// Owns: nothing. Called by: Log. Bounds: kLogValueBytesMax a value, kLogLineBytesMax a line; what
// is longer is cut, and says so ("...").
#pragma once

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>

#include "conf/config.h"
#include "daemon/log_event.h"

namespace portreeve::daemon {

struct LogField {
    std::string_view key;
    std::string value;  // empty: the field is left out
};

inline constexpr std::size_t kLogValueBytesMax = 1024;
// A pipe takes that much in one piece (PIPE_BUF), so that lines of several threads never mix.
inline constexpr std::size_t kLogLineBytesMax = 4096;

// `level=info event=… key=value`; values are quoted where they must be. Without prefix and newline.
[[nodiscard]] std::string log_line(conf::LogLevel level, Event event,
                                   std::initializer_list<LogField> fields);

// One JSON object (RFC 8259); every value is a string. A byte that is not UTF-8, or
// of a control character beyond ASCII, is U+FFFD.
[[nodiscard]] std::string json_line(conf::LogLevel level, Event event,
                                    std::initializer_list<LogField> fields, std::string_view time);

// One entry of the journal, as its socket takes it: MESSAGE is the log_line(), and each field is
// there as PORTREEVE_KEY, byte for byte.
[[nodiscard]] std::string journal_entry(conf::LogLevel level, Event event,
                                        std::initializer_list<LogField> fields);

// As the configuration writes it.
[[nodiscard]] std::string_view level_name(conf::LogLevel level);

// As syslog(3) numbers it, and as the journal reads it: "6" for info.
[[nodiscard]] std::string_view priority_of(conf::LogLevel level);

}  // namespace portreeve::daemon
