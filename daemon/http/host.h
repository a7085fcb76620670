// The host that a request is for (RFC 9112, section 3.2), in the one form that names are looked up
// in: lower case, without port and without the dot at the end; an IPv6 address as it is written
// shortest, without brackets.
//
// Owns: nothing, it is a value. Called by: whoever routes requests; client_hello, for what it
// found. Bounds: kHostBytesMax.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include <tl/expected.hpp>

#include "daemon/http/fault.h"
#include "daemon/http/head.h"

namespace portreeve::http {

inline constexpr std::size_t kHostBytesMax = 253;  // RFC 1035, without the dot at the end
inline constexpr std::size_t kLabelBytesMax = 63;

class Host {
  public:
    // "NAME[:PORT]" or "[IPV6][:PORT]"; nothing: it is not one. A name is made of letters, digits,
    // "-", "_" and single dots: what DNS can bear, and no resolver, file or log can trip over.
    static std::optional<Host> parse(std::string_view text);

    [[nodiscard]] std::string_view name() const { return {name_.data(), size_}; }
    [[nodiscard]] std::uint16_t port() const { return port_; }  // 0: none is given
    [[nodiscard]] bool is_v6() const { return is_v6_; }

  private:
    bool take_name(std::string_view text);
    bool take_v6(std::string_view text);
    bool take_port(std::string_view text);

    std::array<char, kHostBytesMax> name_{};
    std::uint8_t size_ = 0;
    bool is_v6_ = false;
    std::uint16_t port_ = 0;
};

// What `head` is for: of an absolute address its own host, whatever `Host` says. Exactly one `Host`
// is needed, in HTTP/1.0 too where there is nothing else to route by.
[[nodiscard]] tl::expected<Host, Fault> host_of(const RequestHead& head);
// … as it was written.
[[nodiscard]] std::string_view host_text(const RequestHead& head);

}  // namespace portreeve::http
