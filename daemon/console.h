// What a person sees who logs in without -N: on a terminal a live screen of all tunnels of the key;
// else lines, which tunnels are open, and where, until Ctrl-C; or the answer to what was asked
// behind the host (client_request.h). There is no shell behind it.
//
// The lines are shown before the screen as well, on the terminal's main one: there, or in a file
// that it is written to, an address can be found and copied whatever becomes of the screen.
//
// Owns: the screen. Called by: Client, which owns it, and its channel. Done when closed(): the
// Client then destroys it. Bounds: a line a tunnel; none while kUnsaidBytesMax wait.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/live_screen.h"
#include "ssh/channel.h"

namespace portreeve::daemon {

class Console final : public ssh::Channel::Events {
  public:
    // To a command.
    struct Answer {
        std::string text;
        std::string error;
        std::optional<int> status;  // nullopt: the session goes on, and shows its tunnels
    };

    class Events {
      public:
        Events() = default;
        Events(const Events&) = delete;
        Events& operator=(const Events&) = delete;
        virtual ~Events() = default;
        // What to show a newcomer: a line for each open tunnel of the session, and what it should
        // know besides; all of it, and how to go on, where there is no screen.
        [[nodiscard]] virtual std::string tunnels_text() const = 0;
        [[nodiscard]] virtual std::string notices_text() const = 0;
        [[nodiscard]] virtual std::string summary() const = 0;
        [[nodiscard]] virtual LiveScreen::Scene screen_scene() const = 0;
        [[nodiscard]] virtual bool pty_permitted() const = 0;
        // What was asked behind the host.
        [[nodiscard]] virtual Answer on_console_command(std::string_view line) = 0;
        virtual void on_console_closed(Console& console) = 0;
    };

    explicit Console(Events& events) : events_(events) {}

    void attach(ssh::Channel& channel) { channel_ = &channel; }
    // Lines end in '\n'; nothing is shown before the client asked for a shell. A screen shows the
    // last few.
    void show(std::string_view text);
    // The last words, and an exit status.
    void end(std::string_view text, int status);

  private:
    static constexpr std::size_t kInputBytesMax = 65536;   // looked at and dropped
    static constexpr std::size_t kUnsaidBytesMax = 65536;  // for a client that does not read
    static constexpr int kInterruptedStatus = 130;         // 128 + SIGINT, as a shell would end
    static constexpr int kEndedStatus = 255;               // as ssh's own, when its session is lost

    bool on_pty(std::string_view term, ssh::Channel::TerminalSize size) override;
    bool on_shell() override;
    bool on_exec(std::string_view command) override;
    void on_window_change(ssh::Channel::TerminalSize size) override;
    void on_session_ending(std::string_view why) override;
    [[nodiscard]] std::size_t channel_room() const override { return kInputBytesMax; }
    std::size_t on_channel_data(std::span<const std::byte> bytes) override;
    void on_channel_eof() override {}  // `ssh … </dev/null` goes on
    void on_channel_writable() override;
    void on_channel_closed() override;
    [[nodiscard]] std::string for_terminal(std::string_view text) const;

    Events& events_;
    ssh::Channel* channel_ = nullptr;
    std::unique_ptr<LiveScreen> screen_;
    ScreenSize size_;
    bool terminal_ = false;
    bool draws_ = false;  // … and a screen can be drawn on it
    bool shown_ = false;
};

}  // namespace portreeve::daemon
