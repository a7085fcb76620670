// Matching as OpenSSH's configuration and key files mean it: globs, and lists of addresses.
//
// A glob knows `*` and `?` only. A list of addresses is what from= and a certificate's
// source-address hold: addresses, networks (192.0.2.0/24) and globs on an address's text, with
// commas between; `!` in front of one makes it deny, whatever else matches. Nothing is resolved.
//
// Owns: nothing. Called by: key_options, and daemon/ at each login. Bounds: the work of one match
// is the length of the pattern times that of the text; kPatternBytesMax an entry of a list.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace portreeve::ssh {

constexpr std::size_t kPatternBytesMax = 255;

// `*` is any characters or none, `?` is any one. Letters count as they are written.
[[nodiscard]] bool glob_matches(std::string_view pattern, std::string_view text);

// Whether `list` lets `address` in. An address that is no address, and a list that is not well
// formed, match nothing. An IPv4 address written as IPv6 (::ffff:192.0.2.1) counts as IPv4.
[[nodiscard]] bool address_in_list(std::string_view list, std::string_view address);

// What is wrong with a list, as the end of a sentence; nullopt: nothing. A host name is wrong,
// because it could never match, unless `!` is in front: then it denies nobody, as in an sshd that
// resolves nothing. `only_cidr` is for certificates, whose lists know neither globs nor `!`.
[[nodiscard]] std::optional<std::string> why_bad_address_list(std::string_view list,
                                                              bool only_cidr);

}  // namespace portreeve::ssh
