// A listening socket at which programs ask over HTTP, one question a connection: the control socket
// and the metrics.
//
// Owns: the listener, its connections, their receive buffers. Called by: Control and Metrics, on
// the main thread. Bounds: kExchangesMax at once.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "daemon/http_exchange.h"
#include "uring/buffer_ring.h"
#include "uring/byte_queue.h"
#include "uring/listener.h"

namespace portreeve::daemon {

class HttpDesk final : private uring::Listener::Events, private HttpExchange::Events {
  public:
    static constexpr std::size_t kExchangesMax = 32;

    class Events {
      public:
        Events() = default;
        Events(const Events&) = delete;
        Events& operator=(const Events&) = delete;
        virtual ~Events() = default;
        // Why this peer may not ask; nullopt: it may.
        [[nodiscard]] virtual std::optional<HttpAnswer> why_not(int socket) = 0;
        [[nodiscard]] virtual HttpAnswer on_question(const HttpQuestion& question) = 0;
        // After close(): nothing is in the kernel's hands any more.
        virtual void on_desk_joined() = 0;
    };

    // `buffer_group` is a number that no other user of the ring's buffers has.
    HttpDesk(uring::Ring& ring, std::uint16_t buffer_group, Events& events)
        : ring_(ring), buffer_group_(buffer_group), events_(events) {}
    HttpDesk(const HttpDesk&) = delete;
    HttpDesk& operator=(const HttpDesk&) = delete;
    HttpDesk(HttpDesk&&) = delete;
    HttpDesk& operator=(HttpDesk&&) = delete;
    ~HttpDesk() override = default;

    // Once, before all else: 0, or why there are no buffers, as -errno.
    [[nodiscard]] int open();
    // Listens on this socket from now on and on no other; on none, if it is empty. Connections that
    // are there go on.
    void listen(uring::Fd socket);
    // A connection that came another way.
    void take(uring::Fd socket);
    void close();
    [[nodiscard]] bool joined() const { return listeners_.empty() && exchanges_.empty(); }

  private:
    void on_accept(uring::Listener&, uring::Fd socket) override { take(std::move(socket)); }
    void on_accept_pause(uring::Listener&, int) override {}
    void on_listener_joined(uring::Listener& listener) override;
    [[nodiscard]] HttpAnswer on_question(const HttpQuestion& question) override {
        return events_.on_question(question);
    }
    void on_exchange_done(HttpExchange& exchange) override;
    void sweep();

    uring::Ring& ring_;
    std::uint16_t buffer_group_;
    Events& events_;
    std::unique_ptr<uring::BufferRing> buffers_;
    uring::SlabPool slabs_;
    std::vector<std::unique_ptr<uring::Listener>> listeners_;  // all but the last are closing
    std::vector<std::unique_ptr<HttpExchange>> exchanges_;
    std::vector<std::unique_ptr<HttpExchange>> done_;
    std::vector<uring::Listener*> joined_;
    uring::Task sweep_ = uring::Task::to<&HttpDesk::sweep>(this);
    bool closed_ = false;
};

}  // namespace portreeve::daemon
