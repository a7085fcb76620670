// The line that names a program and its arguments, as sshd's AuthorizedKeysCommand is written:
// words parted by spaces, quotes, no shell. What stands in it is checked here, so that a mistake is
// reported in its place; daemon/key_command puts the values of a login for the tokens.
//
// Owns: nothing. Bounds: kTextBytesMax of text, and so as many words.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "conf/values.h"

namespace portreeve::conf {

// What may follow a '%' in an argument; docs/CONFIG.md says what each becomes.
inline constexpr std::string_view kCommandTokens = "%CDFfiKkstTu";

// The program and its arguments, "%u" if it has none; or no words for "".
[[nodiscard]] Parsed<std::vector<std::string>> parse_command(std::string_view text);

// The same without tokens, where a '%' is just that, and with no more arguments than are written.
[[nodiscard]] Parsed<std::vector<std::string>> parse_plain_command(std::string_view text);

inline constexpr Form<std::vector<std::string>> kCommand{
    "a command", R"("/usr/local/bin/keys-of %u %f")", parse_command};
inline constexpr Form<std::vector<std::string>> kPlainCommand{
    "a command", R"("/usr/local/bin/tell-of-tunnels")", parse_plain_command};

}  // namespace portreeve::conf
