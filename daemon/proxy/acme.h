// The files by which a program such as certbot proves to a certificate authority who has a domain
// (RFC 8555, section 8.3): it puts them into [http] acme_webroot, and we show them.
//
// Owns: nothing. Called by: ProxyVisitor, for paths below kChallengePath alone. Bounds:
// kChallengeBytesMax of a file; it must be one, at its place and no other.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace portreeve::daemon {

inline constexpr std::string_view kChallengePath = "/.well-known/acme-challenge/";
inline constexpr std::size_t kChallengeBytesMax = 4096;

// nullopt: there is no such file.
[[nodiscard]] std::optional<std::string> read_challenge(const std::string& webroot,
                                                        std::string_view path);

}  // namespace portreeve::daemon
