// The client's side of the control socket: one question a connection.
//
// Owns: the connection, while it asks. Called by: the commands. Bounds: kTimeS without a byte of
// the answer, which is held whole.
#pragma once

#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace portreeve::ctl {

struct Reply {
    unsigned status = 0;
    std::string body;
};

class ControlClient {
  public:
    static constexpr int kTimeS = 30;

    explicit ControlClient(std::string socket) : socket_(std::move(socket)) {}

    // The error is a sentence.
    [[nodiscard]] tl::expected<Reply, std::string> ask(const std::string& method,
                                                       const std::string& target,
                                                       const std::string& body = {}) const;

  private:
    std::string socket_;
};

// As a part of a URL: what is not harmless there is written "%xx".
[[nodiscard]] std::string encoded(std::string_view text);

}  // namespace portreeve::ctl
