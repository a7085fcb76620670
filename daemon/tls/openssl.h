// OpenSSL's objects with owners, and its errors as words.
//
// Owns: nothing. Called by: this folder alone. Bounds: none needed.
#pragma once

#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstdint>
#include <memory>
#include <string>

namespace portreeve::tls {

template <auto Free>
struct Freer {
    template <typename T>
    void operator()(T* one) const {
        Free(one);
    }
};
template <typename T, auto Free>
using Handle = std::unique_ptr<T, Freer<Free>>;

// What is a macro in OpenSSL's headers.
inline void free_chain(STACK_OF(X509) * chain) {
    sk_X509_pop_free(chain, X509_free);
}

using Bio = Handle<BIO, BIO_free>;
using BioMethod = Handle<BIO_METHOD, BIO_meth_free>;
using Certificate = Handle<X509, X509_free>;
using Chain = Handle<STACK_OF(X509), free_chain>;
using PrivateKey = Handle<EVP_PKEY, EVP_PKEY_free>;
using SslContext = Handle<SSL_CTX, SSL_CTX_free>;

// What OpenSSL said in this thread since its queue was cleared; the queue is empty then.
[[nodiscard]] std::string take_reason();

// In seconds since 1970; 0: it is none.
[[nodiscard]] std::int64_t seconds_of(const ASN1_TIME* time);

}  // namespace portreeve::tls
