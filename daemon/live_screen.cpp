#include "daemon/live_screen.h"

#include <algorithm>

#include "daemon/login.h"
#include "daemon/people_text.h"

namespace portreeve::daemon {

LiveScreen::LiveScreen(Scene scene, ssh::Channel& channel, ScreenSize size,
                       std::string_view messages)
    : scene_(std::move(scene)),
      place_(scene_.owners.take_screen()),
      channel_(channel),
      size_(size) {
    tell(messages);
    messages_unprinted_ = 0;
    look();
    frame_ = frame_of(tunnels_, messages_, size_);
    whole_ = false;
    soon_.stop();
    channel_.write_later(std::string(screen_begin()) + paint(frame_));
}

void LiveScreen::look() {
    using Clock = std::chrono::steady_clock;
    const Clock::time_point begun = Clock::now();
    tunnels_ = ScreenTunnels::of(scene_.leases.entries(scene_.owner));
    const auto took = Clock::now() - begun;
    whole_ = whole_ || (looked_s_ != 0 &&
                        std::any_of(tunnels_.first.begin(), tunnels_.first.end(),
                                    [this](const auto& one) { return one.error_s >= looked_s_; }));
    looked_s_ = wall_clock_s();
    look_.start_at(scene_.ring.now_ms() + pause_ms(took, scene_.owners.screens()));
}

std::int64_t LiveScreen::pause_ms(std::chrono::nanoseconds took, std::size_t screens) {
    const auto all_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
        took * static_cast<std::int64_t>(screens) * kLookShare);
    return std::clamp(std::int64_t{all_ms.count()}, kLookMs, kLookMsMax);
}

void LiveScreen::look_and_refresh() {
    look();
    refresh();
}

void LiveScreen::refresh_soon() {
    if (!soon_.running()) {
        soon_.start_at(std::max(scene_.ring.now_ms(), painted_ms_ + kRepaintMs));
    }
}

// Where the last frame is not read yet, the next one is made when it is: of what is true then.
void LiveScreen::refresh() {
    const bool writable = channel_.writable_bytes() > 0;
    if (!writable || channel_.unsaid_bytes() > 0) {
        return;
    }
    Frame frame = frame_of(tunnels_, messages_, size_);
    const std::string bytes =
        std::exchange(whole_, false) ? paint(frame) : paint_changes(frame_, frame);
    frame_ = std::move(frame);
    if (!bytes.empty()) {
        painted_ms_ = scene_.ring.now_ms();
        channel_.write_later(bytes);
    }
}

void LiveScreen::resize(ScreenSize size) {
    size_ = size;
    refresh_soon();
}

void LiveScreen::tell(std::string_view messages) {
    while (!messages.empty()) {
        const std::size_t end = std::min(messages.find('\n'), messages.size());
        messages_.push_back(cut_to(printable(messages.substr(0, end)), ScreenSize::kColumnsMax));
        messages.remove_prefix(std::min(end + 1, messages.size()));
        if (messages_.size() > kMessagesMax) {
            messages_.erase(messages_.begin());
        }
        messages_unprinted_ = std::min(messages_unprinted_ + 1, messages_.size());
    }
    whole_ = true;
    refresh_soon();
}

LiveScreen::Wish LiveScreen::hear(std::span<const std::byte> keys) {
    constexpr char kEscape = '\x1b';
    const std::string_view text(reinterpret_cast<const char*>(keys.data()), keys.size());
    for (std::size_t at = 0; at < text.size(); ++at) {
        switch (text[at]) {
            case kEscape:  // a key with a name, which ends with a letter
                if (at + 1 < text.size() && (text[at + 1] == '[' || text[at + 1] == 'O')) {
                    ++at;
                }
                do {
                    ++at;
                } while (at < text.size() && text[at] < '@');
                break;
            case 'q':
            case '\x04':  // Ctrl-D
                return Wish::end;
            case '\x03':  // Ctrl-C
                return Wish::interrupt;
            case '\x0c':  // Ctrl-L
                whole_ = true;
                refresh_soon();
                break;
            default:
                break;
        }
    }
    return Wish::nothing;
}

std::string LiveScreen::farewell() {
    look_.stop();
    soon_.stop();
    std::string text(screen_end());
    std::for_each(messages_.end() - static_cast<std::ptrdiff_t>(messages_unprinted_),
                  messages_.end(), [&](const auto& line) { text.append(line).append("\n"); });
    return text.append("portreeve: ").append(tunnels_.summary()).append("\n");
}

}  // namespace portreeve::daemon
