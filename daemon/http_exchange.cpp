#include "daemon/http_exchange.h"

#include <array>
#include <charconv>

#include "daemon/http/body_scanner.h"
#include "daemon/http/framing.h"
#include "daemon/http/head.h"
#include "daemon/http/page.h"
#include "daemon/json_text.h"

namespace portreeve::daemon {
namespace {

constexpr std::uint32_t kReceiveBytesMax = 4 * 1024;
constexpr std::uint16_t kContentTooLarge = 413;
constexpr std::uint16_t kHeadTooLarge = 431;

}  // namespace

HttpAnswer http_error(unsigned status, const std::vector<std::string>& sentences) {
    return {status, json_text_of({{"error", sentences.front()}, {"errors", sentences}})};
}

struct HttpExchange::Reading {
    std::string text;  // what has come and is not understood yet
    http::HeadProgress progress;
    http::RequestHead head;
    bool in_body = false;
    http::BodyScanner body;
    HttpQuestion question;
};

HttpExchange::HttpExchange(uring::Ring& ring, uring::Stream::Pools pools, uring::Fd socket,
                           Events& events)
    : events_(events),
      stream_(ring, pools, std::move(socket), *this),
      reading_(std::make_unique<Reading>()) {
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
    if (!reading_) {
        stream_.receive(kReceiveBytesMax);  // nobody wants it, but its end has to be seen
        return;
    }
    reading_->text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    const auto whole = read();
    if (!whole) {
        const std::string sentence =
            "this is no request that can be taken: " + std::string(whole.error().why);
        answer(http_error(whole.error().status, {sentence}));
    } else if (*whole) {
        answer(events_.on_question(reading_->question));
    } else {
        stream_.receive(kReceiveBytesMax);
    }
}

tl::expected<bool, http::Fault> HttpExchange::read() {
    if (!reading_->in_body) {
        const auto whole = read_head();
        if (!whole || !*whole) {
            return whole;
        }
    }
    if (const auto taken = read_body(); !taken) {
        return tl::unexpected(taken.error());
    }
    return reading_->body.is_done();
}

tl::expected<bool, http::Fault> HttpExchange::read_head() {
    Reading& reading = *reading_;
    const auto whole = http::parse_request_head(reading.text, reading.progress, reading.head);
    if (!whole) {
        return whole;
    }
    if ((*whole ? reading.head.size_bytes : reading.text.size()) > kHeadBytesMax) {
        return tl::unexpected(http::Fault{kHeadTooLarge, "its head is longer than 8 KiB"});
    }
    if (!*whole) {
        return false;
    }
    const auto framing = http::framing_of(reading.head);
    if (!framing) {
        return tl::unexpected(framing.error());
    }
    if (framing->length_bytes > kBodyBytesMax) {
        return tl::unexpected(http::Fault{kContentTooLarge, "its body is longer than 64 KiB"});
    }
    reading.question.method = reading.head.method;
    reading.question.target = reading.head.path;
    reading.body = http::BodyScanner(*framing);
    reading.in_body = true;
    reading.text.erase(0, reading.head.size_bytes);
    return true;
}

tl::expected<void, http::Fault> HttpExchange::read_body() {
    std::string_view rest = reading_->text;
    std::string& body = reading_->question.body;
    while (!rest.empty() && !reading_->body.is_done()) {
        const auto piece = reading_->body.next(rest);
        if (!piece) {
            return tl::unexpected(piece.error());
        }
        if (piece->is_content) {
            body.append(rest.substr(0, piece->size_bytes));
        }
        if (body.size() > kBodyBytesMax) {
            return tl::unexpected(http::Fault{kContentTooLarge, "its body is longer than 64 KiB"});
        }
        rest.remove_prefix(piece->size_bytes);
    }
    reading_->text.clear();
    return {};
}

// HTTP/1.1, and the connection's end is the answer's.
void HttpExchange::answer(const HttpAnswer& answer) {
    follows_ = answer.goes_on;
    in_chunks_ = follows_ && reading_->head.version == http::Version::v1_1;
    reading_.reset();
    std::string text = "HTTP/1.1 " + std::to_string(answer.status) + " ";
    text.append(http::reason_of(static_cast<std::uint16_t>(answer.status)));
    text.append("\r\nContent-Type: ").append(answer.type);
    if (!answer.allow.empty()) {
        text.append("\r\nAllow: ").append(answer.allow);
    }
    if (in_chunks_) {
        text.append("\r\nTransfer-Encoding: chunked");
    } else if (!follows_) {
        text.append("\r\nContent-Length: ").append(std::to_string(answer.body.size()));
    }
    text.append("\r\nConnection: close\r\n\r\n").append(follows_ ? "" : answer.body);
    append(text);
    if (follows_) {
        time_.stop();
    } else {
        stream_.end_output();
    }
    stream_.receive(kReceiveBytesMax);
}

bool HttpExchange::tell(std::string_view text) {
    if (stream_.closing() || text.empty()) {  // a chunk of no bytes would be the last
        return true;
    }
    if (stream_.output_bytes() + text.size() > kUnreadBytesMax) {
        stream_.close();
        return false;
    }
    if (!in_chunks_) {
        append(text);
        return true;
    }
    std::array<char, 16> size{};
    const auto digits = std::to_chars(size.data(), size.data() + size.size(), text.size(), 16);
    append({size.data(), digits.ptr});
    append("\r\n");
    append(text);
    append("\r\n");
    return true;
}

void HttpExchange::finish() {
    if (in_chunks_) {
        append("0\r\n\r\n");
    }
    stream_.end_output();
    if (stream_.output_ended()) {
        stream_.close();
    } else {
        time_.start_at(stream_.ring().now_ms() + kFarewellMs);
    }
}

void HttpExchange::on_input_end(int) {
    if (reading_ || follows_ || stream_.output_ended() || stream_.output_failed()) {
        stream_.close();
    }
}

void HttpExchange::on_output_sent() {
    if (stream_.output_ended() && (stream_.input_ended() || follows_)) {
        stream_.close();
    }
}

void HttpExchange::on_output_failed(int) {
    stream_.close();
}

}  // namespace portreeve::daemon
