// All session channels of one client, and what is kept for the first of them: a client without any
// learns why a forward was refused only once it has one.
//
// Owns: the consoles, notices. Called by: Client, on its worker's ring. Bounds: consoles by the
// session, kNoticesMax.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/console.h"
#include "uring/ring.h"

namespace portreeve::daemon {

class Consoles final : private Console::Events {
  public:
    static constexpr std::size_t kNoticesMax = 64;

    class Events {
      public:
        Events() = default;
        Events(const Events&) = delete;
        Events& operator=(const Events&) = delete;
        virtual ~Events() = default;
        // A line for each open tunnel.
        [[nodiscard]] virtual std::string tunnels_text() const = 0;
        // Why the command of the key's line is not run; empty: it has none.
        [[nodiscard]] virtual std::string command_refusal() const = 0;
        [[nodiscard]] virtual bool pty_permitted() const = 0;
        [[nodiscard]] virtual LiveScreen::Scene screen_scene() const = 0;
        // What was asked behind the host.
        [[nodiscard]] virtual Console::Answer on_console_command(std::string_view line) = 0;
    };

    Consoles(uring::Ring& ring, Events& events) : ring_(ring), events_(events) {}
    Consoles(const Consoles&) = delete;
    Consoles& operator=(const Consoles&) = delete;
    Consoles(Consoles&&) = delete;
    Consoles& operator=(Consoles&&) = delete;
    ~Consoles() override = default;

    // The user of one more session channel, and then the channel.
    [[nodiscard]] ssh::Channel::Events* add();
    void attach(ssh::Channel& channel, ssh::Channel::Events& user);
    [[nodiscard]] bool empty() const { return consoles_.empty(); }
    void tell(std::string_view text);
    // The same, and kept for the first console if there is none yet.
    void tell_or_keep(const std::string& notice);

  private:
    [[nodiscard]] std::string tunnels_text() const override { return events_.tunnels_text(); }
    [[nodiscard]] std::string notices_text() const override;
    [[nodiscard]] std::string summary() const override;
    [[nodiscard]] LiveScreen::Scene screen_scene() const override { return events_.screen_scene(); }
    [[nodiscard]] bool pty_permitted() const override { return events_.pty_permitted(); }
    [[nodiscard]] Console::Answer on_console_command(std::string_view line) override;
    void on_console_closed(Console& console) override;
    void sweep() { done_.clear(); }

    uring::Ring& ring_;
    Events& events_;
    std::vector<std::unique_ptr<Console>> consoles_;
    std::vector<std::unique_ptr<Console>> done_;  // destroyed outside their own callbacks
    std::vector<std::string> notices_;
    uring::Task sweep_ = uring::Task::to<&Consoles::sweep>(this);
};

}  // namespace portreeve::daemon
