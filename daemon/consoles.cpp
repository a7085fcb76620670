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

std::string Consoles::summary() const {
    std::string text = events_.tunnels_text();
    for (const std::string& notice : notices_) {
        text += notice;
    }
    if (text.empty()) {
        text = "portreeve: no tunnel is open; ask for one with -R 0:localhost:PORT\n";
    }
    return text + events_.command_refusal() + "portreeve: press Ctrl-C to end\n";
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
