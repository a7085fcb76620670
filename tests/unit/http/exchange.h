// One direction of a connection, read as the proxy reads it: heads, bodies, the next head, from
// bytes that come in whatever pieces. What was made of them is told in lines of text, which have to
// be the same for every way of cutting the bytes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "daemon/http/body_scanner.h"
#include "daemon/http/head.h"

namespace portreeve::http::test {

class Exchange {
  public:
    Exchange() = default;  // of requests
    explicit Exchange(std::vector<std::string> methods)
        : is_response_(true), methods_(std::move(methods)) {}

    void feed(std::string_view bytes);
    // The connection ends. A line for each head, `body …` for what was in one, and last `end`,
    // `more` where something is cut short, or the status of what was refused.
    [[nodiscard]] std::vector<std::string> finish();

  private:
    // How many bytes of those that wait were used up; 0: more are needed.
    std::size_t step();
    std::size_t step_head();
    std::size_t step_body();
    tl::expected<std::size_t, Fault> read_request();
    tl::expected<std::size_t, Fault> read_response();
    void begin_body(const Framing& framing, const std::string& line);
    void end_body();
    void refuse(const Fault& fault);

    bool is_response_ = false;
    std::vector<std::string> methods_;
    std::size_t responses_ = 0;  // final ones
    std::string waiting_;
    HeadProgress progress_;
    RequestHead request_;
    ResponseHead response_;
    BodyScanner body_;
    std::string content_;
    bool in_body_ = false;
    bool is_raw_ = false;  // after 101
    bool is_over_ = false;
    std::vector<std::string> seen_;
};

}  // namespace portreeve::http::test
