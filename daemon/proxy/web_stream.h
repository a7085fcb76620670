// A visitor's connection to the proxy, in the clear or through TLS: what comes and goes here is
// always in the clear.
//
// Owns: the socket and the TLS of it. Called by: ProxyVisitor, on its worker's ring; events may
// call back into it, but not destroy it. Bounds: those of uring::Stream and tls::Session.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "daemon/tls/session.h"
#include "uring/stream.h"

namespace portreeve::daemon {

// The TLS of a connection, which goes with it from worker to worker.
class WebTls final : private tls::Output {
  public:
    explicit WebTls(std::shared_ptr<const tls::Context> context)
        : session_(std::move(context), *this) {}
    WebTls(const WebTls&) = delete;
    WebTls& operator=(const WebTls&) = delete;
    WebTls(WebTls&&) = delete;
    WebTls& operator=(WebTls&&) = delete;
    ~WebTls() override = default;

    // Where what has to be sent goes; nullptr between two workers.
    void set_stream(uring::Stream* stream) { stream_ = stream; }
    [[nodiscard]] tls::Session& session() { return session_; }

  private:
    void append(std::string_view cipher) noexcept override {
        stream_->append(std::as_bytes(std::span(cipher)));
    }

    uring::Stream* stream_ = nullptr;
    tls::Session session_;
};

class WebStream final : private uring::Stream::Events {
  public:
    class Events {
      public:
        Events() = default;
        Events(const Events&) = delete;
        Events& operator=(const Events&) = delete;
        virtual ~Events() = default;
        // Never empty, valid during the call.
        virtual void on_web_input(std::string_view bytes) = 0;
        // No more input: error 0 is the visitor's orderly end, else -errno.
        virtual void on_web_input_end(int error) = 0;
        // What was received said nothing yet: more has to be asked for.
        virtual void on_web_input_wanted() = 0;
        virtual void on_web_output_sent() = 0;
        virtual void on_web_output_failed() = 0;
        virtual void on_web_joined() = 0;
        // After stop_receiving(), if nothing came first.
        virtual void on_web_receive_stopped() = 0;
        // To decrypt into, used within one call.
        [[nodiscard]] virtual std::span<char> plain_scratch() = 0;
    };

    WebStream(uring::Ring& ring, uring::Stream::Pools pools, uring::Fd socket,
              std::unique_ptr<WebTls> tls, Events& events);
    WebStream(const WebStream&) = delete;
    WebStream& operator=(const WebStream&) = delete;
    WebStream(WebStream&&) = delete;
    WebStream& operator=(WebStream&&) = delete;
    ~WebStream() override = default;

    // As if it had just come over the wire.
    void hand_in(std::string_view raw) { on_input(std::as_bytes(std::span(raw))); }
    void receive(std::size_t bytes_max) { stream_.receive(bytes_max); }
    void stop_receiving() { stream_.stop_receiving(); }
    [[nodiscard]] bool input_ended() const { return input_ended_; }
    void append(std::span<const std::byte> bytes);
    // What waits to be sent, or to be sealed first.
    [[nodiscard]] std::size_t output_bytes() const {
        return stream_.output_bytes() + unsealed_.size();
    }
    // Sends what is queued, then tells the visitor that nothing follows.
    void end_output();
    [[nodiscard]] bool output_ended() const { return stream_.output_ended(); }
    void close(bool reset = false) { stream_.close(reset); }
    [[nodiscard]] bool closing() const { return stream_.closing(); }
    // Whether nothing is armed or queued, so that it can move.
    [[nodiscard]] bool can_move() const {
        return !stream_.receiving() && output_bytes() == 0 && !stream_.sending();
    }
    // Closes, but hands back both; on_web_joined() follows.
    [[nodiscard]] uring::Fd give_back(std::unique_ptr<WebTls>& tls);
    [[nodiscard]] bool is_tls() const { return tls_ != nullptr; }
    // Whether a request for this host may come here: of TLS, if the certificate shown is for it.
    [[nodiscard]] bool is_for(std::string_view host) const {
        return !tls_ || tls_->session().is_for(host);
    }
    [[nodiscard]] uring::Ring& ring() { return stream_.ring(); }

  private:
    void on_input(std::span<const std::byte> bytes) override;
    void on_input_end(int error) override;
    void on_output_sent() override { events_.on_web_output_sent(); }
    void on_output_failed(int) override { events_.on_web_output_failed(); }
    void on_stream_joined() override { events_.on_web_joined(); }
    void on_receive_stopped() override { events_.on_web_receive_stopped(); }
    void decrypt(std::string_view cipher);
    void end_input(int error);
    void seal();

    Events& events_;
    uring::Stream stream_;
    std::unique_ptr<WebTls> tls_;  // nullptr: in the clear
    // Of TLS: what is appended in one turn, so that a head and its body are one record.
    std::string unsealed_;
    uring::Task seal_ = uring::Task::to<&WebStream::seal>(this);
    bool input_ended_ = false;
};

}  // namespace portreeve::daemon
