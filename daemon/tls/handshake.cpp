#include "daemon/tls/handshake.h"

#include <openssl/err.h>

#include <algorithm>
#include <chrono>
#include <cstring>

#include "daemon/tls/asked.h"
#include "daemon/tls/host_name.h"

namespace portreeve::tls {
namespace {

// Mozilla's intermediate list, without finite-field DH, which costs a server much and a client
// little. All are good, so the client says which is fastest for it.
constexpr const char* kCiphers12 =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* kCiphers13 =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* kGroups = "X25519:P-256:P-384";
// As long as the oldest ticket can be opened, at the least.
constexpr long kTicketS = TicketKeys::kRotateS * static_cast<long>(TicketKeys::kKeys - 1);

const Context::Parts& parts_of(const SSL* ssl) {
    return *static_cast<const Context::Parts*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
}

Asked& asked_of(const SSL* ssl) {
    return *static_cast<Asked*>(SSL_get_app_data(ssl));
}

// A session is resumed for the host that it was made for (RFC 6066, section 3), whatever other
// hosts have the same certificate.
bool bind_sessions_to(SSL* ssl, const std::string& host) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    return EVP_Digest(host.data(), host.size(), digest.data(), &size, EVP_sha256(), nullptr) == 1 &&
           SSL_set_session_id_context(ssl, digest.data(), size) == 1;
}

// Before OpenSSL looks at anything in it: which certificate, and so which of our contexts.
int on_client_hello(SSL* ssl, int* alert, void* /*ours*/) noexcept {
    Asked& asked = asked_of(ssl);
    const unsigned char* bytes = nullptr;
    std::size_t size = 0;
    AskedHost host;
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &bytes, &size) == 1) {
        host = asked_host({reinterpret_cast<const char*>(bytes), size});
    }
    if (host.is_broken) {
        asked.why_not = "the client asks for what is no name of a host";
        *alert = SSL_AD_DECODE_ERROR;
        return SSL_CLIENT_HELLO_ERROR;
    }
    const auto& parts = parts_of(ssl);
    SSL_CTX* const context = host.name.empty() ? parts.for_nobody : parts.find(host.name);
    asked.server_name = std::move(host.name);
    if (context == nullptr) {
        asked.why_not = "there is no certificate for " + asked.server_name;
        *alert = SSL_AD_UNRECOGNIZED_NAME;
        return SSL_CLIENT_HELLO_ERROR;
    }
    if (SSL_set_SSL_CTX(ssl, context) == nullptr || !bind_sessions_to(ssl, asked.server_name)) {
        *alert = SSL_AD_INTERNAL_ERROR;
        return SSL_CLIENT_HELLO_ERROR;
    }
    return SSL_CLIENT_HELLO_SUCCESS;
}

// The name was taken; that is said to the client.
int on_server_name(SSL* /*ssl*/, int* /*alert*/, void* /*ours*/) noexcept {
    return SSL_TLSEXT_ERR_OK;
}

// `offered` is a list of names with their lengths, whose form OpenSSL has checked.
bool is_offered(std::string_view offered, std::string_view protocol) {
    while (!offered.empty()) {
        const auto size = static_cast<std::size_t>(static_cast<unsigned char>(offered.front()));
        if (offered.substr(1, size) == protocol) {
            return true;
        }
        offered.remove_prefix(std::min(size + 1, offered.size()));
    }
    return false;
}

int on_protocols(SSL* ssl, const unsigned char** chosen, unsigned char* chosen_size,
                 const unsigned char* offered, unsigned offered_size, void* /*ours*/) noexcept {
    const std::string_view list(reinterpret_cast<const char*>(offered), offered_size);
    for (const auto& protocol : parts_of(ssl).protocols) {
        if (is_offered(list, protocol)) {
            *chosen = reinterpret_cast<const unsigned char*>(protocol.data());
            *chosen_size = static_cast<unsigned char>(protocol.size());
            return SSL_TLSEXT_ERR_OK;
        }
    }
    asked_of(ssl).why_not = "the client speaks none of our protocols";
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

// The certificate is chosen by now. What is set is OpenSSL's to free.
int on_status_request(SSL* ssl, void* /*ours*/) noexcept {
    const auto& staples = parts_of(ssl).staples;
    const auto found = staples.find(SSL_get_certificate(ssl));
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    if (found == staples.end() ||
        !found->second->is_good_at(std::chrono::duration_cast<std::chrono::seconds>(now).count())) {
        return SSL_TLSEXT_ERR_NOACK;
    }
    const std::string& response = found->second->response;
    void* const copy = OPENSSL_memdup(response.data(), response.size());
    if (copy == nullptr ||
        SSL_set_tlsext_status_ocsp_resp(ssl, copy, static_cast<long>(response.size())) != 1) {
        OPENSSL_free(copy);
        return SSL_TLSEXT_ERR_NOACK;
    }
    return SSL_TLSEXT_ERR_OK;
}

int on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
              EVP_MAC_CTX* mac, int is_new) noexcept {
    TicketKeys& keys = *parts_of(ssl).tickets;
    return is_new != 0 ? keys.seal(name, iv, cipher, mac)
                       : keys.open(name, iv, cipher, mac, SSL_version(ssl) == TLS1_3_VERSION);
}

bool set_protocols(SSL_CTX* context) {
    SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    // Tickets alone: nothing is kept for a client here.
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_set_timeout(context, kTicketS);
    return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(context, kCiphers12) == 1 &&
           SSL_CTX_set_ciphersuites(context, kCiphers13) == 1 &&
           SSL_CTX_set1_groups_list(context, kGroups) == 1;
}

// As OpenSSL's macros do it, which cast in C's way.
template <class Callback>
void set_callback(SSL_CTX* context, int which, Callback* callback) {
    SSL_CTX_callback_ctrl(context, which, reinterpret_cast<void (*)()>(callback));
}

void set_answers(SSL_CTX* context, const Context::Parts& parts) {
    SSL_CTX_set_app_data(context, const_cast<Context::Parts*>(&parts));
    SSL_CTX_set_client_hello_cb(context, on_client_hello, nullptr);
    set_callback(context, SSL_CTRL_SET_TLSEXT_SERVERNAME_CB, on_server_name);
    SSL_CTX_set_alpn_select_cb(context, on_protocols, nullptr);
    set_callback(context, SSL_CTRL_SET_TLSEXT_STATUS_REQ_CB, on_status_request);
    SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket);
}

}  // namespace

tl::expected<SslContext, std::string> make_ssl_context(const PairSet& pairs,
                                                       const Context::Parts& parts) {
    ERR_clear_error();
    SslContext context(SSL_CTX_new(TLS_server_method()));
    if (!context || !set_protocols(context.get())) {
        return tl::unexpected("OpenSSL cannot be set up for TLS 1.2 and 1.3: " + take_reason());
    }
    set_answers(context.get(), parts);
    for (const auto& pair : pairs) {
        if (SSL_CTX_use_cert_and_key(context.get(), pair->leaf.get(), pair->key.get(),
                                     pair->chain.get(), 1) != 1) {
            return tl::unexpected(pair->file + " cannot be served: " + take_reason());
        }
    }
    return context;
}

}  // namespace portreeve::tls
