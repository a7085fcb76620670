// One visitor of http names: its connection, and the requests that come on it, one after the other.
//
//   reading (a head is not whole) -> busy (an Exchange passes it on) -> reading …
//                                 -> waiting (for an owner who is away) -> reading, again
//                                 -> moving (the tunnel is another worker's): it goes on there
//   … -> leaving (nothing more is answered; what is on its way still goes out) -> gone
//
// What a head is refused for, and what no target answers, is answered by a page. After each answer
// the visitor may ask again, if both want that and it is clear where the next request begins.
//
// Owns: the connection, the exchange. Called by: ProxyFront, on its worker's ring; reports
// on_visitor_gone(), after which it is destroyed. Bounds: a head, or kAheadBytesMax of what comes
// while an answer is under way; Visitor::kSendBytesMax queued; a head that is not whole by [http]
// head_timeout, silence by idle_timeout, waiting by hold, leaving by kLeaveMs.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "daemon/http/host.h"
#include "daemon/http/page.h"
#include "daemon/leases.h"
#include "daemon/proxy/exchange.h"
#include "daemon/proxy/rules.h"
#include "daemon/proxy/web_arrival.h"
#include "daemon/proxy/web_stream.h"

namespace portreeve::daemon {

class ProxyVisitor final : private WebStream::Events, private Exchange::Events {
  public:
    static constexpr std::size_t kReadBytes = std::size_t{4} * 1024;
    static constexpr std::size_t kAheadBytesMax = std::size_t{4} * 1024;
    static constexpr std::size_t kReceiveBytesMax = std::size_t{256} * 1024;
    static constexpr std::uint8_t kRepeatsMax = 3;
    // A close in the middle of what a visitor sends would be a reset, and take from it what it has
    // not read yet (RFC 9112, section 9.6): so long it is read on, in all and in silence.
    static constexpr std::int64_t kLeaveMs = 30'000;
    static constexpr std::int64_t kLeaveQuietMs = 5'000;
    static constexpr std::int64_t kDrainQuietMs = 500;  // what stops does not wait for idle ones
    // Who has ended its direction may wait for an answer, or be gone: a closed tab does not say. An
    // answer that says nothing for so long is not waited for any more.
    static constexpr std::int64_t kQuietMs = 5'000;
    // Takes nothing of an answer that is under way, and holds as much of it as may be held.
    static constexpr std::int64_t kStalledMs = 300'000;
    static constexpr std::int64_t kStuckMs = 30'000;  // takes nothing of its last answer

    // What is used within one call, and so is shared by all visitors of a worker.
    struct Scratch {
        http::RequestHead request;
        http::ResponseHead response;
        std::string text;
        std::array<char, std::size_t{16} * 1024> plain{};
    };

    // Where requests for a host go.
    struct Place {
        enum class Kind { none, held, elsewhere, here };
        Kind kind = Kind::none;
        Leases::HttpPlace lease;
        Target* target = nullptr;  // here
    };

    class Events {
      public:
        Events() = default;
        Events(const Events&) = delete;
        Events& operator=(const Events&) = delete;
        virtual ~Events() = default;
        [[nodiscard]] virtual const ProxyRules& proxy_rules() const = 0;
        [[nodiscard]] virtual Scratch& scratch() = 0;
        // `chosen`: the lease for whose sake it came to this worker; nullptr: none yet.
        [[nodiscard]] virtual Place find_place(std::string_view host, std::string_view path,
                                               const LeasePtr& chosen) = 0;
        // Another number whenever find_place() could answer otherwise.
        [[nodiscard]] virtual std::uint64_t places_revision() const = 0;
        // "https://HOST:PORT"; empty: that is not served. `passes_tls`: the certificate is the
        // target's.
        [[nodiscard]] virtual std::string https_origin(std::string_view host,
                                                       bool passes_tls) const = 0;
        // That the administrator has for a status; empty: none.
        [[nodiscard]] virtual std::string_view own_page(std::uint16_t status) const = 0;
        // It is waiting now, or not any more.
        virtual void on_visitor_waits(ProxyVisitor& visitor, bool waits) = 0;
        // It goes on with whoever has the place; on_visitor_gone() follows.
        virtual void on_visitor_moves(WebArrival arrival, const LeaseHolder& to) = 0;
        virtual void on_visitor_gone(ProxyVisitor& visitor) = 0;
        // For the figures: a request gets this answer, of the target or our own.
        virtual void on_answer(std::uint16_t status) = 0;
        // For the log: a request has been answered, or was not.
        virtual void on_request_over(const ProxyVisitor& visitor, const Exchange& exchange) = 0;
    };

    ProxyVisitor(uring::Ring& ring, uring::Stream::Pools pools, WebArrival arrival, Events& events);
    ProxyVisitor(const ProxyVisitor&) = delete;
    ProxyVisitor& operator=(const ProxyVisitor&) = delete;
    ProxyVisitor(ProxyVisitor&&) = delete;
    ProxyVisitor& operator=(ProxyVisitor&&) = delete;
    ~ProxyVisitor() override = default;

    void open();
    // It waits for an owner, who may be there now.
    void look_again();
    // The server is stopping: what is under way is finished, nothing more is taken.
    void drain();
    // Ends it now.
    void cut();
    [[nodiscard]] const uring::Address& peer() const { return arrival_.from; }
    [[nodiscard]] bool is_tls() const { return stream_.is_tls(); }
    // Of the request that is under way.
    [[nodiscard]] const std::string& host() const { return host_; }

    std::size_t index = 0;  // in the front's visitors

  private:
    enum class State : std::uint8_t { reading, busy, waiting, moving, leaving };

    // What the clock is for.
    enum class Clock : std::uint8_t { none, idle, head, wait, quiet, stalled, leave };

    // How the request that is under way has to be answered, if it is by a page.
    struct Asked {
        bool is_head = false;
        bool is_old = false;
        bool as_html = false;
        bool keeps = false;  // another request may follow
    };

    void on_web_input(std::string_view bytes) override;
    void on_web_input_end(int error) override;
    void on_web_input_wanted() override;
    void on_web_output_sent() override;
    void on_web_output_failed() override { gone(); }
    void on_web_joined() override { events_.on_visitor_gone(*this); }
    void on_web_receive_stopped() override { ring_.post(move_); }
    [[nodiscard]] std::span<char> plain_scratch() override { return events_.scratch().plain; }
    [[nodiscard]] std::size_t visitor_room() const override;
    void to_visitor(std::span<const std::byte> bytes) override;
    void end_visitor_output() override { stream_.end_output(); }
    void on_answer_begun(std::uint16_t status) override { events_.on_answer(status); }
    void on_exchange_room() override;
    void on_exchange_over() override;
    [[nodiscard]] http::ResponseHead& response_scratch() override {
        return events_.scratch().response;
    }
    [[nodiscard]] std::string& text_scratch() override { return events_.scratch().text; }

    [[nodiscard]] std::size_t process(std::string_view bytes);
    void process_pending();
    void tell_end();
    [[nodiscard]] std::size_t take_head(std::string_view bytes);
    [[nodiscard]] bool serve(const http::RequestHead& head, const char* head_begin,
                             const http::Host& host, const http::Framing& framing);
    [[nodiscard]] Place find_place(std::string_view host, std::string_view path);
    [[nodiscard]] bool is_trusted(const uring::Address& address) const;
    [[nodiscard]] bool is_secure(const http::RequestHead& head) const;
    [[nodiscard]] uring::Address visitor_of(const http::RequestHead& head) const;
    [[nodiscard]] bool answer_at_once(const http::RequestHead& head, const http::Host& host);
    [[nodiscard]] bool answer_https(const http::RequestHead& head, const http::Host& host,
                                    bool passes_tls);
    [[nodiscard]] bool answer_misdirected(const http::RequestHead& head, const http::Host& host);
    [[nodiscard]] bool answer_before(const http::RequestHead& head, const http::Host& host,
                                     const Target& target);
    void begin(const http::RequestHead& head, const http::Framing& framing, Target& target);
    [[nodiscard]] bool serve_again(std::string_view head);
    [[nodiscard]] bool wait_for_owner();
    void wait_no_more();
    void answer(http::Page page);
    void answer_fault(const http::Fault& fault);
    void answer_held(const Leases::HttpPlace& place);
    void move();
    void next();
    void pull();
    void watch_clock();
    void leave();
    [[nodiscard]] std::int64_t leave_due_ms();
    void gone();
    void clock_over();

    uring::Ring& ring_;
    Events& events_;
    WebArrival arrival_;  // without socket and TLS, which the stream has
    WebStream stream_;
    std::string pending_;  // came, and was not used yet
    std::string head_;     // of a request without body, to be served again if its session ends
    http::HeadProgress progress_;
    std::unique_ptr<Exchange> exchange_;
    std::unique_ptr<Exchange> done_exchange_;  // destroyed outside its own callbacks
    uring::Address visitor_;                   // of the request that is under way
    std::string host_;                         // that was asked for last
    Place place_;                              // … and where that went
    std::uint64_t place_revision_ = 0;
    LeasePtr refusing_;  // whose target refused the request that is served again
    std::int64_t waits_until_ms_ = 0;
    std::int64_t leaves_until_ms_ = 0;  // 0: not all has gone out
    State state_ = State::reading;
    Clock clock_kind_ = Clock::none;
    Asked asked_;
    bool draining_ = false;
    bool input_over_ = false;
    uring::Task next_ = uring::Task::to<&ProxyVisitor::next>(this);
    uring::Task look_ = uring::Task::to<&ProxyVisitor::look_again>(this);
    uring::Task move_ = uring::Task::to<&ProxyVisitor::move>(this);
    uring::Timer clock_ = uring::Timer::to<&ProxyVisitor::clock_over>(this, ring_.timers());
};

}  // namespace portreeve::daemon
