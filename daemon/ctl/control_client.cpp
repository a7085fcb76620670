#include "daemon/ctl/control_client.h"

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <limits>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

namespace portreeve::ctl {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;
using Socket = asio::local::stream_protocol::socket;

constexpr unsigned kHttp11 = 11;

std::string unreachable(const std::string& path, const error_code& error) {
    std::string sentence =
        "the daemon cannot be reached at " + path + ": " + error.message() + "; ";
    if (error == asio::error::access_denied) {
        return sentence + "root and the user that it runs as may control it";
    }
    return sentence + "is portreeved running? --socket PATH names another place";
}

tl::expected<Socket, std::string> connect(asio::io_context& context, const std::string& path) {
    if (path.size() >= sizeof(sockaddr_un::sun_path)) {
        return tl::unexpected(path + ": too long for the path of a socket");
    }
    Socket socket(context);
    error_code error;
    socket.connect(asio::local::stream_protocol::endpoint(path), error);
    if (error) {
        return tl::unexpected(unreachable(path, error));
    }
    const timeval patience{.tv_sec = ControlClient::kTimeS, .tv_usec = 0};
    setsockopt(socket.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    return socket;
}

http::request<http::string_body> request(const std::string& method, const std::string& target,
                                         const std::string& body) {
    http::request<http::string_body> made;
    made.version(kHttp11);
    made.method_string(method);
    made.target(target);
    made.set(http::field::host, "portreeve");
    if (!body.empty()) {
        made.set(http::field::content_type, "application/json");
        made.body() = body;
    }
    made.prepare_payload();
    return made;
}

std::string broken_off(const error_code& error) {
    return error == asio::error::would_block || error == asio::error::try_again
               ? "the daemon does not answer"
               : "the daemon's answer broke off: " + error.message();
}

}  // namespace

tl::expected<Reply, std::string> ControlClient::ask(const std::string& method,
                                                    const std::string& target,
                                                    const std::string& body) const {
    asio::io_context context;
    auto socket = connect(context, socket_);
    if (!socket) {
        return tl::unexpected(socket.error());
    }
    error_code error;
    http::write(*socket, request(method, target, body), error);
    boost::beast::flat_buffer buffer;
    http::response_parser<http::string_body> parser;
    parser.body_limit(std::numeric_limits<std::uint64_t>::max());
    if (!error) {
        http::read(*socket, buffer, parser, error);
    }
    if (error) {
        return tl::unexpected(broken_off(error));
    }
    return Reply{parser.get().result_int(), std::move(parser.get().body())};
}

tl::expected<Reply, std::string> ControlClient::follow(const std::string& target,
                                                       const Take& take) const {
    asio::io_context context;
    auto socket = connect(context, socket_);
    if (!socket) {
        return tl::unexpected(socket.error());
    }
    error_code error;
    http::write(*socket, request("GET", target, {}), error);
    boost::beast::flat_buffer buffer;
    http::response_parser<http::string_body> parser;
    parser.body_limit(std::numeric_limits<std::uint64_t>::max());
    if (!error) {
        http::read_header(*socket, buffer, parser, error);
    }
    const timeval for_ever{};
    setsockopt(socket->native_handle(), SOL_SOCKET, SO_RCVTIMEO, &for_ever, sizeof(for_ever));
    const bool fine = !error && parser.get().result() == http::status::ok;
    while (!error && !parser.is_done()) {
        http::read_some(*socket, buffer, parser, error);
        if (fine) {
            take(parser.get().body());
            parser.get().body().clear();
        }
    }
    if (error) {
        return tl::unexpected(broken_off(error));
    }
    return Reply{parser.get().result_int(), std::move(parser.get().body())};
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
