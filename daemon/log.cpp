#include "daemon/log.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>

namespace portreeve::daemon {
namespace {

struct LevelName {
    std::string_view name;
    std::string_view priority;  // of syslog, as journald reads it
};

LevelName name_of(conf::LogLevel level) {
    switch (level) {
        case conf::LogLevel::error:
            return {"error", "<3>"};
        case conf::LogLevel::warning:
            return {"warning", "<4>"};
        case conf::LogLevel::info:
            return {"info", "<6>"};
        case conf::LogLevel::debug:
            return {"debug", "<7>"};
    }
    return {"info", "<6>"};
}

// $JOURNAL_STREAM names the device and inode of the stream that leads to the journal.
bool leads_to_journal(int descriptor) {
    const char* stream = std::getenv("JOURNAL_STREAM");
    struct stat status {};
    if (stream == nullptr || fstat(descriptor, &status) != 0) {
        return false;
    }
    return std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino) == stream;
}

constexpr std::size_t kValueBytesMax = 1024;

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

void append_escaped(std::string& line, unsigned char code) {
    char escaped[8];
    std::snprintf(escaped, sizeof(escaped), "\\x%02x", code);
    line += escaped;
}

void append_value(std::string& line, std::string_view value) {
    if (std::all_of(value.begin(), value.end(), plain) && value.size() <= kValueBytesMax) {
        line += value;
        return;
    }
    const std::size_t line_bytes_max = line.size() + kValueBytesMax;
    line += '"';
    while (!value.empty() && line.size() < line_bytes_max) {
        const char letter = value.front();
        const auto code = static_cast<unsigned char>(letter);
        std::size_t taken = 1;
        if (letter == '"' || letter == '\\') {
            line += '\\';
            line += letter;
        } else if (code >= ' ' && code < 0x7f) {
            line += letter;
        } else if (const std::size_t count = code > 0x7f ? character_bytes(value) : 0; count > 0) {
            line += value.substr(0, count);
            taken = count;
        } else {
            append_escaped(line, code);
        }
        value.remove_prefix(taken);
    }
    line += value.empty() ? "\"" : "...\"";
}

std::string now_text() {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    tm parts{};
    gmtime_r(&now.tv_sec, &parts);
    char text[40];
    const std::size_t used = std::strftime(text, sizeof(text), "time=%Y-%m-%dT%H:%M:%S", &parts);
    std::snprintf(text + used, sizeof(text) - used, ".%03ldZ ", now.tv_nsec / 1'000'000);
    return text;
}

}  // namespace

Log::Log(int descriptor) : descriptor_(descriptor), journal_(leads_to_journal(descriptor)) {
    set_levels({});
}

void Log::set_levels(const conf::Log& wish) {
    const conf::LogLevels& own = wish.levels;
    const std::array<std::optional<Level>, kSubsystems> levels = {
        own.server, own.session, own.tunnel, own.visitor, own.reach};
    for (std::size_t index = 0; index < kSubsystems; ++index) {
        levels_[index].store(levels[index].value_or(wish.level), std::memory_order_relaxed);
    }
}

std::string log_line(conf::LogLevel level, Event event, std::initializer_list<Log::Field> fields) {
    std::string line = "level=";
    line += name_of(level).name;
    line += " event=";
    line += event.name();
    for (const Log::Field& field : fields) {
        if (field.value.empty()) {
            continue;
        }
        line += ' ';
        line += field.key;
        line += '=';
        append_value(line, field.value);
    }
    return line;
}

void Log::write(Level level, Event event, std::initializer_list<Field> fields) const {
    if (!shows(level, event)) {
        return;
    }
    std::string line = journal_ ? std::string(name_of(level).priority) : now_text();
    line += log_line(level, event, fields);
    line.resize(std::min(line.size(), kLineBytesMax - 1));
    line += '\n';
    // A log that cannot be written must not stop the daemon, and there is nowhere else to say so.
    static_cast<void>(!::write(descriptor_, line.data(), line.size()));
}

}  // namespace portreeve::daemon
