// The control socket: RUNTIME_DIR/control, or one that systemd passes by that name. Root, and the
// user that the daemon runs as, may use it.
//
// Owns: the socket and its file. Called by: Server, on the main thread. Bounds: those of HttpDesk.
#pragma once

#include <optional>
#include <string>

#include <tl/expected.hpp>

#include "daemon/control_api.h"
#include "daemon/http_desk.h"

namespace portreeve::daemon {

class Control final : private HttpDesk::Events {
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

    Control(uring::Ring& ring, std::uint16_t buffer_group, ControlHost& host, Events& events)
        : host_(host), events_(events), desk_(ring, buffer_group, *this) {}
    Control(const Control&) = delete;
    Control& operator=(const Control&) = delete;
    Control(Control&&) = delete;
    Control& operator=(Control&&) = delete;
    ~Control() override;

    // Listens on `passed`, or makes the socket in `runtime_dir`. The error is a sentence.
    [[nodiscard]] tl::expected<void, std::string> open(uring::Fd passed,
                                                       const std::string& runtime_dir);
    void close() { desk_.close(); }
    [[nodiscard]] bool joined() const { return desk_.joined(); }

  private:
    [[nodiscard]] std::optional<HttpAnswer> why_not(int socket) override;
    [[nodiscard]] HttpAnswer on_question(const HttpQuestion& question) override {
        return answer_control(question, host_);
    }
    void on_desk_joined() override { events_.on_control_joined(); }

    ControlHost& host_;
    Events& events_;
    std::string path_;  // of the socket that was made here
    HttpDesk desk_;
};

}  // namespace portreeve::daemon
