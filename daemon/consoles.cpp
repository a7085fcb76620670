#include "daemon/consoles.h"

#include <algorithm>

namespace portreeve::daemon {

ssh::Channel::Events* Consoles::add() {
    Console::Events& events = *this;
    return consoles_.emplace_back(std::make_unique<Console>(events)).get();
}

void Consoles::attach(ssh::Channel& channel, ssh::Channel::Events& user) {
    static_cast<Console&>(user).attach(channel);
}

void Consoles::tell(std::string_view text) {
    for (const auto& console : consoles_) {
        console->show(text);
    }
}

void Consoles::tell_or_keep(const std::string& notice) {
    if (consoles_.empty() && notices_.size() < kNoticesMax) {
        notices_.push_back(notice);
    }
    tell(notice);
}

std::string Consoles::notices_text() const {
    std::string text;
    for (const std::string& notice : notices_) {
        text += notice;
    }
    return text + events_.command_refusal();
}

std::string Consoles::summary() const {
    const std::string tunnels = events_.tunnels_text();
    const bool nothing = tunnels.empty() && notices_.empty();
    return (nothing ? "portreeve: no tunnel is open; ask for one with -R 0:localhost:PORT\n"
                    : tunnels) +
           notices_text() + "portreeve: press Ctrl-C to end\n";
}

Console::Answer Consoles::on_console_command(std::string_view line) {
    std::string refusal = events_.command_refusal();
    if (!refusal.empty()) {  // it stands for whatever is asked
        return {{}, std::move(refusal), 1};
    }
    return events_.on_console_command(line);
}

void Consoles::on_console_closed(Console& console) {
    const auto found = std::find_if(consoles_.begin(), consoles_.end(),
                                    [&](const auto& one) { return one.get() == &console; });
    done_.push_back(std::move(*found));
    consoles_.erase(found);
    ring_.post(sweep_);
}

}  // namespace portreeve::daemon
