#include "daemon/tls/host_name.h"

#include <arpa/inet.h>

#include <array>

namespace portreeve::tls {
namespace {

bool may_stand_in_a_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

// Takes a number of two bytes off the head.
std::optional<std::size_t> take_u16(std::string_view& bytes) {
    if (bytes.size() < 2) {
        return std::nullopt;
    }
    const auto high = static_cast<unsigned char>(bytes[0]);
    const auto low = static_cast<unsigned char>(bytes[1]);
    bytes.remove_prefix(2);
    return std::size_t{high} << 8U | low;
}

}  // namespace

std::optional<std::string> host_name(std::string_view text) {
    if (!text.empty() && text.back() == '.') {
        text.remove_suffix(1);
    }
    if (text.empty() || text.size() > kHostNameBytesMax) {
        return std::nullopt;
    }
    std::string name(text);
    char before = '.';
    for (char& c : name) {
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        if (!may_stand_in_a_name(c) && (c != '.' || before == '.')) {
            return std::nullopt;
        }
        before = c;
    }
    return before == '.' ? std::nullopt : std::optional(std::move(name));
}

std::optional<std::string> certificate_name(std::string_view text) {
    constexpr std::string_view kAnyLabel = "*.";
    if (!text.starts_with(kAnyLabel)) {
        return host_name(text);
    }
    const auto rest = host_name(text.substr(kAnyLabel.size()));
    return rest ? std::optional(std::string(kAnyLabel) + *rest) : std::nullopt;
}

std::string wildcard_for(std::string_view host) {
    const auto dot = host.find('.');
    return dot == std::string_view::npos ? std::string() : "*" + std::string(host.substr(dot));
}

bool is_address(const std::string& text) {
    std::array<unsigned char, sizeof(in6_addr)> ignored{};
    return inet_pton(AF_INET, text.c_str(), ignored.data()) == 1 ||
           inet_pton(AF_INET6, text.c_str(), ignored.data()) == 1;
}

AskedHost asked_host(std::string_view extension) {
    constexpr char kHostNameKind = 0;
    const auto list_size = take_u16(extension);
    if (!list_size || *list_size != extension.size() || extension.empty() ||
        extension.front() != kHostNameKind) {
        return {.is_broken = true, .name = {}};
    }
    extension.remove_prefix(1);
    const auto size = take_u16(extension);
    if (!size || *size != extension.size()) {
        return {.is_broken = true, .name = {}};
    }
    if (is_address(std::string(extension))) {
        return {};
    }
    auto name = host_name(extension);
    return name ? AskedHost{.is_broken = false, .name = std::move(*name)}
                : AskedHost{.is_broken = true, .name = {}};
}

}  // namespace portreeve::tls
