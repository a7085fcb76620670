// What OpenSSL takes for its socket: it reads from bytes that are lent for a call, and writes to an
// Output. Nothing is kept here, so nothing is copied that OpenSSL does not copy itself.
//
// Owns: nothing. Called by: Session. Bounds: those of what is lent, and HelloLimit's.
#pragma once

#include <string_view>

#include "daemon/tls/hello_limit.h"
#include "daemon/tls/openssl.h"
#include "daemon/tls/output.h"

namespace portreeve::tls {

struct Wire {
    explicit Wire(Output& to) : output(to) {}

    std::string_view input;  // what is not read yet; empty: OpenSSL is told to come again
    Output& output;
    HelloLimit hello;
    const SSL* ssl = nullptr;
};

// The method is to outlive what is made with it, and `wire` too.
[[nodiscard]] BioMethod memory_bio_method();
[[nodiscard]] Bio memory_bio(const BIO_METHOD* method, Wire& wire);

}  // namespace portreeve::tls
