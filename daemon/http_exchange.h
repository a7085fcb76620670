// One connection of a program that asks over HTTP: a question, its answer, the end. An answer may
// go on: then what is told later follows it, until either side ends it.
//
// Owns: the socket, and the question while it is read. Called by: HttpDesk, on its ring; reports
// on_exchange_done(), after which it is destroyed. Bounds: kHeadBytesMax, kBodyBytesMax; kTimeMs
// for all of it, unless it goes on; then kUnreadBytesMax that was told and is not taken yet, and
// kFarewellMs for the end.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/http/fault.h"
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
    bool goes_on = false;  // its body is what is told from now on
    std::string allow{};   // of 405: the methods that are meant, "GET, PUT"
};

// {"error":"…","errors":["…",…]}; at least one.
[[nodiscard]] HttpAnswer http_error(unsigned status, const std::vector<std::string>& sentences);

inline constexpr unsigned kMethodNotAllowed = 405;  // an answer that has `allow`

class HttpExchange final : private uring::Stream::Events {
  public:
    static constexpr std::size_t kHeadBytesMax = std::size_t{8} * 1024;
    static constexpr std::size_t kBodyBytesMax = std::size_t{64} * 1024;
    static constexpr std::int64_t kTimeMs = 10'000;
    static constexpr std::size_t kUnreadBytesMax = std::size_t{1024} * 1024;
    static constexpr std::int64_t kFarewellMs = 1'000;

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
    [[nodiscard]] bool follows() const { return follows_; }
    // To one that follows. False: it has left too much unread, and is cut off.
    bool tell(std::string_view text);
    // Ends an answer that goes on, in order: what was told still leaves.
    void finish();
    void cut() { stream_.close(); }

  private:
    struct Reading;

    void on_input(std::span<const std::byte> bytes) override;
    void on_input_end(int error) override;
    void on_output_sent() override;
    void on_output_failed(int error) override;
    void on_stream_joined() override { events_.on_exchange_done(*this); }
    // Whether the question is there as a whole.
    [[nodiscard]] tl::expected<bool, http::Fault> read();
    [[nodiscard]] tl::expected<bool, http::Fault> read_head();
    [[nodiscard]] tl::expected<void, http::Fault> read_body();
    void answer(const HttpAnswer& answer);
    void append(std::string_view text) { stream_.append(std::as_bytes(std::span(text))); }

    Events& events_;
    uring::Stream stream_;
    std::unique_ptr<Reading> reading_;  // until it is read
    bool follows_ = false;
    bool in_chunks_ = false;  // one of HTTP/1.0 that follows reads until the end
    uring::Timer time_ = uring::Timer::to<&HttpExchange::cut>(this, stream_.ring().timers());
};

}  // namespace portreeve::daemon
