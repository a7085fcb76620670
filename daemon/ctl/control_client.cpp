#include "daemon/ctl/control_client.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "daemon/http/body_scanner.h"
#include "daemon/http/framing.h"
#include "daemon/http/head.h"
#include "uring/fd.h"

namespace portreeve::ctl {
namespace {

std::string unreachable(const std::string& path) {
    std::string sentence = "the daemon cannot be reached at " + path;
    sentence.append(": ").append(std::strerror(errno));
    return sentence.append(errno == EACCES
                               ? "; root and the user that it runs as may control it"
                               : "; is portreeved running? --socket PATH names another place");
}

tl::expected<uring::Fd, std::string> connect(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof(address.sun_path)) {
        return tl::unexpected(path + ": too long for the path of a socket");
    }
    std::memcpy(address.sun_path, path.data(), path.size());
    uring::Fd made(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!made ||
        ::connect(made.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
        return tl::unexpected(unreachable(path));
    }
    const timeval patience{.tv_sec = ControlClient::kTimeS, .tv_usec = 0};
    setsockopt(made.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(made.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    return made;
}

std::string request(const std::string& method, const std::string& target, const std::string& body) {
    std::string text = method;
    text.append(" ").append(target).append(" HTTP/1.1\r\nHost: portreeve\r\n");
    if (!body.empty()) {
        text.append("Content-Type: application/json\r\n");
        text.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n");
    }
    return text.append("\r\n").append(body);
}

// The daemon may answer, and end, before it has heard all.
void say(int socket, std::string_view text) {
    while (!text.empty()) {
        const ssize_t count = ::send(socket, text.data(), text.size(), MSG_NOSIGNAL);
        if (count < 0 && errno != EINTR) {
            return;
        }
        text.remove_prefix(count < 0 ? 0 : static_cast<std::size_t>(count));
    }
}

void wait_for_ever(int socket) {
    const timeval patience{};
    setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
}

// Reads an answer as it comes.
class ReplyReader {
  public:
    explicit ReplyReader(std::string method) : method_(std::move(method)) {}

    // 0: the head is not there yet.
    [[nodiscard]] unsigned status() const { return status_; }
    [[nodiscard]] bool is_done() const { return status_ != 0 && body_.is_done(); }
    [[nodiscard]] bool ends_at_close() const { return status_ != 0 && body_.ends_at_close(); }
    // `take` gets the content that is in these bytes.
    [[nodiscard]] tl::expected<bool, http::Fault> read(std::string_view bytes,
                                                       const ControlClient::OnContent& take);

  private:
    // True: it is there as a whole, and only what is behind it is left of `text_`.
    [[nodiscard]] tl::expected<bool, http::Fault> read_head();

    std::string method_;
    std::string text_;  // what is not understood yet
    http::HeadProgress progress_;
    http::ResponseHead head_;
    unsigned status_ = 0;
    http::BodyScanner body_;
};

tl::expected<bool, http::Fault> ReplyReader::read_head() {
    const auto whole = http::parse_response_head(text_, progress_, head_);
    if (!whole || !*whole) {
        return whole;
    }
    const auto framing = http::framing_of(head_, method_);
    if (!framing) {
        return tl::unexpected(framing.error());
    }
    body_ = http::BodyScanner(*framing);
    status_ = head_.status;
    text_.erase(0, head_.size_bytes);
    return true;
}

tl::expected<bool, http::Fault> ReplyReader::read(std::string_view bytes,
                                                  const ControlClient::OnContent& take) {
    text_.append(bytes);
    if (status_ == 0) {
        const auto whole = read_head();
        if (!whole) {
            return tl::unexpected(whole.error());
        }
        if (!*whole) {
            return true;
        }
    }
    std::string_view rest = text_;
    while (!rest.empty() && !body_.is_done()) {
        const auto piece = body_.next(rest);
        if (!piece) {
            return tl::unexpected(piece.error());
        }
        if (piece->is_content && !take(rest.substr(0, piece->size_bytes))) {
            return false;
        }
        rest.remove_prefix(piece->size_bytes);
    }
    text_.clear();
    return true;
}

// Hears the answer to its end; one that goes on may be silent for ever. The error is a sentence.
tl::expected<void, std::string> hear(int socket, ReplyReader& reader,
                                     const ControlClient::OnContent& take, bool goes_on) {
    std::array<char, 65'536> buffer{};
    while (!reader.is_done()) {
        const ssize_t count = ::recv(socket, buffer.data(), buffer.size(), 0);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            return tl::unexpected(errno == EAGAIN ? std::string("the daemon does not answer")
                                                  : std::string("the daemon's answer broke off: ") +
                                                        std::strerror(errno));
        }
        if (count == 0 && !reader.ends_at_close()) {
            return tl::unexpected(std::string("the daemon's answer is cut short"));
        }
        if (count == 0) {
            break;
        }
        const auto read = reader.read({buffer.data(), static_cast<std::size_t>(count)}, take);
        if (!read) {
            return tl::unexpected("the daemon's answer cannot be read: " +
                                  std::string(read.error().why));
        }
        if (!*read) {
            break;
        }
        if (goes_on && reader.status() == Reply::kFine) {
            wait_for_ever(socket);
        }
    }
    return {};
}

}  // namespace

tl::expected<Reply, std::string> ControlClient::converse(const std::string& method,
                                                         const std::string& target,
                                                         const std::string& body,
                                                         const OnContent* on_content) const {
    const auto socket = connect(socket_);
    if (!socket) {
        return tl::unexpected(socket.error());
    }
    say(socket->get(), request(method, target, body));
    ReplyReader reader(method);
    Reply reply;
    const auto take = [&](std::string_view content) {
        if (on_content != nullptr && reader.status() == Reply::kFine) {
            return (*on_content)(content);
        }
        reply.body.append(content);
        return true;
    };
    if (const auto heard = hear(socket->get(), reader, take, on_content != nullptr); !heard) {
        return tl::unexpected(heard.error());
    }
    reply.status = reader.status();
    return reply;
}

tl::expected<Reply, std::string> ControlClient::ask(const std::string& method,
                                                    const std::string& target,
                                                    const std::string& body) const {
    return converse(method, target, body, nullptr);
}

tl::expected<Reply, std::string> ControlClient::follow(const std::string& target,
                                                       const OnContent& on_content) const {
    return converse("GET", target, {}, &on_content);
}

std::string encoded(std::string_view text) {
    constexpr std::string_view kHarmless =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:";
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    std::string made;
    for (const char c : text) {
        if (kHarmless.find(c) != std::string_view::npos) {
            made += c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        made += '%';
        made += kDigits[byte >> 4U];
        made += kDigits[byte & 0xfU];
    }
    return made;
}

}  // namespace portreeve::ctl
