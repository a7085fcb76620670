// OpenSSL as a client, in memory.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/tls/openssl.h"

namespace portreeve::tls::test {

using Ssl = Handle<SSL, SSL_free>;
using Ticket = Handle<SSL_SESSION, SSL_SESSION_free>;

// How the client is set.
struct Wishes {
    std::string host = "a.example";  // empty: it names none
    int version_min = TLS1_2_VERSION;
    int version_max = TLS1_3_VERSION;
    std::string signatures = {};              // OpenSSL's names; empty: its own choice
    std::string groups = {};                  // likewise
    std::string ciphers = {};                 // of TLS 1.2 and before
    std::vector<std::string> protocols = {};  // ALPN
    bool asks_for_status = false;             // OCSP
    SSL_SESSION* ticket = nullptr;            // to resume
};

class Client {
  public:
    explicit Client(const Wishes& wishes);

    // Goes on with the handshake, or reads what there is to `got`.
    void step();
    void receive(std::string_view cipher);
    [[nodiscard]] std::string take_output();
    void write(std::string_view plain);
    void close_notify();

    [[nodiscard]] bool is_established() const { return SSL_is_init_finished(ssl_.get()) == 1; }
    [[nodiscard]] const std::string& error() const { return error_; }  // OpenSSL's words
    // The newest one, to come again with.
    [[nodiscard]] const std::vector<Ticket>& tickets() const { return *tickets_; }
    [[nodiscard]] SSL* ssl() { return ssl_.get(); }

    [[nodiscard]] std::string serial() const;  // of the server's certificate
    [[nodiscard]] int chain_length() const;    // of what it sent, with its own
    [[nodiscard]] std::string protocol() const;
    [[nodiscard]] std::string status() const;  // the OCSP response

    std::string got;
    bool got_close_notify = false;

  private:
    std::unique_ptr<std::vector<Ticket>> tickets_ = std::make_unique<std::vector<Ticket>>();
    SslContext context_;
    Ssl ssl_;
    std::string error_;
};

}  // namespace portreeve::tls::test
