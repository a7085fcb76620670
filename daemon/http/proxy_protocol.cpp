#include "daemon/http/proxy_protocol.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

#include "daemon/http/lines.h"
#include "daemon/http/text.h"

namespace portreeve::http {
namespace {

constexpr std::string_view kV1Prefix = "PROXY ";
constexpr std::string_view kV2Prefix("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t kV1BytesMax = 107;
constexpr std::size_t kV2FixedBytes = 16;
constexpr std::size_t kV4Bytes = 4;
constexpr std::size_t kV6Bytes = 16;
constexpr std::size_t kPortBytes = 2;

constexpr unsigned char kLocal = 0x20;
constexpr unsigned char kProxied = 0x21;
constexpr unsigned char kTcp4 = 0x11;
constexpr unsigned char kTcp6 = 0x21;

using Header = tl::expected<std::optional<ProxyHeader>, Fault>;

tl::unexpected<Fault> refuse(std::string_view why) {
    return tl::unexpected(Fault{400, why});
}

unsigned char byte_at(std::string_view bytes, std::size_t at) {
    return static_cast<unsigned char>(bytes[at]);
}

std::uint16_t number_at(std::string_view bytes, std::size_t at) {
    return static_cast<std::uint16_t>(byte_at(bytes, at) << 8U | byte_at(bytes, at + 1));
}

// The last bytes of an address; those before them are as in ::ffff:0:0 if there are only four.
std::array<std::uint8_t, 16> address_of(std::string_view bytes) {
    std::array<std::uint8_t, 16> address{};
    if (bytes.size() == kV4Bytes) {
        address[10] = address[11] = 0xFF;
    }
    std::memcpy(address.data() + address.size() - bytes.size(), bytes.data(), bytes.size());
    return address;
}

// --- version 1
// ------------------------------------------------------------------------------------

// The next word of a line in which one space stands between two.
std::string_view take_word(std::string_view& rest) {
    const auto space = std::min(rest.find(' '), rest.size());
    const auto word = rest.substr(0, space);
    rest.remove_prefix(std::min(space + 1, rest.size()));
    return word;
}

bool read_address(std::string_view text, int family, Endpoint& endpoint) {
    std::array<char, INET6_ADDRSTRLEN> terminated{};
    std::array<char, kV6Bytes> bytes{};
    if (text.size() >= terminated.size() || text.find('\0') != std::string_view::npos) {
        return false;
    }
    std::copy(text.begin(), text.end(), terminated.begin());
    if (inet_pton(family, terminated.data(), bytes.data()) != 1) {
        return false;
    }
    endpoint.address = address_of({bytes.data(), family == AF_INET ? kV4Bytes : kV6Bytes});
    return true;
}

bool read_port(std::string_view text, Endpoint& endpoint) {
    constexpr std::uint64_t kPortMax = 65535;
    std::uint64_t port = 0;
    const bool zero_before = text.size() > 1 && text.front() == '0';
    if (zero_before || !read_number(text, port) || port > kPortMax) {
        return false;
    }
    endpoint.port = static_cast<std::uint16_t>(port);
    return true;
}

Header parse_v1(std::string_view bytes) {
    const auto end = bytes.substr(0, kV1BytesMax).find("\r\n");
    if (end == std::string_view::npos) {
        return bytes.size() < kV1BytesMax ? Header(std::nullopt)
                                          : refuse("the line of the PROXY protocol has no end");
    }
    ProxyHeader header{end + 2, std::nullopt};
    auto rest = bytes.substr(kV1Prefix.size(), end - kV1Prefix.size());
    const auto kind = take_word(rest);
    if (kind == "UNKNOWN") {
        return header;
    }
    const int family = kind == "TCP6" ? AF_INET6 : AF_INET;
    const auto source = take_word(rest);
    const auto destination = take_word(rest);
    const auto source_port = take_word(rest);
    Endpoints& found = header.endpoints.emplace();
    if ((kind != "TCP4" && kind != "TCP6") || !read_address(source, family, found.source) ||
        !read_address(destination, family, found.destination) ||
        !read_port(source_port, found.source) || !read_port(rest, found.destination)) {
        return refuse("the line of the PROXY protocol is malformed");
    }
    return header;
}

// --- version 2
// ------------------------------------------------------------------------------------

Endpoints endpoints_of(std::string_view bytes, std::size_t address_bytes) {
    const auto ports = bytes.substr(2 * address_bytes);
    return {{address_of(bytes.substr(0, address_bytes)), number_at(ports, 0)},
            {address_of(bytes.substr(address_bytes, address_bytes)), number_at(ports, kPortBytes)}};
}

Header parse_v2(std::string_view bytes) {
    if (bytes.size() < kV2FixedBytes) {
        return std::nullopt;
    }
    const auto command = byte_at(bytes, 12);
    const auto family = byte_at(bytes, 13);
    ProxyHeader header{kV2FixedBytes + number_at(bytes, 14), std::nullopt};
    if (command != kLocal && command != kProxied) {
        return refuse("the PROXY protocol is of a version or a command that is not known");
    }
    if (header.size_bytes > kProxyHeaderBytesMax) {
        return refuse("the header of the PROXY protocol is too large");
    }
    if (bytes.size() < header.size_bytes) {
        return std::nullopt;
    }
    if (command == kLocal || (family != kTcp4 && family != kTcp6)) {
        return header;
    }
    const std::size_t address_bytes = family == kTcp4 ? kV4Bytes : kV6Bytes;
    if (header.size_bytes - kV2FixedBytes < 2 * (address_bytes + kPortBytes)) {
        return refuse("the header of the PROXY protocol is too short for its addresses");
    }
    header.endpoints = endpoints_of(bytes.substr(kV2FixedBytes), address_bytes);
    return header;
}

// --- writing
// --------------------------------------------------------------------------------------

void append_address(std::string& out, const Endpoint& endpoint, bool as_v4) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    inet_ntop(as_v4 ? AF_INET : AF_INET6, endpoint.address.data() + (as_v4 ? 12 : 0), text.data(),
              text.size());
    out.append(text.data());
}

void append_big_endian(std::string& out, std::size_t number) {
    out += static_cast<char>(number >> 8U & 0xFFU);
    out += static_cast<char>(number & 0xFFU);
}

void append_bytes(std::string& out, const Endpoint& endpoint, bool as_v4) {
    const std::size_t skipped = as_v4 ? 12 : 0;
    out.append(reinterpret_cast<const char*>(endpoint.address.data()) + skipped,
               endpoint.address.size() - skipped);
}

// Both have to be of one family: where they are not, the IPv4 one is written mapped.
bool both_v4(const Endpoints& endpoints) {
    return endpoints.source.is_v4() && endpoints.destination.is_v4();
}

}  // namespace

bool Endpoint::is_v4() const {
    const auto zeros_end = address.begin() + 10;
    return std::all_of(address.begin(), zeros_end, [](auto byte) { return byte == 0; }) &&
           *zeros_end == 0xFF && *(zeros_end + 1) == 0xFF;
}

tl::expected<std::optional<ProxyHeader>, Fault> parse_proxy_header(std::string_view bytes) {
    const auto begins_as = [bytes](std::string_view prefix) {
        const auto size = std::min(bytes.size(), prefix.size());
        return bytes.substr(0, size) == prefix.substr(0, size);
    };
    if (begins_as(kV1Prefix)) {
        return bytes.size() < kV1Prefix.size() ? Header(std::nullopt) : parse_v1(bytes);
    }
    if (begins_as(kV2Prefix)) {
        return parse_v2(bytes);
    }
    return refuse("the connection does not begin with the PROXY protocol");
}

void write_proxy_v1(const std::optional<Endpoints>& endpoints, std::string& out) {
    if (!endpoints) {
        out.append("PROXY UNKNOWN\r\n");
        return;
    }
    const bool as_v4 = both_v4(*endpoints);
    out.append(as_v4 ? "PROXY TCP4 " : "PROXY TCP6 ");
    append_address(out, endpoints->source, as_v4);
    out += ' ';
    append_address(out, endpoints->destination, as_v4);
    out += ' ';
    append(out, endpoints->source.port);
    out += ' ';
    append(out, endpoints->destination.port);
    out.append("\r\n");
}

void write_proxy_v2(const std::optional<Endpoints>& endpoints, std::string& out) {
    out.append(kV2Prefix);
    if (!endpoints) {
        out += static_cast<char>(kLocal);
        out.append(3, '\0');  // of no family, and no length
        return;
    }
    const bool as_v4 = both_v4(*endpoints);
    out += static_cast<char>(kProxied);
    out += static_cast<char>(as_v4 ? kTcp4 : kTcp6);
    append_big_endian(out, 2 * ((as_v4 ? kV4Bytes : kV6Bytes) + kPortBytes));
    append_bytes(out, endpoints->source, as_v4);
    append_bytes(out, endpoints->destination, as_v4);
    append_big_endian(out, endpoints->source.port);
    append_big_endian(out, endpoints->destination.port);
}

}  // namespace portreeve::http
