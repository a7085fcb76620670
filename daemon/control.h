// The control socket: RUNTIME_DIR/control, or one that systemd passes by that name. Root, and the
// user that the daemon runs as, may use it.
//
// Owns: the socket and its file, and the watch for those who follow. Called by: Server, on the main
// thread. Bounds: those of HttpDesk.
#pragma once

#include <optional>
#include <string>

#include <tl/expected.hpp>

#include "daemon/control_api.h"
#include "daemon/http_desk.h"
#include "daemon/log.h"
#include "daemon/watch.h"

namespace portreeve::daemon {

class Control final : private HttpDesk::Events, private Watch::Events {
  public:
    class Events {
      public:
        Events() = default;
        Events(const Events&) = delete;
        Events& operator=(const Events&) = delete;
        virtual ~Events() = default;
        // After close(): nothing is in the kernel's hands any more.
        virtual void on_control_joined() = 0;
    };

    // `news` is for those who follow.
    Control(uring::Ring& ring, std::uint16_t buffer_group, ControlHost& host, NewsQueue& news,
            const Log& log, Events& events)
        : host_(host),
          log_(log),
          events_(events),
          desk_(ring, buffer_group, *this),
          watch_(ring, news, *this) {}
    Control(const Control&) = delete;
    Control& operator=(const Control&) = delete;
    Control(Control&&) = delete;
    Control& operator=(Control&&) = delete;
    ~Control() override;

    // Listens on `passed`, or makes the socket in `runtime_dir`. The error is a sentence.
    [[nodiscard]] tl::expected<void, std::string> open(uring::Fd passed,
                                                       const std::string& runtime_dir);
    void close();
    [[nodiscard]] bool joined() const { return desk_.joined() && watch_.idle(); }
    [[nodiscard]] std::size_t followers() const { return desk_.followers(); }

  private:
    [[nodiscard]] std::optional<HttpAnswer> why_not(int socket) override;
    [[nodiscard]] HttpAnswer on_question(const HttpQuestion& question) override {
        return answer_control(question, host_);
    }
    void on_followers(std::size_t count) override { watch_.use(count > 0); }
    void on_follower_cut() override;
    void on_desk_joined() override { tell_if_joined(); }
    void on_news(std::string_view line) override { desk_.tell(line); }
    void on_watch_idle() override { tell_if_joined(); }
    void tell_if_joined();

    ControlHost& host_;
    const Log& log_;
    Events& events_;
    std::string path_;  // of the socket that was made here
    HttpDesk desk_;
    Watch watch_;
};

}  // namespace portreeve::daemon
