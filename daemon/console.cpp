#include "daemon/console.h"

#include <algorithm>

namespace portreeve::daemon {

bool Console::on_pty(std::string_view, ssh::Channel::TerminalSize) {
    terminal_ = events_.pty_permitted();
    return terminal_;
}

bool Console::on_shell() {
    if (shown_ || channel_ == nullptr) {
        return false;  // RFC 4254 section 6.5: one shell or command a channel
    }
    shown_ = true;
    show(events_.summary());
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
    if (channel_ != nullptr && shown_ && channel_->unsaid_bytes() <= kUnsaidBytesMax) {
        channel_->write_later(for_terminal(text));
    }
}

void Console::end(std::string_view text, int status) {
    if (channel_ == nullptr) {
        return;
    }
    show(text);
    channel_->send_exit_status(status);
    channel_->close();
    channel_ = nullptr;
    events_.on_console_closed(*this);
}

std::size_t Console::on_channel_data(std::span<const std::byte> bytes) {
    constexpr std::byte kControlC{0x03};
    if (terminal_ && std::find(bytes.begin(), bytes.end(), kControlC) != bytes.end()) {
        end("\n", kInterruptedStatus);
    }
    return bytes.size();
}

void Console::on_channel_closed() {
    channel_ = nullptr;
    events_.on_console_closed(*this);
}

}  // namespace portreeve::daemon
