// The daemon's log: log_event.h has what is logged, log_line.h the shapes of a line.
//
// It goes to the journal as fields, or to standard error as lines of text or of JSON; a line is one
// write, so lines of several threads never mix. Only daemon/ logs; the layers below return what
// went wrong. The journal is never waited for: what it does not take is counted, and the number
// told before the next entry that it takes. Lines do wait for whoever reads standard error.
//
// Owns: the socket to the journal. Called by: all threads. Bounds: those of log_line.h.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "conf/config.h"
#include "daemon/journal.h"
#include "daemon/log_event.h"
#include "daemon/log_line.h"

namespace portreeve::daemon {

class Log {
  public:
    using Level = conf::LogLevel;
    using Format = conf::LogFormat;
    using Field = LogField;

    explicit Log(int descriptor, Format format = Format::automatic,
                 std::string_view journal_socket = Journal::kSocket);

    void set_levels(const conf::Log& wish);
    // Worth asking before the fields of a line that is seldom shown are put together.
    [[nodiscard]] bool shows(Level level, Event event) const {
        const auto& shown = levels_[static_cast<std::size_t>(event.subsystem())];
        return level <= shown.load(std::memory_order_relaxed);
    }

    void at(Level level, Event event, std::initializer_list<Field> fields) const {
        write(level, event, fields);
    }
    void error(Event event, std::initializer_list<Field> fields) const {
        write(Level::error, event, fields);
    }
    void warning(Event event, std::initializer_list<Field> fields) const {
        write(Level::warning, event, fields);
    }
    void info(Event event, std::initializer_list<Field> fields) const {
        write(Level::info, event, fields);
    }
    void debug(Event event, std::initializer_list<Field> fields) const {
        write(Level::debug, event, fields);
    }

  private:
    void write(Level level, Event event, std::initializer_list<Field> fields) const;
    void write_line(Level level, Event event, std::initializer_list<Field> fields) const;
    void write_entry(Level level, Event event, std::initializer_list<Field> fields) const;
    void tell_lost() const;

    int descriptor_;
    bool leads_to_journal_;  // the descriptor does
    Format format_;          // not automatic any more
    Journal journal_;
    mutable std::atomic<std::uint64_t> lost_ = 0;
    std::array<std::atomic<Level>, kSubsystems> levels_;
};

}  // namespace portreeve::daemon
