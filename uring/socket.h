// Socket addresses as values, and the few system calls that make sockets. Everything returns
// -errno.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "uring/fd.h"

namespace portreeve::uring {

// An IPv4 or IPv6 address with its port.
class Address {
  public:
    Address() = default;
    // `host` is a literal; nothing is ever resolved.
    static tl::expected<Address, int> parse(std::string_view host, std::uint16_t port);
    static Address of_peer(int socket);
    static Address of_local(int socket);

    [[nodiscard]] bool valid() const { return family() != AF_UNSPEC; }
    [[nodiscard]] bool is_v6() const { return family() == AF_INET6; }
    [[nodiscard]] std::uint16_t port() const;
    void set_port(std::uint16_t port);
    // "127.0.0.1", "::1"; an IPv4 address mapped into IPv6 is shown as IPv4.
    [[nodiscard]] std::string host() const;
    // "127.0.0.1:80", "[::1]:80"
    [[nodiscard]] std::string text() const;

    [[nodiscard]] const sockaddr* data() const;
    [[nodiscard]] socklen_t size() const;

  private:
    // A sockaddr_storage is four times as large, and a tunnel has many addresses.
    union Storage {
        sockaddr any;
        sockaddr_in v4;
        sockaddr_in6 v6;
    };

    [[nodiscard]] sa_family_t family() const { return storage_.any.sa_family; }
    void unmap();
    Storage storage_{.v6 = {}};
};

// A listening TCP socket on exactly `address`. An IPv6 socket takes no IPv4 connections unless
// `both_families`.
tl::expected<Fd, int> listen_on(const Address& address, bool both_families);

}  // namespace portreeve::uring
