// A screen of an owner's tunnels: which rows it has, and the bytes that bring a terminal from one
// frame to the next. Addresses come first, and a row is written anew only from where it differs:
// so an address can be selected while the figures behind it move.
//
// It writes what every terminal of this century obeys (ECMA-48, xterm's alternate screen), and asks
// no terminfo: the daemon's would have to know the clients' terminals.
//
// Owns: values only. Called by: LiveScreen. Bounds: kColumnsMax and kRowsMax, whatever size a
// client says that it has.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/tunnel_entry.h"

namespace portreeve::daemon {

struct ScreenSize {
    static constexpr std::uint32_t kColumnsMax = 500;
    static constexpr std::uint32_t kRowsMax = 200;

    std::uint32_t columns = 80;
    std::uint32_t rows = 24;

    // What a client says, within bounds; 0 is a terminal that does not know its size.
    [[nodiscard]] static ScreenSize of(std::uint32_t columns, std::uint32_t rows);
    bool operator==(const ScreenSize&) const = default;
};

// Whether a terminal that calls itself so can be drawn on.
[[nodiscard]] bool can_draw(std::string_view term);

// An owner's tunnels, as far as a screen can show them.
struct ScreenTunnels {
    std::vector<TunnelEntry> first;  // as many as there may be rows
    std::size_t open = 0;            // of all
    std::size_t held = 0;
    Traffic::Figures traffic;

    [[nodiscard]] static ScreenTunnels of(std::vector<TunnelEntry> all);
    // "2 tunnels open, 1 held; visitors 3 of 17; 1.2 MiB in, 3.4 MiB out"
    [[nodiscard]] std::string summary() const;
};

struct Frame {
    struct Row {
        std::string text;
        bool strong = false;
        bool operator==(const Row&) const = default;
    };

    ScreenSize size;
    std::vector<Row> rows;  // as many as the size has, none longer than it
};

// The messages are lines, and the last of them the newest.
[[nodiscard]] Frame frame_of(const ScreenTunnels& tunnels, const std::vector<std::string>& messages,
                             ScreenSize size);

// To the alternate screen, without a cursor, and back to how the terminal was.
[[nodiscard]] std::string_view screen_begin();
[[nodiscard]] std::string_view screen_end();
// The whole frame, whatever is there.
[[nodiscard]] std::string paint(const Frame& frame);
// What differs; empty if nothing does.
[[nodiscard]] std::string paint_changes(const Frame& before, const Frame& now);

}  // namespace portreeve::daemon
