// A listening socket at which programs ask over HTTP, one question a connection: the control socket
// and the metrics. Those whose answer goes on follow what is told.
//
// Owns: the listener, its connections, their receive buffers. Called by: Control and Metrics, on
// the main thread. Bounds: kExchangesMax at once, kFollowersMax of them that follow.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "daemon/http_exchange.h"
#include "uring/buffer_ring.h"
#include "uring/byte_queue.h"
#include "uring/listener.h"

namespace portreeve::daemon {

class HttpDesk final : private uring::Listener::Events, private HttpExchange::Events {
  public:
    static constexpr std::size_t kExchangesMax = 32;
    static constexpr std::size_t kFollowersMax = 8;

    class Events {
      public:
        Events() = default;
        Events(const Events&) = delete;
        Events& operator=(const Events&) = delete;
        virtual ~Events() = default;
        // Why this peer may not ask; nullopt: it may.
        [[nodiscard]] virtual std::optional<HttpAnswer> why_not(int socket) = 0;
        [[nodiscard]] virtual HttpAnswer on_question(const HttpQuestion& question) = 0;
        // So many follow from now on.
        virtual void on_followers(std::size_t) {}
        // One has left too much unread, and is cut off.
        virtual void on_follower_cut() {}
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
    // To all who follow.
    void tell(std::string_view text);
    [[nodiscard]] std::size_t followers() const { return followers_; }
    // Who follows hears the end; all others are cut off.
    void close();
    [[nodiscard]] bool joined() const { return listeners_.empty() && exchanges_.empty(); }

  private:
    void on_accept(uring::Listener&, uring::Fd socket) override { take(std::move(socket)); }
    void on_accept_pause(uring::Listener&, int) override {}
    void on_listener_joined(uring::Listener& listener) override;
    [[nodiscard]] HttpAnswer on_question(const HttpQuestion& question) override;
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
    std::size_t followers_ = 0;
    bool closed_ = false;
};

}  // namespace portreeve::daemon
