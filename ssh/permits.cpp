#include "ssh/permits.h"

#include <charconv>
#include <optional>

#include "ssh/patterns.h"
#include "ssh/text.h"

namespace portreeve::ssh {
namespace {

constexpr std::uint32_t kPortMax = 65535;

std::optional<std::uint32_t> read_port(std::string_view text) {
    std::uint32_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc{} || end != text.data() + text.size() || port > kPortMax) {
        return std::nullopt;
    }
    return port;
}

struct HostAndPort {
    std::string host;
    std::string_view port;
};

// Splits "HOST:PORT" and "[HOST]:PORT". An IPv6 address without brackets is a mistake, not a guess.
tl::expected<HostAndPort, std::string> split(std::string_view text) {
    HostAndPort made;
    std::size_t colon = text.find(':');
    if (text.starts_with('[')) {
        const std::size_t bracket = text.find(']');
        colon = bracket == std::string_view::npos ? bracket : bracket + 1;
        if (colon >= text.size() || text[colon] != ':') {
            return tl::unexpected(std::string("a host in brackets is written [HOST]:PORT"));
        }
        made.host = lower_case(text.substr(1, bracket - 1));
    } else if (colon == std::string_view::npos) {
        return tl::unexpected(std::string("it is written HOST:PORT"));
    } else {
        made.host = lower_case(text.substr(0, colon));
        if (text.find(':', colon + 1) != std::string_view::npos) {
            return tl::unexpected(
                std::string("an IPv6 address is written in brackets, like [::1]:PORT"));
        }
        if (made.host.find('/') != std::string::npos) {
            return tl::unexpected(std::string("a host has no '/'"));
        }
    }
    made.port = text.substr(colon + 1);
    if (made.host.size() > kPatternBytesMax) {
        return tl::unexpected("a host is at most " + std::to_string(kPatternBytesMax) +
                              " characters");
    }
    return made;
}

// Reads "0", "80" and "20000-20999" into `first` and `last`.
bool read_ports(std::string_view text, std::uint32_t& first, std::uint32_t& last) {
    const std::size_t dash = text.find('-');
    const auto from = read_port(text.substr(0, dash));
    const auto to = dash == std::string_view::npos ? from : read_port(text.substr(dash + 1));
    // Port 0 is no end of a range: it is not a port but the wish for any.
    if (!from || !to || *from > *to || (*from == 0 && dash != std::string_view::npos)) {
        return false;
    }
    first = *from;
    last = *to;
    return true;
}

}  // namespace

tl::expected<ListenPattern, std::string> ListenPattern::parse(std::string_view text) {
    ListenPattern made;
    std::string_view port = text;
    made.any_address = text.find(':') == std::string_view::npos;
    if (!made.any_address) {
        auto parts = split(text);
        if (!parts) {
            return tl::unexpected(parts.error());
        }
        made.host = std::move(parts->host);
        port = parts->port;
    }
    made.any_port = port == "*";
    if (!made.any_port && !read_ports(port, made.port_first, made.port_last)) {
        return tl::unexpected(std::string(
            "a port is a number from 1 to 65535, a range like 20000-20999, * for any, or 0 for one "
            "of the server's choice; a host is written in front, like localhost:8080"));
    }
    return made;
}

bool ListenPattern::matches(std::string_view address, std::uint32_t port, bool is_name) const {
    if (!any_port && !names_port(port)) {
        return false;
    }
    return any_address ? !is_name : glob_matches(host, lower_case(address));
}

bool ListenPattern::is_written_out() const {
    return !any_address && !host.empty() && host.find_first_of("*?") == std::string::npos;
}

bool ListenPattern::names_port(std::uint32_t port) const {
    return !any_port && port_first <= port && port <= port_last;
}

tl::expected<OpenPattern, std::string> OpenPattern::parse(std::string_view text) {
    auto parts = split(text);
    if (!parts) {
        return tl::unexpected(parts.error());
    }
    OpenPattern made;
    made.host = std::move(parts->host);
    made.any_port = parts->port == "*";
    if (made.host.empty()) {
        return tl::unexpected(std::string("a host is missing; * is any"));
    }
    if (made.any_port) {
        return made;
    }
    const auto port = read_port(parts->port);
    if (!port || *port == 0) {
        return tl::unexpected(std::string("a port is a number from 1 to 65535, or * for any"));
    }
    made.port = static_cast<std::uint16_t>(*port);
    return made;
}

bool OpenPattern::matches(std::string_view asked_host, std::uint32_t asked_port) const {
    return (any_port || port == asked_port) && (host == "*" || host == lower_case(asked_host));
}

}  // namespace portreeve::ssh
