// What a login puts for the tokens of [auth] command. docs/CONFIG.md has the tokens in words, and
// conf/command has checked that a configuration uses no others.
//
// Owns: nothing. Called by: KeyCommand. Bounds: kArgumentBytesMax for all arguments.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <tl/expected.hpp>

namespace portreeve::daemon {

// A program's arguments together; the kernel takes no more than 128 KiB in one.
inline constexpr std::size_t kArgumentBytesMax = 65536;

// What is known of a login when its key is asked for. Empty: there is no such thing.
struct LoginFacts {
    std::string user;             // %u, as the client says it
    std::string key_type;         // %t, of the key or certificate
    std::string key_base64;       // %k
    std::string key_fingerprint;  // %f
    std::string certificate_id;   // %i
    std::string certificate_serial;
    std::string ca_type;         // %T
    std::string ca_base64;       // %K
    std::string ca_fingerprint;  // %F
    std::string client_address;  // %C is these four
    std::uint16_t client_port = 0;
    std::string server_address;
    std::uint16_t server_port = 0;
    std::string routing_domain;  // %D
};

// The arguments (`words` without the program) with `facts` in the place of their tokens, or the
// sentence that says why no program should see them: a client chooses its login name, and what
// looks like an option or writes to a terminal is more than a name.
[[nodiscard]] tl::expected<std::vector<std::string>, std::string> expand_tokens(
    const std::vector<std::string>& words, const LoginFacts& facts);

}  // namespace portreeve::daemon
