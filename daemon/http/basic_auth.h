// Whether a request carries a user and a password (RFC 7617). How long the answer takes does not
// tell how much of them was right, nor how long they are.
//
// Owns: nothing. Called by: the proxy, for names that ask for credentials. Bounds:
// kCredentialsBytesMax.
#pragma once

#include <cstddef>
#include <string_view>

#include "daemon/http/head.h"

namespace portreeve::http {

inline constexpr std::size_t kCredentialsBytesMax = 512;

// `credentials` are "USER:PASSWORD". Longer ones than the bound are never right, nor are empty
// ones.
[[nodiscard]] bool has_credentials(const RequestHead& head, std::string_view credentials);

}  // namespace portreeve::http
