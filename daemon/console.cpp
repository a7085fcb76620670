#include "daemon/console.h"

#include <algorithm>

namespace portreeve::daemon {

bool Console::on_pty(std::string_view term, ssh::Channel::TerminalSize size) {
    terminal_ = events_.pty_permitted();
    draws_ = terminal_ && can_draw(term);
    size_ = ScreenSize::of(size.columns, size.rows);
    return terminal_;
}

void Console::on_window_change(ssh::Channel::TerminalSize size) {
    size_ = ScreenSize::of(size.columns, size.rows);
    if (screen_) {
        screen_->resize(size_);
    }
}

bool Console::on_shell() {
    if (shown_ || channel_ == nullptr) {
        return false;  // RFC 4254 section 6.5: one shell or command a channel
    }
    shown_ = true;
    if (!draws_) {
        show(events_.summary());
        return true;
    }
    const std::string notices = events_.notices_text();
    show(events_.tunnels_text() + notices);
    screen_ = std::make_unique<LiveScreen>(events_.screen_scene(), *channel_, size_, notices);
    return true;
}

// Granted whatever it says, so that it can be answered: a refused request shows only a client's own
// words.
bool Console::on_exec(std::string_view command) {
    if (shown_ || channel_ == nullptr) {
        return false;
    }
    const Answer answer = events_.on_console_command(command);
    if (!answer.status) {
        shown_ = true;
        show(answer.text + events_.summary());
        return true;
    }
    channel_->write_later(for_terminal(answer.text));
    channel_->write_error_later(for_terminal(answer.error));
    channel_->send_exit_status(*answer.status);
    channel_->close();
    channel_ = nullptr;
    events_.on_console_closed(*this);
    return true;
}

std::string Console::for_terminal(std::string_view text) const {
    std::string shown;
    for (const char letter : text) {
        if (letter == '\n' && terminal_) {
            shown += '\r';
        }
        shown += letter;
    }
    return shown;
}

void Console::show(std::string_view text) {
    if (screen_) {
        screen_->tell(text);
    } else if (channel_ != nullptr && shown_ && channel_->unsaid_bytes() <= kUnsaidBytesMax) {
        channel_->write_later(for_terminal(text));
    }
}

void Console::end(std::string_view text, int status) {
    if (channel_ == nullptr) {
        return;
    }
    if (screen_) {
        channel_->write_later(for_terminal(screen_->farewell()));
        screen_.reset();
    }
    show(text);
    channel_->send_exit_status(status);
    channel_->close();
    channel_ = nullptr;
    events_.on_console_closed(*this);
}

std::size_t Console::on_channel_data(std::span<const std::byte> bytes) {
    constexpr std::byte kControlC{0x03};
    if (screen_) {
        const LiveScreen::Wish wish = screen_->hear(bytes);
        if (wish != LiveScreen::Wish::nothing) {
            end("", wish == LiveScreen::Wish::interrupt ? kInterruptedStatus : 0);
        }
    } else if (terminal_ && std::find(bytes.begin(), bytes.end(), kControlC) != bytes.end()) {
        end("\n", kInterruptedStatus);
    }
    return bytes.size();
}

// A DISCONNECT alone would leave the terminal as the screen has made it.
void Console::on_session_ending(std::string_view why) {
    if (screen_) {
        end("portreeve: " + std::string(why) + "\n", kEndedStatus);
    }
}

void Console::on_channel_writable() {
    if (screen_) {
        screen_->refresh();
    }
}

void Console::on_channel_closed() {
    screen_.reset();
    channel_ = nullptr;
    events_.on_console_closed(*this);
}

}  // namespace portreeve::daemon
