// What a Context is made of, in OpenSSL's terms.
//
// Owns: OpenSSL's contexts, and the pairs that they serve. Called by: Context makes it; OpenSSL's
// callbacks read it, from any thread; Session takes from it what a connection begins with. Bounds:
// the Context's.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/tls/choice.h"
#include "daemon/tls/context.h"
#include "daemon/tls/openssl.h"

namespace portreeve::tls {

struct Context::Parts {
    // nullptr: there is no certificate for it.
    [[nodiscard]] SSL_CTX* find(std::string_view host) const;

    std::shared_ptr<TicketKeys> tickets;
    std::vector<std::string> protocols;
    BioMethod bio_method;
    std::vector<SslContext> contexts;  // one for each set of pairs
    std::map<std::string, SSL_CTX*, std::less<>> by_name;
    SSL_CTX* for_nobody = nullptr;                 // which connections begin with
    std::map<const X509*, const Staple*> staples;  // of those that have one
};

}  // namespace portreeve::tls
