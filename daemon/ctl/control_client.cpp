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

// All that comes until the end; the error is an errno.
tl::expected<std::string, int> hear(int socket) {
    std::string text;
    std::array<char, 65'536> buffer{};
    for (;;) {
        const ssize_t count = ::recv(socket, buffer.data(), buffer.size(), 0);
        if (count == 0) {
            return text;
        }
        if (count > 0) {
            text.append(buffer.data(), static_cast<std::size_t>(count));
        } else if (errno != EINTR) {
            return tl::unexpected(errno);
        }
    }
}

tl::expected<Reply, http::Fault> read_reply(std::string_view text, const std::string& method) {
    constexpr http::Fault kShort{0, "it is cut short"};
    http::HeadProgress progress;
    http::ResponseHead head;
    const auto whole = http::parse_response_head(text, progress, head);
    if (!whole || !*whole) {
        return tl::unexpected(whole ? kShort : whole.error());
    }
    const auto framing = http::framing_of(head, method);
    if (!framing) {
        return tl::unexpected(framing.error());
    }
    Reply reply{head.status, {}};
    http::BodyScanner scanner(*framing);
    text.remove_prefix(head.size_bytes);
    while (!text.empty() && !scanner.is_done()) {
        const auto piece = scanner.next(text);
        if (!piece) {
            return tl::unexpected(piece.error());
        }
        reply.body.append(piece->is_content ? text.substr(0, piece->size_bytes) : "");
        text.remove_prefix(piece->size_bytes);
    }
    if (!scanner.is_done() && !scanner.ends_at_close()) {
        return tl::unexpected(kShort);
    }
    return reply;
}

}  // namespace

tl::expected<Reply, std::string> ControlClient::ask(const std::string& method,
                                                    const std::string& target,
                                                    const std::string& body) const {
    const auto socket = connect(socket_);
    if (!socket) {
        return tl::unexpected(socket.error());
    }
    say(socket->get(), request(method, target, body));
    const auto text = hear(socket->get());
    if (!text) {
        return tl::unexpected(text.error() == EAGAIN
                                  ? std::string("the daemon does not answer")
                                  : std::string("the daemon's answer broke off: ") +
                                        std::strerror(text.error()));
    }
    auto reply = read_reply(*text, method);
    if (!reply) {
        return tl::unexpected("the daemon's answer cannot be read: " +
                              std::string(reply.error().why));
    }
    return std::move(*reply);
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
