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

bool plain(unsigned char letter) {
    return letter > ' ' && letter != '"' && letter != '=' && letter != '\\' && letter < 0x7f;
}

void append_value(std::string& line, std::string_view value) {
    if (!value.empty() && std::all_of(value.begin(), value.end(), plain)) {
        line += value;
        return;
    }
    line += '"';
    for (const char letter : value) {
        const auto code = static_cast<unsigned char>(letter);
        if (letter == '"' || letter == '\\') {
            line += '\\';
            line += letter;
        } else if (code < ' ' || code == 0x7f) {
            char escaped[8];
            std::snprintf(escaped, sizeof(escaped), "\\x%02x", code);
            line += escaped;
        } else {
            line += letter;
        }
    }
    line += '"';
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
}

std::string log_line(conf::LogLevel level, std::string_view event,
                     std::initializer_list<Log::Field> fields) {
    std::string line = "level=";
    line += name_of(level).name;
    line += " event=";
    line += event;
    for (const Log::Field& field : fields) {
        line += ' ';
        line += field.key;
        line += '=';
        append_value(line, field.value);
    }
    return line;
}

void Log::write(Level level, std::string_view event, std::initializer_list<Field> fields) const {
    if (!shows(level)) {
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
