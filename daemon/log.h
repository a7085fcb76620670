// The daemon's log: one line an event, as `key=value` fields that people and programs both read.
// log_event.h has the events.
//
// Under systemd each line starts with its priority (<6>), elsewhere with its time. A line is one
// write, so lines of several threads never mix. Only daemon/ logs; the layers below return what
// went wrong.
//
// Owns: nothing. Called by: all threads. Bounds: kLineBytesMax a line, longer ones are cut.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "conf/config.h"
#include "daemon/log_event.h"

namespace portreeve::daemon {

class Log {
  public:
    using Level = conf::LogLevel;
    static constexpr std::size_t kLineBytesMax = 4096;

    struct Field {
        std::string_view key;
        std::string value;
    };

    explicit Log(int descriptor);

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

    int descriptor_;
    bool journal_;
    std::array<std::atomic<Level>, kSubsystems> levels_;
};

// The line without its prefix: `level=info event=… key=value`; values are quoted where they must
// be.
std::string log_line(conf::LogLevel level, Event event, std::initializer_list<Log::Field> fields);

}  // namespace portreeve::daemon
