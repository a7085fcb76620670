#include "daemon/tls/session.h"

#include <openssl/err.h>

#include <algorithm>

#include "daemon/tls/context_parts.h"
#include "daemon/tls/host_name.h"
#include "daemon/tls/memory_bio.h"

namespace portreeve::tls {
namespace {

// A fatal record_overflow, as it goes over the wire before anything is encrypted.
constexpr std::string_view kTooLong("\x15\x03\x03\x00\x02\x02\x16", 7);

// What OpenSSL's queue says of a client that sent an alert, or of what it sent; the queue is empty
// then.
std::string why_failed(bool is_established) {
    const unsigned long first = ERR_peek_error();
    const int reason = ERR_GET_REASON(first);
    if (ERR_GET_LIB(first) == ERR_LIB_SSL && reason > SSL_AD_REASON_OFFSET) {
        ERR_clear_error();
        return std::string("the client refuses: ") +
               SSL_alert_desc_string_long(reason - SSL_AD_REASON_OFFSET);
    }
    return (is_established ? "what it sent is broken: " : "the handshake failed: ") + take_reason();
}

}  // namespace

void Session::Free::operator()(ssl_st* ssl) const {
    SSL_free(ssl);
}

Session::Session(std::shared_ptr<const Context> context, Output& output)
    : context_(std::move(context)), wire_(std::make_unique<Wire>(output)) {
    ERR_clear_error();
    const auto& parts = context_->parts();
    std::unique_ptr<ssl_st, Free> ssl(SSL_new(parts.for_nobody));
    Bio bio = memory_bio(parts.bio_method.get(), *wire_);
    if (!ssl || !bio) {
        fail("it cannot be begun: " + take_reason());
        return;
    }
    wire_->ssl = ssl.get();
    SSL_set_app_data(ssl.get(), &asked_);
    BIO* const both = bio.release();
    SSL_set_bio(ssl.get(), both, both);
    SSL_set_accept_state(ssl.get());
    ssl_ = std::move(ssl);
}

Session::~Session() = default;

std::size_t Session::read(std::string_view& cipher, std::span<char> plain) {
    if (is_over() || got_close_notify_) {
        cipher = {};  // nobody wants it
        return 0;
    }
    ERR_clear_error();
    wire_->input = cipher;
    std::size_t filled = 0;
    int result = 1;
    while (result == 1 && filled < plain.size()) {
        std::size_t got = 0;
        result = SSL_read_ex(ssl_.get(), plain.data() + filled, plain.size() - filled, &got);
        filled += got;
    }
    cipher = std::exchange(wire_->input, {});
    note_established();
    if (result != 1 && note_end(result)) {
        cipher = {};
    }
    return filled;
}

bool Session::write(std::string_view plain) {
    if (is_over() || !is_established_ || sent_close_notify_) {
        return false;
    }
    if (plain.empty()) {
        return true;
    }
    ERR_clear_error();
    std::size_t taken = 0;
    if (SSL_write_ex(ssl_.get(), plain.data(), plain.size(), &taken) != 1) {
        // The output takes everything; but a message of the client's that came in part has to be
        // read first, and there is no client that sends its few bytes in parts.
        fail(ERR_peek_error() != 0 ? why_failed(true) : "it sent part of a message");
        return false;
    }
    return true;
}

void Session::close_notify() {
    if (is_over() || !is_established_ || sent_close_notify_) {
        return;
    }
    sent_close_notify_ = true;
    ERR_clear_error();
    static_cast<void>(SSL_shutdown(ssl_.get()));
    ERR_clear_error();
}

void Session::note_established() {
    if (is_established_ || SSL_is_init_finished(ssl_.get()) == 0) {
        return;
    }
    is_established_ = true;
    wire_->hello.finish();
    SSL_set_tlsext_status_ocsp_resp(ssl_.get(), nullptr, 0);  // it has been sent
}

bool Session::note_end(int result) {
    switch (SSL_get_error(ssl_.get(), result)) {
        case SSL_ERROR_WANT_READ:
            return false;
        case SSL_ERROR_ZERO_RETURN:
            got_close_notify_ = true;
            return true;
        default:
            break;
    }
    if (wire_->hello.is_exceeded()) {
        wire_->output.append(kTooLong);
        fail("the client's greeting is longer than that of any client");
    } else {
        fail(why_failed(is_established_));
    }
    return true;
}

void Session::fail(std::string why) {
    error_ = asked_.why_not.empty() ? std::move(why) : asked_.why_not;
    ERR_clear_error();
}

bool Session::is_for(std::string_view host) const {
    if (!ssl_ || host.empty()) {
        return false;
    }
    // It was chosen for that; or for nothing, and then whoever goes on with it may be right.
    if (host == asked_.server_name || asked_.server_name.empty()) {
        return true;
    }
    const std::string wildcard = wildcard_for(host);
    const auto& pairs = context_->certificates().pairs();
    return std::any_of(pairs.begin(), pairs.end(), [&](const auto& pair) {
        return pair->leaf.get() == SSL_get_certificate(ssl_.get()) &&
               std::any_of(pair->names.begin(), pair->names.end(), [&](const std::string& name) {
                   return name == host || (!wildcard.empty() && name == wildcard);
               });
    });
}

std::string_view Session::protocol() const {
    const unsigned char* name = nullptr;
    unsigned size = 0;
    if (ssl_) {
        SSL_get0_alpn_selected(ssl_.get(), &name, &size);
    }
    return {reinterpret_cast<const char*>(name), size};
}

std::string_view Session::version() const {
    return ssl_ ? SSL_get_version(ssl_.get()) : "";
}

bool Session::is_resumed() const {
    return ssl_ && SSL_session_reused(ssl_.get()) == 1;
}

}  // namespace portreeve::tls
