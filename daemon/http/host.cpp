#include "daemon/http/host.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

#include "daemon/http/text.h"

namespace portreeve::http {
namespace {

tl::unexpected<Fault> refuse(std::string_view why) {
    return tl::unexpected(Fault{400, why});
}

}  // namespace

std::optional<Host> Host::parse(std::string_view text) {
    Host host;
    const bool brackets = text.starts_with('[');
    const auto name_end = brackets ? text.find(']') : std::min(text.find(':'), text.size());
    if (name_end == std::string_view::npos) {
        return std::nullopt;
    }
    const auto rest = text.substr(name_end + (brackets ? 1 : 0));
    const bool taken = brackets ? host.take_v6(text.substr(1, name_end - 1))
                                : host.take_name(text.substr(0, name_end));
    if (!taken || !host.take_port(rest)) {
        return std::nullopt;
    }
    return host;
}

bool Host::take_name(std::string_view text) {
    if (text.ends_with('.')) {
        text.remove_suffix(1);
    }
    if (text.empty() || text.size() > name_.size()) {
        return false;
    }
    std::size_t label_bytes = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        if (c == '.' ? label_bytes == 0 : !is_letter(c) && !is_digit(c) && c != '-' && c != '_') {
            return false;
        }
        label_bytes = c == '.' ? 0 : label_bytes + 1;
        if (label_bytes > kLabelBytesMax) {
            return false;
        }
        name_[at] = lower(c);
    }
    size_ = static_cast<std::uint8_t>(text.size());
    return label_bytes != 0;
}

bool Host::take_v6(std::string_view text) {
    std::array<char, INET6_ADDRSTRLEN> terminated{};
    in6_addr address{};
    if (text.size() >= terminated.size() || text.find('\0') != std::string_view::npos) {
        return false;
    }
    std::memcpy(terminated.data(), text.data(), text.size());
    if (inet_pton(AF_INET6, terminated.data(), &address) != 1) {
        return false;
    }
    inet_ntop(AF_INET6, &address, name_.data(), INET6_ADDRSTRLEN);
    size_ = static_cast<std::uint8_t>(std::strlen(name_.data()));
    is_v6_ = true;
    return true;
}

// ":PORT", ":", or nothing.
bool Host::take_port(std::string_view text) {
    constexpr std::uint64_t kPortMax = 65535;
    if (text.size() <= 1) {
        return text.empty() || text == ":";
    }
    std::uint64_t port = 0;
    if (text.front() != ':' || !read_number(text.substr(1), port) || port == 0 || port > kPortMax) {
        return false;
    }
    port_ = static_cast<std::uint16_t>(port);
    return true;
}

tl::expected<Host, Fault> host_of(const RequestHead& head) {
    const std::size_t count = head.fields.count(FieldId::host);
    const bool is_absolute = head.form == UriForm::absolute;
    if (count > 1) {
        return refuse("there is more than one Host");
    }
    if (count == 0 && (!is_absolute || head.version != Version::v1_0)) {
        return refuse("there is no Host");
    }
    if (count == 1 && !Host::parse(head.fields.first(FieldId::host))) {
        return refuse("Host is not a name or an address, with or without a port");
    }
    const auto host = Host::parse(host_text(head));
    return host ? tl::expected<Host, Fault>(*host)
                : refuse("what is asked for is on no host with a name or an address");
}

std::string_view host_text(const RequestHead& head) {
    return head.form == UriForm::absolute ? head.authority : head.fields.first(FieldId::host);
}

}  // namespace portreeve::http
