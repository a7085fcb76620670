// Where metrics are served: /metrics over HTTP, at [metrics] listen, and to those who reach the
// private name of [metrics] alias.
//
// Owns: the listener and its connections. Called by: Server, on the main thread; clients that reach
// the name, by carrier_from() on their own. Bounds: those of HttpDesk.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "daemon/http_desk.h"

namespace portreeve::daemon {

class Metrics final : private HttpDesk::Events {
  public:
    class Events {
      public:
        Events() = default;
        Events(const Events&) = delete;
        Events& operator=(const Events&) = delete;
        virtual ~Events() = default;
        [[nodiscard]] virtual std::string metrics_page() const = 0;
        // After close(): nothing is in the kernel's hands any more.
        virtual void on_metrics_joined() = 0;
    };

    Metrics(uring::Ring& ring, std::uint16_t buffer_group, Events& events)
        : ring_(ring), events_(events), desk_(ring, buffer_group, *this) {}
    Metrics(const Metrics&) = delete;
    Metrics& operator=(const Metrics&) = delete;
    Metrics(Metrics&&) = delete;
    Metrics& operator=(Metrics&&) = delete;
    ~Metrics() override = default;

    // As HttpDesk has them.
    [[nodiscard]] int open() { return desk_.open(); }
    void listen(uring::Fd socket) { desk_.listen(std::move(socket)); }
    void close() { desk_.close(); }
    [[nodiscard]] bool joined() const { return desk_.joined(); }

    // On the thread of `from`: what brings the socket of one who may ask.
    [[nodiscard]] std::function<void(uring::Fd)> carrier_from(uring::Ring& from);

  private:
    [[nodiscard]] std::optional<HttpAnswer> why_not(int) override { return std::nullopt; }
    [[nodiscard]] HttpAnswer on_question(const HttpQuestion& question) override;
    void on_desk_joined() override { events_.on_metrics_joined(); }

    uring::Ring& ring_;
    Events& events_;
    HttpDesk desk_;
};

}  // namespace portreeve::daemon
