#include "daemon/screen.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "daemon/people_text.h"
#include "daemon/time_text.h"
#include "daemon/wish_text.h"

namespace portreeve::daemon {
namespace {

// A frame with fewer rows does without the line of keys, and then without headings.
constexpr std::size_t kRowsForKeys = 5;
constexpr std::size_t kRowsForHeadings = 4;
constexpr std::size_t kRowsPerMessage = 5;

constexpr std::size_t kColumns = 6;
using Cells = std::array<std::string, kColumns>;

Cells cells_of(const TunnelEntry& entry) {
    const Traffic::Figures& traffic = entry.traffic;
    return {
        printable(entry.kind == LeaseKind::http ? entry.url : wish_text(entry.address, entry.port)),
        entry.held ? "held" : "open",
        std::to_string(traffic.visitors) + " of " + std::to_string(traffic.visitors_total),
        bytes_text(traffic.from_visitor_bytes),
        bytes_text(traffic.to_visitor_bytes),
        printable(entry.user)};
}

std::string error_line(const TunnelEntry& entry) {
    return "  " + time_text(entry.error_s) + " " + printable(entry.error);
}

// The tunnels that fit, with their last errors below them where there is room for all tunnels
// first.
class Listing {
  public:
    Listing(const ScreenTunnels& tunnels, bool headings, std::size_t rows_max)
        : tunnels_(tunnels), rows_max_(rows_max) {
        if (headings) {
            cells_.push_back({"ADDRESS", "STATE", "VISITORS", "IN", "OUT", "USER"});
        }
        choose();
        measure();
    }

    [[nodiscard]] std::vector<Frame::Row> rows() const {
        std::vector<Frame::Row> rows;
        std::size_t spare = spare_;
        const std::size_t headings = cells_.size() - shown_;
        for (std::size_t at = 0; at < cells_.size(); ++at) {
            rows.push_back({line_of(cells_[at]), at < headings});
            const bool error = at >= headings && !tunnels_.first[at - headings].error.empty();
            if (error && spare > 0) {
                rows.push_back({error_line(tunnels_.first[at - headings])});
                --spare;
            }
        }
        if (more_ > 0) {
            rows.push_back({"and " + std::to_string(more_) + " more"});
        }
        return rows;
    }

  private:
    void choose() {
        const std::size_t count = tunnels_.open + tunnels_.held;
        const std::size_t room = rows_max_ - std::min(rows_max_, cells_.size());
        shown_ = std::min({count, room, tunnels_.first.size()});
        spare_ = room - shown_;
        if (shown_ < count && room > 1) {
            shown_ = std::min(shown_, room - 1);
            more_ = count - shown_;
            spare_ = 0;
        }
        std::transform(tunnels_.first.begin(),
                       std::next(tunnels_.first.begin(), static_cast<std::ptrdiff_t>(shown_)),
                       std::back_inserter(cells_), cells_of);
    }

    void measure() {
        for (const Cells& row : cells_) {
            for (std::size_t column = 0; column < kColumns; ++column) {
                widths_[column] = std::max(widths_[column], columns_of(row[column]));
            }
        }
    }

    [[nodiscard]] std::string line_of(const Cells& row) const {
        std::string line;
        for (std::size_t column = 0; column < kColumns; ++column) {
            line.append(row[column]).append(widths_[column] - columns_of(row[column]) + 2, ' ');
        }
        return line.substr(0, line.find_last_not_of(' ') + 1);
    }

    const ScreenTunnels& tunnels_;
    std::size_t rows_max_;
    std::size_t shown_ = 0;
    std::size_t spare_ = 0;
    std::size_t more_ = 0;
    std::vector<Cells> cells_;
    std::array<std::size_t, kColumns> widths_{};
};

std::string message_line(std::string_view message) {
    constexpr std::string_view kWho = "portreeve: ";  // the title says it already
    return printable(message.starts_with(kWho) ? message.substr(kWho.size()) : message);
}

bool is_ascii(std::string_view text) {
    return std::none_of(text.begin(), text.end(),
                        [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
}

std::string at_cell(std::size_t row, std::size_t column) {
    return "\x1b[" + std::to_string(row + 1) + ";" + std::to_string(column + 1) + "H";
}

std::string styled(const Frame::Row& row, std::size_t from = 0) {
    const std::string text = row.text.substr(from);
    return row.strong ? "\x1b[1m" + text + "\x1b[m" : text;
}

// How much of a row is there already. Beyond ASCII a terminal may count columns in another way than
// we do, so such a row is written anew.
std::size_t same_columns(const Frame::Row& before, const Frame::Row& now) {
    if (before.strong != now.strong || !is_ascii(before.text) || !is_ascii(now.text)) {
        return 0;
    }
    const auto differ =
        std::mismatch(before.text.begin(), before.text.end(), now.text.begin(), now.text.end());
    return static_cast<std::size_t>(differ.second - now.text.begin());
}

}  // namespace

ScreenSize ScreenSize::of(std::uint32_t columns, std::uint32_t rows) {
    const ScreenSize usual;
    return {columns == 0 ? usual.columns : std::min(columns, kColumnsMax),
            rows == 0 ? usual.rows : std::min(rows, kRowsMax)};
}

bool can_draw(std::string_view term) {
    return !term.empty() && term != "dumb" && term != "unknown";
}

ScreenTunnels ScreenTunnels::of(std::vector<TunnelEntry> all) {
    ScreenTunnels made;
    for (const TunnelEntry& entry : all) {
        ++(entry.held ? made.held : made.open);
        made.traffic.visitors += entry.traffic.visitors;
        made.traffic.visitors_total += entry.traffic.visitors_total;
        made.traffic.from_visitor_bytes += entry.traffic.from_visitor_bytes;
        made.traffic.to_visitor_bytes += entry.traffic.to_visitor_bytes;
    }
    all.resize(std::min<std::size_t>(all.size(), ScreenSize::kRowsMax));
    all.shrink_to_fit();
    made.first = std::move(all);
    return made;
}

std::string ScreenTunnels::summary() const {
    return std::to_string(open) + (open == 1 ? " tunnel open, " : " tunnels open, ") +
           std::to_string(held) + " held; visitors " + std::to_string(traffic.visitors) + " of " +
           std::to_string(traffic.visitors_total) + "; " + bytes_text(traffic.from_visitor_bytes) +
           " in, " + bytes_text(traffic.to_visitor_bytes) + " out";
}

Frame frame_of(const ScreenTunnels& tunnels, const std::vector<std::string>& messages,
               ScreenSize size) {
    Frame frame{size, {{"portreeve: " + tunnels.summary(), true}}};
    const std::size_t keys = size.rows >= kRowsForKeys ? 1 : 0;
    const std::size_t messages_shown =
        std::min<std::size_t>(messages.size(), size.rows / kRowsPerMessage);
    const std::size_t below = messages_shown + keys;
    if (tunnels.first.empty()) {
        frame.rows.push_back({"no tunnel is open; ask for one with -R 0:localhost:PORT"});
    } else {
        const Listing listing(tunnels, size.rows >= kRowsForHeadings, size.rows - 1 - below);
        std::vector<Frame::Row> rows = listing.rows();
        std::move(rows.begin(), rows.end(), std::back_inserter(frame.rows));
    }
    frame.rows.resize(size.rows - below);
    std::for_each(messages.end() - static_cast<std::ptrdiff_t>(messages_shown), messages.end(),
                  [&](const auto& line) { frame.rows.push_back({message_line(line)}); });
    if (keys > 0) {
        frame.rows.push_back({"q, Ctrl-C or Ctrl-D ends this"});
    }
    for (Frame::Row& row : frame.rows) {
        row.text = cut_to(row.text, size.columns);
    }
    return frame;
}

// A row that a terminal takes to be longer than we do must not wrap, or all below it would move.
std::string_view screen_begin() {
    return "\x1b[?1049h\x1b[?25l\x1b[?7l";
}

// Cleared first, for terminals that have no second screen.
std::string_view screen_end() {
    return "\x1b[m\x1b[H\x1b[2J\x1b[?1049l\x1b[?7h\x1b[?25h";
}

std::string paint(const Frame& frame) {
    std::string bytes = "\x1b[m\x1b[H\x1b[2J";
    for (std::size_t at = 0; at < frame.rows.size(); ++at) {
        if (!frame.rows[at].text.empty()) {
            bytes.append(at_cell(at, 0)).append(styled(frame.rows[at]));
        }
    }
    return bytes;
}

std::string paint_changes(const Frame& before, const Frame& now) {
    if (before.size != now.size) {
        return paint(now);
    }
    std::string bytes;
    for (std::size_t at = 0; at < now.rows.size(); ++at) {
        if (before.rows[at] != now.rows[at]) {
            // Erased before it is written: behind a full row the last character would go.
            const std::size_t same = same_columns(before.rows[at], now.rows[at]);
            bytes.append(at_cell(at, same)).append("\x1b[K").append(styled(now.rows[at], same));
        }
    }
    return bytes;
}

}  // namespace portreeve::daemon
