// Names of hosts as certificates and clients write them, in the one form in which they are
// compared: lower case, without the dot at the end.
//
// Owns: nothing. Called by: read_pair for what certificates are for, Context for what clients ask
// for. Bounds: kHostNameBytesMax.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace portreeve::tls {

inline constexpr std::size_t kHostNameBytesMax = 253;  // RFC 1035, without the dot at the end

// Letters, digits, "-", "_" and single dots; nothing: it is none.
[[nodiscard]] std::optional<std::string> host_name(std::string_view text);
// That, or a wildcard: "*." and a name.
[[nodiscard]] std::optional<std::string> certificate_name(std::string_view text);
// "a.b.example" is for "*.b.example"; empty: it is one label.
[[nodiscard]] std::string wildcard_for(std::string_view host);
[[nodiscard]] bool is_address(const std::string& text);

struct AskedHost {
    bool is_broken = false;  // what is there is no name, and has to be refused
    std::string name;        // empty: none is asked for, or an address, which no certificate is for
};

// What the body of a client's server_name extension asks for (RFC 6066, section 3).
[[nodiscard]] AskedHost asked_host(std::string_view extension);

}  // namespace portreeve::tls
