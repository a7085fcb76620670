// The live screen of one console: it looks at the owner's tunnels now and again, and paints what
// has changed since. A screen on which nothing changes sends nothing.
//
// ssh writes to the same terminal when a forward of its own session is refused, or its target does
// refuse, and so the frame after a message or an error is painted whole.
//
// Owns: the frame that the terminal shows, timers. Called by: Console, on its worker's ring.
// Bounds: a client that does not read has one frame waiting; a look a second, and fewer the longer
// looks take and the more screens there are: of one CPU all screens together use about a
// kLookShare-th; kMessagesMax.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/leases.h"
#include "daemon/owners.h"
#include "daemon/screen.h"
#include "ssh/channel.h"
#include "uring/ring.h"

namespace portreeve::daemon {

class LiveScreen {
  public:
    static constexpr std::int64_t kLookMs = 1'000;
    static constexpr std::int64_t kLookMsMax = 60'000;
    static constexpr std::int64_t kLookShare = 50;
    static constexpr std::int64_t kRepaintMs = 100;  // where something else than a look asks for it
    static constexpr std::size_t kMessagesMax = 5;

    // What it shows, and where it lives.
    struct Scene {
        uring::Ring& ring;
        const Leases& leases;
        Owners& owners;
        std::string owner;
    };
    // What a person wants by the keys that were pressed.
    enum class Wish { nothing, end, interrupt };

    // The messages are whole lines that the terminal has shown already.
    LiveScreen(Scene scene, ssh::Channel& channel, ScreenSize size, std::string_view messages);
    LiveScreen(const LiveScreen&) = delete;
    LiveScreen& operator=(const LiveScreen&) = delete;
    LiveScreen(LiveScreen&&) = delete;
    LiveScreen& operator=(LiveScreen&&) = delete;
    ~LiveScreen() = default;

    void resize(ScreenSize size);
    void tell(std::string_view messages);
    [[nodiscard]] Wish hear(std::span<const std::byte> keys);
    // There may be room for a frame again.
    void refresh();
    // What puts the terminal back, and what is to be read there then: messages that only the screen
    // has shown, and a summary. Nothing is painted after it.
    [[nodiscard]] std::string farewell();

    // When to look again after a look that took so long, of so many screens.
    [[nodiscard]] static std::int64_t pause_ms(std::chrono::nanoseconds took, std::size_t screens);

  private:
    void look();
    void look_and_refresh();
    void refresh_soon();

    Scene scene_;
    Owners::Place place_;
    ssh::Channel& channel_;
    ScreenSize size_;
    ScreenTunnels tunnels_;
    std::vector<std::string> messages_;
    std::size_t messages_unprinted_ = 0;  // the last so many of them
    Frame frame_;                         // what the terminal shows
    bool whole_ = false;                  // … unless ssh has written on it
    std::int64_t looked_s_ = 0;           // by the wall clock
    std::int64_t painted_ms_ = 0;
    uring::Timer look_ =
        uring::Timer::to<&LiveScreen::look_and_refresh>(this, scene_.ring.timers());
    uring::Timer soon_ = uring::Timer::to<&LiveScreen::refresh>(this, scene_.ring.timers());
};

}  // namespace portreeve::daemon
