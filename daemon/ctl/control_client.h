// The client's side of the control socket: one question a connection.
//
// Owns: the connection, while it asks. Called by: the commands. Bounds: kTimeS without a byte of
// the answer, which is held whole; one that goes on may be silent for ever.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace portreeve::ctl {

struct Reply {
    static constexpr unsigned kFine = 200;
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

    // An answer that goes on: what there is of it is handed out as it comes, until the daemon ends
    // it in order, or no more is wanted (false). Any other answer than 200 is held whole.
    using OnContent = std::function<bool(std::string_view content)>;
    [[nodiscard]] tl::expected<Reply, std::string> follow(const std::string& target,
                                                          const OnContent& on_content) const;

  private:
    [[nodiscard]] tl::expected<Reply, std::string> converse(const std::string& method,
                                                            const std::string& target,
                                                            const std::string& body,
                                                            const OnContent* on_content) const;

    std::string socket_;
};

// As a part of a URL: what is not harmless there is written "%xx".
[[nodiscard]] std::string encoded(std::string_view text);

}  // namespace portreeve::ctl
