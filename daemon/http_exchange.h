// One connection of a program that asks over HTTP: a question, its answer, the end. An answer may
// go on: then what is told later follows it, until either side ends it.
//
// Owns: the socket, the parser. Called by: HttpDesk, on its ring; reports on_exchange_done(), after
// which it is destroyed. Bounds: kHeadBytesMax, kBodyBytesMax; kTimeMs for all of it, unless it
// goes on; kUnreadBytesMax that whoever follows has not taken yet.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "uring/stream.h"

namespace portreeve::daemon {

struct HttpQuestion {
    std::string method;
    std::string target;
    std::string body;
};

struct HttpAnswer {
    unsigned status = 200;
    std::string body;
    std::string_view type = "application/json";
    bool goes_on = false;
};

class HttpExchange final : private uring::Stream::Events {
  public:
    static constexpr std::uint32_t kHeadBytesMax = 8 * 1024;
    static constexpr std::uint64_t kBodyBytesMax = std::uint64_t{64} * 1024;
    static constexpr std::size_t kUnreadBytesMax = std::size_t{1024} * 1024;
    static constexpr std::int64_t kTimeMs = 10'000;

    class Events {
      public:
        Events() = default;
        Events(const Events&) = delete;
        Events& operator=(const Events&) = delete;
        virtual ~Events() = default;
        [[nodiscard]] virtual HttpAnswer on_question(const HttpQuestion& question) = 0;
        virtual void on_exchange_done(HttpExchange& exchange) = 0;
    };

    HttpExchange(uring::Ring& ring, uring::Stream::Pools pools, uring::Fd socket, Events& events);
    HttpExchange(const HttpExchange&) = delete;
    HttpExchange& operator=(const HttpExchange&) = delete;
    HttpExchange(HttpExchange&&) = delete;
    HttpExchange& operator=(HttpExchange&&) = delete;
    ~HttpExchange() override;

    void open();
    // Instead of open(): says so, and ends.
    void refuse(const HttpAnswer& why);
    // Its answer goes on.
    [[nodiscard]] bool following() const { return following_; }
    // Whoever has left too much of it unread is cut off.
    void tell(std::string_view text);
    void cut() { stream_.close(); }

  private:
    struct Parser;

    void on_input(std::span<const std::byte> bytes) override;
    void on_input_end(int error) override;
    void on_output_sent() override;
    void on_output_failed(int error) override;
    void on_stream_joined() override { events_.on_exchange_done(*this); }
    void answer(const HttpAnswer& answer);

    Events& events_;
    uring::Stream stream_;
    std::unique_ptr<Parser> parser_;  // until the question is read
    bool following_ = false;
    uring::Timer time_ = uring::Timer::to<&HttpExchange::cut>(this, stream_.ring().timers());
};

}  // namespace portreeve::daemon
