#include "uring/socket.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>

#include <cerrno>
#include <cstring>

namespace portreeve::uring {
namespace {

constexpr int kBacklog = 4096;  // the kernel lowers it to net.core.somaxconn

template <class Call>
Address address_from(Call call, int socket, sockaddr_storage& storage) {
    socklen_t size = sizeof(storage);
    if (call(socket, reinterpret_cast<sockaddr*>(&storage), &size) != 0) {
        storage = {};
    }
    return {};
}

int set_flag(int socket, int level, int name, int value) {
    return setsockopt(socket, level, name, &value, sizeof(value)) == 0 ? 0 : -errno;
}

}  // namespace

tl::expected<Address, int> Address::parse(std::string_view host, std::uint16_t port) {
    Address address;
    const std::string text(host);
    auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage_);
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.storage_);
    if (inet_pton(AF_INET, text.c_str(), &v4->sin_addr) == 1) {
        address.storage_.ss_family = AF_INET;
    } else if (inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr) == 1) {
        address.storage_.ss_family = AF_INET6;
    } else {
        return tl::unexpected(-EINVAL);
    }
    address.set_port(port);
    return address;
}

Address Address::of_peer(int socket) {
    Address address;
    address_from(getpeername, socket, address.storage_);
    address.unmap();
    return address;
}

Address Address::of_local(int socket) {
    Address address;
    address_from(getsockname, socket, address.storage_);
    address.unmap();
    return address;
}

void Address::unmap() {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(storage_);
    if (storage_.ss_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
        return;
    }
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = v6.sin6_port;
    std::memcpy(&v4.sin_addr, v6.sin6_addr.s6_addr + 12, sizeof(v4.sin_addr));
    storage_ = {};
    std::memcpy(&storage_, &v4, sizeof(v4));
}

std::uint16_t Address::port() const {
    const in_port_t port = is_v6() ? reinterpret_cast<const sockaddr_in6&>(storage_).sin6_port
                                   : reinterpret_cast<const sockaddr_in&>(storage_).sin_port;
    return ntohs(port);
}

void Address::set_port(std::uint16_t port) {
    if (is_v6()) {
        reinterpret_cast<sockaddr_in6&>(storage_).sin6_port = htons(port);
    } else {
        reinterpret_cast<sockaddr_in&>(storage_).sin_port = htons(port);
    }
}

std::string Address::host() const {
    if (storage_.ss_family != AF_INET && storage_.ss_family != AF_INET6) {
        return "unknown";
    }
    char text[INET6_ADDRSTRLEN] = {};
    const void* bytes =
        is_v6()
            ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in6&>(storage_).sin6_addr)
            : &reinterpret_cast<const sockaddr_in&>(storage_).sin_addr;
    inet_ntop(storage_.ss_family, bytes, text, sizeof(text));
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
    return reinterpret_cast<const sockaddr*>(&storage_);
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
