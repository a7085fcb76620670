#include "uring/socket.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>

#include <cerrno>
#include <cstring>

namespace portreeve::uring {
namespace {

constexpr int kBacklog = 4096;  // the kernel lowers it to net.core.somaxconn

int set_flag(int socket, int level, int name, int value) {
    return setsockopt(socket, level, name, &value, sizeof(value)) == 0 ? 0 : -errno;
}

}  // namespace

tl::expected<Address, int> Address::parse(std::string_view host, std::uint16_t port) {
    Address address;
    const std::string text(host);
    if (in_addr v4{}; inet_pton(AF_INET, text.c_str(), &v4) == 1) {
        address.storage_.v4 = {};
        address.storage_.v4.sin_family = AF_INET;
        address.storage_.v4.sin_addr = v4;
    } else if (in6_addr v6{}; inet_pton(AF_INET6, text.c_str(), &v6) == 1) {
        address.storage_.v6.sin6_family = AF_INET6;
        address.storage_.v6.sin6_addr = v6;
    } else {
        return tl::unexpected(-EINVAL);
    }
    address.set_port(port);
    return address;
}

Address Address::of_peer(int socket) {
    Address address;
    socklen_t size = sizeof(address.storage_);
    if (getpeername(socket, &address.storage_.any, &size) != 0) {
        return {};
    }
    address.unmap();
    return address;
}

Address Address::of_local(int socket) {
    Address address;
    socklen_t size = sizeof(address.storage_);
    if (getsockname(socket, &address.storage_.any, &size) != 0) {
        return {};
    }
    address.unmap();
    return address;
}

void Address::unmap() {
    const sockaddr_in6 v6 = storage_.v6;
    if (!is_v6() || !IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
        return;
    }
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = v6.sin6_port;
    std::memcpy(&v4.sin_addr, v6.sin6_addr.s6_addr + 12, sizeof(v4.sin_addr));
    storage_.v6 = {};
    storage_.v4 = v4;
}

std::uint16_t Address::port() const {
    return ntohs(is_v6() ? storage_.v6.sin6_port : storage_.v4.sin_port);
}

void Address::set_port(std::uint16_t port) {
    (is_v6() ? storage_.v6.sin6_port : storage_.v4.sin_port) = htons(port);
}

std::string Address::host() const {
    if (family() != AF_INET && family() != AF_INET6) {
        return "unknown";
    }
    char text[INET6_ADDRSTRLEN] = {};
    const void* bytes =
        is_v6() ? static_cast<const void*>(&storage_.v6.sin6_addr) : &storage_.v4.sin_addr;
    inet_ntop(family(), bytes, text, sizeof(text));
    return text;
}

std::string Address::text() const {
    std::string text = host();
    if (is_v6()) {
        text.insert(0, 1, '[').append(1, ']');
    }
    return text.append(1, ':').append(std::to_string(port()));
}

const sockaddr* Address::data() const {
    return &storage_.any;
}

socklen_t Address::size() const {
    return is_v6() ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
}

tl::expected<Fd, int> listen_on(const Address& address, bool both_families) {
    Fd socket(::socket(address.data()->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket) {
        return tl::unexpected(-errno);
    }
    if (const int rc = set_flag(socket.get(), SOL_SOCKET, SO_REUSEADDR, 1); rc < 0) {
        return tl::unexpected(rc);
    }
    if (address.is_v6()) {
        const int only = both_families ? 0 : 1;
        if (const int rc = set_flag(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, only); rc < 0) {
            return tl::unexpected(rc);
        }
    }
    if (bind(socket.get(), address.data(), address.size()) != 0 ||
        listen(socket.get(), kBacklog) != 0) {
        return tl::unexpected(-errno);
    }
    return socket;
}

}  // namespace portreeve::uring
