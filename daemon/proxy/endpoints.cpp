#include "daemon/proxy/endpoints.h"

#include <arpa/inet.h>

#include <array>

#include "daemon/source.h"

namespace portreeve::daemon {

uring::Address address_of(const http::Endpoint& endpoint) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    constexpr std::size_t kMappedBytes = 12;
    if (endpoint.is_v4()) {
        inet_ntop(AF_INET, &endpoint.address[kMappedBytes], text.data(), text.size());
    } else {
        inet_ntop(AF_INET6, endpoint.address.data(), text.data(), text.size());
    }
    return uring::Address::parse(text.data(), endpoint.port).value_or(uring::Address());
}

http::Endpoint endpoint_of(const uring::Address& address) {
    return {address_bytes(address), address.port()};
}

std::string proxy_header(TunnelRules::ProxyHeader version, const uring::Address& visitor,
                         const uring::Address& at) {
    std::string text;
    const http::Endpoints endpoints{endpoint_of(visitor), endpoint_of(at)};
    if (version == TunnelRules::ProxyHeader::v1) {
        http::write_proxy_v1(endpoints, text);
    } else if (version == TunnelRules::ProxyHeader::v2) {
        http::write_proxy_v2(endpoints, text);
    }
    return text;
}

}  // namespace portreeve::daemon
