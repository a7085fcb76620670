#include "daemon/http_exchange.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "daemon/json_text.h"

namespace portreeve::daemon {
namespace {

namespace http = boost::beast::http;

constexpr std::uint32_t kReceiveBytesMax = 4 * 1024;
constexpr unsigned kBadRequest = 400;

}  // namespace

struct HttpExchange::Parser {
    http::request_parser<http::string_body> request;
    std::string unparsed;  // the head so far: the parser takes it as a whole
};

HttpExchange::HttpExchange(uring::Ring& ring, uring::Stream::Pools pools, uring::Fd socket,
                           Events& events)
    : events_(events),
      stream_(ring, pools, std::move(socket), *this),
      parser_(std::make_unique<Parser>()) {
    parser_->request.eager(true);
    parser_->request.header_limit(kHeadBytesMax);
    parser_->request.body_limit(kBodyBytesMax);
}

HttpExchange::~HttpExchange() = default;

void HttpExchange::open() {
    time_.start_at(stream_.ring().now_ms() + kTimeMs);
    stream_.receive(kReceiveBytesMax);
}

void HttpExchange::refuse(const HttpAnswer& why) {
    time_.start_at(stream_.ring().now_ms() + kTimeMs);
    answer(why);
}

void HttpExchange::on_input(std::span<const std::byte> bytes) {
    if (!parser_) {
        stream_.receive(kReceiveBytesMax);  // nobody wants it, but its end has to be seen
        return;
    }
    std::string& text = parser_->unparsed;
    text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    boost::system::error_code error;
    const std::size_t taken =
        parser_->request.put(boost::asio::buffer(text.data(), text.size()), error);
    text.erase(0, taken);
    if (error && error != http::error::need_more) {
        const std::string sentence = "this is no request that can be read: " + error.message();
        answer({kBadRequest, json_text_of({{"error", sentence}})});
        return;
    }
    if (!parser_->request.is_done()) {
        stream_.receive(kReceiveBytesMax);
        return;
    }
    const auto& message = parser_->request.get();
    answer(events_.on_question(
        {std::string(message.method_string()), std::string(message.target()), message.body()}));
}

// HTTP/1.1, and the connection's end is the answer's.
void HttpExchange::answer(const HttpAnswer& answer) {
    parser_.reset();
    following_ = answer.goes_on;
    std::string text = "HTTP/1.1 " + std::to_string(answer.status) + " ";
    text += std::string(http::obsolete_reason(http::int_to_status(answer.status)));
    text.append("\r\nContent-Type: ").append(answer.type).append("\r\n");
    if (!following_) {
        text.append("Content-Length: ").append(std::to_string(answer.body.size())).append("\r\n");
    }
    text.append("Connection: close\r\n\r\n").append(answer.body);
    stream_.append(std::as_bytes(std::span(text)));
    if (following_) {
        time_.stop();
    } else {
        stream_.end_output();
    }
    stream_.receive(kReceiveBytesMax);
}

void HttpExchange::tell(std::string_view text) {
    if (stream_.output_bytes() + text.size() > kUnreadBytesMax) {
        stream_.close();
    } else if (!stream_.closing()) {
        stream_.append(std::as_bytes(std::span(text)));
    }
}

void HttpExchange::on_input_end(int) {
    if (parser_ || following_ || stream_.output_ended() || stream_.output_failed()) {
        stream_.close();
    }
}

void HttpExchange::on_output_sent() {
    if (stream_.output_ended() && stream_.input_ended()) {
        stream_.close();
    }
}

void HttpExchange::on_output_failed(int) {
    stream_.close();
}

}  // namespace portreeve::daemon
