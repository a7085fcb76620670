#include "daemon/log_line.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <utility>

namespace portreeve::daemon {
namespace {

bool plain(unsigned char letter) {
    return letter > ' ' && letter != '"' && letter != '=' && letter != '\\' && letter < 0x7f;
}

// The range that the second byte must be in, so that there is one spelling of each character, no
// surrogate, nothing beyond Unicode, and no C1 control character (0xc2 0x80 to 0x9f).
std::pair<unsigned char, unsigned char> second_byte_range(unsigned char lead) {
    switch (lead) {
        case 0xc2:
        case 0xe0:
            return {0xa0, 0xbf};
        case 0xed:
            return {0x80, 0x9f};
        case 0xf0:
            return {0x90, 0xbf};
        case 0xf4:
            return {0x80, 0x8f};
        default:
            return {0x80, 0xbf};
    }
}

// How many bytes at the start of `text` are one UTF-8 character beyond ASCII; 0: they are none.
std::size_t character_bytes(std::string_view text) {
    const auto lead = static_cast<unsigned char>(text.front());
    const std::size_t count = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || text.size() < count) {
        return 0;
    }
    const auto [least, most] = second_byte_range(lead);
    const auto second = static_cast<unsigned char>(text[1]);
    const std::string_view rest = text.substr(2, count - 2);
    const bool whole =
        second >= least && second <= most && std::all_of(rest.begin(), rest.end(), [](char letter) {
            return (static_cast<unsigned char>(letter) & 0xc0U) == 0x80;
        });
    return whole ? count : 0;
}

// Takes the first character off `rest`, as a string in quotes may hold it: a control character or
// what is not text as `escape` writes it, one byte at a time.
template <class Escape>
std::string take_character(std::string_view& rest, Escape escape) {
    const auto code = static_cast<unsigned char>(rest.front());
    std::size_t count = 1;
    std::string shown;
    if (code == '"' || code == '\\') {
        shown = {'\\', rest.front()};
    } else if (code >= ' ' && code < 0x7f) {
        shown = rest.front();
    } else if (const std::size_t whole = code > 0x7f ? character_bytes(rest) : 0; whole > 0) {
        shown = rest.substr(0, whole);
        count = whole;
    } else {
        shown = escape(code);
    }
    rest.remove_prefix(count);
    return shown;
}

// `value` in quotes, in no more than `bytes_max` bytes; what does not fit is cut off ("...").
template <class Escape>
void append_quoted(std::string& line, std::string_view value, std::size_t bytes_max,
                   Escape escape) {
    constexpr std::string_view kCut = "...\"";
    const std::size_t end = line.size() + bytes_max;
    line += '"';
    while (!value.empty()) {
        std::string_view rest = value;
        const std::string shown = take_character(rest, escape);
        if (line.size() + shown.size() + kCut.size() > end) {
            break;
        }
        line += shown;
        value = rest;
    }
    line += value.empty() ? "\"" : kCut;
}

std::string hexadecimal(unsigned char code) {
    char text[8];
    std::snprintf(text, sizeof(text), "\\x%02x", code);
    return text;
}

// A byte below 0x80 is a control character and has a number; any other is no text.
std::string json_escape(unsigned char code) {
    char text[8];
    std::snprintf(text, sizeof(text), "\\u%04x", code < 0x80 ? code : 0xfffdU);
    return text;
}

void append_value(std::string& line, std::string_view value) {
    if (std::all_of(value.begin(), value.end(), plain) && value.size() <= kLogValueBytesMax) {
        line += value;
    } else {
        append_quoted(line, value, kLogValueBytesMax, hexadecimal);
    }
}

// Left out whole where not even its beginning fits, so that what is there is always JSON.
void append_member(std::string& object, std::string_view key, std::string_view value) {
    constexpr std::size_t kValueBytesLeast = 16;
    const std::size_t used = object.size() + key.size() + std::strlen("<6>,\"\":}\n");
    if (used + kValueBytesLeast > kLogLineBytesMax) {
        return;
    }
    object += object.size() > 1 ? ",\"" : "\"";
    object += key;
    object += "\":";
    append_quoted(object, value, std::min(kLogValueBytesMax, kLogLineBytesMax - used), json_escape);
}

// A value with a newline has its length before it, in eight bytes, the least first.
void append_journal_field(std::string& entry, std::string_view name, std::string_view value) {
    value = value.substr(0, kLogLineBytesMax);
    entry += name;
    if (value.find('\n') == std::string_view::npos) {
        entry += '=';
    } else {
        entry += '\n';
        for (unsigned shift = 0; shift < 64; shift += 8) {
            entry += static_cast<char>((std::uint64_t{value.size()} >> shift) & 0xffU);
        }
    }
    entry += value;
    entry += '\n';
}

std::string journal_name(std::string_view key) {
    std::string name = "PORTREEVE_";
    for (const char letter : key) {
        name += letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter;
    }
    return name;
}

}  // namespace

std::string_view level_name(conf::LogLevel level) {
    switch (level) {
        case conf::LogLevel::error:
            return "error";
        case conf::LogLevel::warning:
            return "warning";
        case conf::LogLevel::info:
            return "info";
        case conf::LogLevel::debug:
            return "debug";
    }
    return "info";
}

std::string_view priority_of(conf::LogLevel level) {
    switch (level) {
        case conf::LogLevel::error:
            return "3";
        case conf::LogLevel::warning:
            return "4";
        case conf::LogLevel::info:
            return "6";
        case conf::LogLevel::debug:
            return "7";
    }
    return "6";
}

std::string log_line(conf::LogLevel level, Event event, std::initializer_list<LogField> fields) {
    std::string line = "level=";
    line += level_name(level);
    line += " event=";
    line += event.name();
    for (const LogField& field : fields) {
        if (!field.value.empty()) {
            line += ' ';
            line += field.key;
            line += '=';
            append_value(line, field.value);
        }
    }
    return line;
}

std::string json_line(conf::LogLevel level, Event event, std::initializer_list<LogField> fields,
                      std::string_view time) {
    std::string object = "{";
    append_member(object, "time", time);
    append_member(object, "level", level_name(level));
    append_member(object, "event", event.name());
    append_member(object, "subsystem", daemon::name_of(event.subsystem()));
    for (const LogField& field : fields) {
        if (!field.value.empty()) {
            append_member(object, field.key, field.value);
        }
    }
    return object + "}";
}

std::string journal_entry(conf::LogLevel level, Event event,
                          std::initializer_list<LogField> fields) {
    std::string entry;
    append_journal_field(entry, "MESSAGE", log_line(level, event, fields));
    append_journal_field(entry, "MESSAGE_ID", event.message_id());
    append_journal_field(entry, "PRIORITY", priority_of(level));
    append_journal_field(entry, "SYSLOG_IDENTIFIER", "portreeved");
    append_journal_field(entry, "PORTREEVE_EVENT", event.name());
    append_journal_field(entry, "PORTREEVE_SUBSYSTEM", daemon::name_of(event.subsystem()));
    for (const LogField& field : fields) {
        if (!field.value.empty()) {
            append_journal_field(entry, journal_name(field.key),
                                 std::string_view(field.value).substr(0, kLogValueBytesMax));
        }
    }
    return entry;
}

}  // namespace portreeve::daemon
