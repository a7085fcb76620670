// Heads for tests: parsed from text that they keep, so that their views stay good.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "daemon/http/framing.h"
#include "daemon/http/head.h"

namespace portreeve::http::test {

inline tl::expected<bool, Fault> parse(std::string_view bytes, RequestHead& head) {
    HeadProgress progress;
    return parse_request_head(bytes, progress, head);
}

inline tl::expected<bool, Fault> parse(std::string_view bytes, ResponseHead& head) {
    HeadProgress progress;
    return parse_response_head(bytes, progress, head);
}

template <class Head>
class Message {
  public:
    explicit Message(std::string bytes) : bytes_(std::make_unique<std::string>(std::move(bytes))) {
        const auto whole = parse(*bytes_, head_);
        EXPECT_TRUE(whole && *whole) << *bytes_;
    }

    const Head& head() const { return head_; }
    const Head* operator->() const { return &head_; }

  private:
    std::unique_ptr<std::string> bytes_;  // does not move when the message does
    Head head_;
};

using Request = Message<RequestHead>;
using Response = Message<ResponseHead>;

// "GET /PATH" or "HTTP/1.1 200 OK", and the lines between it and the empty one, each with CR LF.
inline Request get(std::string_view lines, std::string_view first = "GET / HTTP/1.1") {
    return Request(std::string(first) + "\r\n" + std::string(lines) + "\r\n");
}

inline Response answer(std::string_view lines, std::string_view first = "HTTP/1.1 200 OK") {
    return Response(std::string(first) + "\r\n" + std::string(lines) + "\r\n");
}

}  // namespace portreeve::http::test
