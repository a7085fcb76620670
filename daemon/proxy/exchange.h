// One request and its response, passed between a visitor and a channel to the target while they
// arrive: nothing is kept but a head that is not whole, and the request's until it is answered, so
// that it can be sent again where a channel that had waited turns out to be dead.
//
//   request:  its head -> its body …          response: interim heads -> its head -> its body …
//   either may end first; after 101 both are bytes like any other until each side has ended
//
// Back-pressure is that of a Visitor: the visitor is read only while the channel takes more, and
// the client's window stays shut while much is queued for the visitor.
//
// Owns: what it keeps; the channel while it lasts. Called by: ProxyVisitor, which destroys it after
// on_exchange_over(); the channel. Bounds: heads by http/; what the visitor has queued by
// Visitor::kSendBytesMax and one head.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "daemon/http/body_scanner.h"
#include "daemon/http/framing.h"
#include "daemon/http/head.h"
#include "daemon/proxy/target.h"
#include "daemon/visitor.h"
#include "ssh/channel.h"
#include "uring/ring.h"

namespace portreeve::daemon {

class Exchange final : public Target::User, private ssh::Channel::Events {
  public:
    // What has to be known of a request once its head is written for the target.
    struct Request {
        std::string head;  // as the target gets it, behind a PROXY header if it wants one
        std::string method;
        std::string asked_protocols;  // to go on with; empty: none
        http::Version version = http::Version::v1_1;
        http::ConnectionOptions connection;
        http::Framing framing;
        bool has_preface = false;  // such a header: the channel carries no other request
    };
    // How it came out.
    enum class Outcome {
        kept,      // answered, and the visitor may ask again
        closed,    // answered; the connection ends
        faulty,    // the request is none: nothing was sent on
        refused,   // the target would not be had, or gave no answer: likewise
        unserved,  // the session ended first: likewise
        broken,    // what was sent on is not whole
    };

    class Events {
      public:
        Events() = default;
        Events(const Events&) = delete;
        Events& operator=(const Events&) = delete;
        virtual ~Events() = default;
        [[nodiscard]] virtual std::size_t visitor_room() const = 0;
        virtual void to_visitor(std::span<const std::byte> bytes) = 0;
        // The head of the answer has gone to the visitor.
        virtual void on_answer_begun(std::uint16_t status) = 0;
        // Nothing follows, but the visitor may still send: only after 101.
        virtual void end_visitor_output() = 0;
        // room() is more than it was.
        virtual void on_exchange_room() = 0;
        // In a turn of its own.
        virtual void on_exchange_over() = 0;
        // To read with: each is used within one call.
        [[nodiscard]] virtual http::ResponseHead& response_scratch() = 0;
        [[nodiscard]] virtual std::string& text_scratch() = 0;
    };

    Exchange(uring::Ring& ring, Target& target, const uring::Address& visitor, Request request,
             Events& events)
        : ring_(ring),
          target_(target),
          visitor_(visitor),
          request_(std::move(request)),
          request_body_(request_.framing),
          events_(events) {}
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;
    Exchange(Exchange&&) = delete;
    Exchange& operator=(Exchange&&) = delete;
    ~Exchange() override;

    // Refused: nothing follows, the Exchange is of no use.
    [[nodiscard]] tl::expected<void, Refusal> open();
    // How much of the request may come now.
    [[nodiscard]] std::size_t room();
    // Of what came, how much belongs to this request.
    [[nodiscard]] std::size_t feed(std::string_view bytes);
    [[nodiscard]] bool request_done() const { return !is_raw_ && request_body_.is_done(); }
    [[nodiscard]] bool is_raw() const { return is_raw_; }
    // Nothing more comes from the visitor; may be said again.
    void end_input();
    // The visitor has taken some of what was queued.
    void take_more();
    void cut() override;

    // Whether it may be served anew, by another one, after this one was not.
    [[nodiscard]] bool can_be_repeated() const { return !was_begun_ || is_repeatable(); }
    [[nodiscard]] Outcome outcome() const { return outcome_; }
    [[nodiscard]] bool is_whole() const {
        return outcome_ == Outcome::kept || outcome_ == Outcome::closed;
    }
    [[nodiscard]] std::uint16_t status() const { return status_; }
    [[nodiscard]] const Visitor::Figures& figures() const { return figures_; }
    [[nodiscard]] const std::string& method() const { return request_.method; }
    [[nodiscard]] std::int64_t opened_ms() const { return opened_ms_; }
    // Why it was refused or broken.
    [[nodiscard]] const Refusal& why() const { return why_; }

  private:
    void on_channel_open() override;
    void on_channel_refused(std::string_view reason) override;
    [[nodiscard]] std::size_t channel_room() const override;
    std::size_t on_channel_data(std::span<const std::byte> bytes) override;
    void on_channel_eof() override;
    void on_channel_writable() override;
    void on_channel_closing() override;
    void on_channel_closed() override;

    [[nodiscard]] bool is_repeatable() const;
    [[nodiscard]] bool get_channel(bool fresh);
    void send_head();
    void drop_head();
    void take_response(std::string_view bytes);
    [[nodiscard]] std::size_t take_head(std::string_view bytes);
    [[nodiscard]] bool begin_response(const http::ResponseHead& head);
    void pass_head(const http::ResponseHead& head, const http::Framing& framing);
    [[nodiscard]] std::size_t pass_body(std::string_view bytes);
    void pass(std::string_view bytes);
    void response_done();
    void check_raw_done();
    void target_ended();
    void try_again();
    void fault(std::string_view why);
    void finish(Outcome outcome);
    void told();
    void resume();
    template <class Counting>
    void count(Counting counting);

    uring::Ring& ring_;
    Target& target_;
    uring::Address visitor_;
    Request request_;
    http::BodyScanner request_body_;
    http::BodyScanner response_body_;
    std::optional<Visitor::Share> share_;
    Events& events_;
    ssh::Channel* channel_ = nullptr;  // nullptr: gone
    std::string response_head_;        // what there is of one that is not whole
    http::HeadProgress response_progress_;
    Visitor::Figures figures_;
    std::int64_t opened_ms_ = 0;
    Refusal why_{"session", "the session ended"};
    std::uint16_t status_ = 0;  // 0: no answer yet
    Outcome outcome_ = Outcome::broken;
    bool was_begun_ = false;           // some of it was sent
    bool was_idle_ = false;            // the channel has carried an exchange before
    std::size_t head_bytes_sent_ = 0;  // an answer may come before all of it is
    bool head_sent_ = false;           // all of it
    bool keeps_visitor_ = false;
    bool keeps_target_ = false;
    bool drops_chunks_ = false;  // for a visitor of HTTP/1.0
    bool is_raw_ = false;        // after 101
    bool input_ended_ = false;
    bool target_ended_ = false;
    bool over_ = false;
    uring::Task told_ = uring::Task::to<&Exchange::told>(this);
    uring::Task again_ = uring::Task::to<&Exchange::try_again>(this);
    uring::Task resume_ = uring::Task::to<&Exchange::resume>(this);
};

}  // namespace portreeve::daemon
