#include "tests/unit/tls/client.h"

#include <openssl/err.h>

#include <array>
#include <stdexcept>

#include "tests/unit/tls/issuing.h"

namespace portreeve::tls::test {
namespace {

void must(bool holds, const char* what) {
    if (!holds) {
        throw std::runtime_error(what);
    }
}

int keep_ticket(SSL* ssl, SSL_SESSION* ticket) {
    auto& kept = *static_cast<std::vector<Ticket>*>(SSL_get_app_data(ssl));
    kept.emplace_back(ticket);
    return 1;  // it is ours now
}

void set(SSL_CTX* context, const Wishes& wishes) {
    // So that it offers what is long out of use.
    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_min_proto_version(context, wishes.version_min);
    SSL_CTX_set_max_proto_version(context, wishes.version_max);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, keep_ticket);
    must(wishes.signatures.empty() ||
             SSL_CTX_set1_sigalgs_list(context, wishes.signatures.c_str()) == 1,
         "no such signatures");
    must(wishes.groups.empty() || SSL_CTX_set1_groups_list(context, wishes.groups.c_str()) == 1,
         "no such groups");
    must(wishes.ciphers.empty() || SSL_CTX_set_cipher_list(context, wishes.ciphers.c_str()) == 1,
         "no such ciphers");
}

void set(SSL* ssl, const Wishes& wishes) {
    if (!wishes.host.empty()) {
        // As the macro does it, which casts in C's way.
        must(SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                      const_cast<char*>(wishes.host.c_str())) == 1,
             "no such host");
    }
    std::string protocols;
    for (const auto& protocol : wishes.protocols) {
        protocols.append(1, static_cast<char>(protocol.size())).append(protocol);
    }
    must(protocols.empty() ||
             SSL_set_alpn_protos(ssl, reinterpret_cast<const unsigned char*>(protocols.data()),
                                 static_cast<unsigned>(protocols.size())) == 0,
         "no such protocols");
    if (wishes.asks_for_status) {
        SSL_set_tlsext_status_type(ssl, TLSEXT_STATUSTYPE_ocsp);
    }
    must(wishes.ticket == nullptr || SSL_set_session(ssl, wishes.ticket) == 1, "no such ticket");
}

}  // namespace

Client::Client(const Wishes& wishes) : context_(SSL_CTX_new(TLS_client_method())) {
    set(context_.get(), wishes);
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_app_data(ssl_.get(), tickets_.get());
    set(ssl_.get(), wishes);
    SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    BIO_set_mem_eof_return(SSL_get_rbio(ssl_.get()), -1);
    SSL_set_connect_state(ssl_.get());
}

void Client::step() {
    std::array<char, 4096> plain{};
    while (error_.empty() && !got_close_notify) {
        ERR_clear_error();
        const int size = SSL_read(ssl_.get(), plain.data(), static_cast<int>(plain.size()));
        if (size > 0) {
            got.append(plain.data(), static_cast<std::size_t>(size));
            continue;
        }
        const int why = SSL_get_error(ssl_.get(), size);
        got_close_notify = why == SSL_ERROR_ZERO_RETURN;
        if (why == SSL_ERROR_WANT_READ) {
            return;
        }
        if (!got_close_notify) {
            error_ = take_reason();
        }
    }
}

void Client::receive(std::string_view cipher) {
    if (!cipher.empty()) {
        must(BIO_write(SSL_get_rbio(ssl_.get()), cipher.data(), static_cast<int>(cipher.size())) ==
                 static_cast<int>(cipher.size()),
             "not received");
    }
}

std::string Client::take_output() {
    BIO* const out = SSL_get_wbio(ssl_.get());
    std::string cipher(BIO_ctrl_pending(out), '\0');
    if (!cipher.empty()) {
        must(BIO_read(out, cipher.data(), static_cast<int>(cipher.size())) ==
                 static_cast<int>(cipher.size()),
             "not read");
    }
    return cipher;
}

void Client::write(std::string_view plain) {
    must(SSL_write(ssl_.get(), plain.data(), static_cast<int>(plain.size())) ==
             static_cast<int>(plain.size()),
         "the client cannot write");
}

void Client::close_notify() {
    must(SSL_shutdown(ssl_.get()) >= 0, "the client cannot close");
}

std::string Client::serial() const {
    const X509* const shown = SSL_get0_peer_certificate(ssl_.get());
    return shown != nullptr ? serial_of(shown) : std::string();
}

int Client::chain_length() const {
    return sk_X509_num(SSL_get_peer_cert_chain(ssl_.get()));
}

std::string Client::protocol() const {
    const unsigned char* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl_.get(), &name, &size);
    return {reinterpret_cast<const char*>(name), size};
}

std::string Client::status() const {
    const unsigned char* response = nullptr;
    const long size = SSL_get_tlsext_status_ocsp_resp(ssl_.get(), &response);
    return size > 0 ? std::string(reinterpret_cast<const char*>(response),
                                  static_cast<std::size_t>(size))
                    : std::string();
}

}  // namespace portreeve::tls::test
