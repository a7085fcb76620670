// How handshakes are done: an SSL_CTX as all of ours are set, and the answers to what OpenSSL asks
// while it does one.
//
// Owns: nothing. Called by: Context. Bounds: HelloLimit's and OpenSSL's.
#pragma once

#include <string>

#include <tl/expected.hpp>

#include "daemon/tls/choice.h"
#include "daemon/tls/context_parts.h"

namespace portreeve::tls {

// Serves `pairs`; `parts` has to outlive it. The application data of each SSL that is made with it
// has to be the Asked of its connection.
[[nodiscard]] tl::expected<SslContext, std::string> make_ssl_context(const PairSet& pairs,
                                                                     const Context::Parts& parts);

}  // namespace portreeve::tls
