#include "daemon/log.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <optional>

namespace portreeve::daemon {
namespace {

// $JOURNAL_STREAM names the device and inode of the stream that leads to the journal.
bool leads_to_journal(int descriptor) {
    const char* stream = std::getenv("JOURNAL_STREAM");
    struct stat status {};
    if (stream == nullptr || fstat(descriptor, &status) != 0) {
        return false;
    }
    return std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino) == stream;
}

// In UTC, as RFC 3339 writes it.
std::string now_text() {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    tm parts{};
    gmtime_r(&now.tv_sec, &parts);
    char text[40];
    const std::size_t used = std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &parts);
    std::snprintf(text + used, sizeof(text) - used, ".%03ldZ", now.tv_nsec / 1'000'000);
    return text;
}

}  // namespace

Log::Log(int descriptor, Format format, std::string_view journal_socket)
    : descriptor_(descriptor),
      leads_to_journal_(leads_to_journal(descriptor)),
      format_(format != Format::automatic ? format
              : leads_to_journal_         ? Format::journal
                                          : Format::text),
      journal_(journal_socket) {
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

void Log::write(Level level, Event event, std::initializer_list<Field> fields) const {
    if (!shows(level, event)) {
        return;
    }
    if (format_ == Format::journal) {
        write_entry(level, event, fields);
    } else {
        write_line(level, event, fields);
    }
}

// A journal that is not there is no reason to lose anything, unless it is where lines would go too:
// with nobody to read them, those would wait.
void Log::write_entry(Level level, Event event, std::initializer_list<Field> fields) const {
    tell_lost();
    const Journal::Outcome outcome = journal_.send(journal_entry(level, event, fields));
    if (outcome == Journal::Outcome::absent && !leads_to_journal_) {
        write_line(level, event, fields);
    } else if (outcome != Journal::Outcome::taken) {
        lost_.fetch_add(1, std::memory_order_relaxed);
    }
}

void Log::tell_lost() const {
    if (lost_.load(std::memory_order_relaxed) == 0) {
        return;
    }
    const std::uint64_t lost = lost_.exchange(0, std::memory_order_relaxed);
    const std::string entry = journal_entry(
        Level::warning, "log_lost",
        {{"lines", std::to_string(lost)}, {"why", "the journal was full, or not there"}});
    if (lost > 0 && journal_.send(entry) != Journal::Outcome::taken) {
        lost_.fetch_add(lost, std::memory_order_relaxed);
    }
}

// For the journal the line begins with its priority, which it takes off: <6>.
void Log::write_line(Level level, Event event, std::initializer_list<Field> fields) const {
    std::string line;
    if (leads_to_journal_) {
        line = '<' + std::string(priority_of(level)) + '>';
    }
    if (format_ == Format::json) {
        line += json_line(level, event, fields, now_text());
    } else {
        line += leads_to_journal_ ? "" : "time=" + now_text() + ' ';
        line += log_line(level, event, fields);
    }
    line.resize(std::min(line.size(), kLogLineBytesMax - 1));
    line += '\n';
    // A log that cannot be written must not stop the daemon, and there is nowhere else to say so.
    static_cast<void>(!::write(descriptor_, line.data(), line.size()));
}

}  // namespace portreeve::daemon
