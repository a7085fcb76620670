#include "daemon/endpoint_socket.h"

#include <cerrno>
#include <cstring>

#include "uring/socket.h"

namespace portreeve::daemon {

tl::expected<uring::Fd, Failure> listen_at(const conf::Endpoint& endpoint, const std::string& key) {
    const auto address = uring::Address::parse(endpoint.address, endpoint.port);
    int error = address ? 0 : address.error();
    if (address) {
        auto socket = uring::listen_on(*address, true);
        if (!socket && socket.error() == -EAFNOSUPPORT && endpoint.address == "::") {
            // A host without IPv6: "all addresses" are its IPv4 ones.
            socket = uring::listen_on(*uring::Address::parse("0.0.0.0", endpoint.port), false);
        }
        if (socket) {
            return std::move(*socket);
        }
        error = socket.error();
    }
    return tl::unexpected(Failure{
        1, {"cannot listen on " + endpoint.text() + " (" + key + "): " + std::strerror(-error)}});
}

}  // namespace portreeve::daemon
