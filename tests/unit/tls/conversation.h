// A Session and OpenSSL as its client, both in memory: what the one sends is given to the other.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/tls/openssl.h"
#include "daemon/tls/session.h"
#include "tests/unit/tls/issuing.h"

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

class Sent : public Output {
  public:
    void append(std::string_view cipher) noexcept override {
        bytes.append(cipher);
        sizes.push_back(cipher.size());
    }
    [[nodiscard]] std::string take() { return std::exchange(bytes, {}); }

    std::string bytes;
    std::vector<std::size_t> sizes;
};

struct Server {
    explicit Server(std::shared_ptr<const Context> context) : session(std::move(context), output) {}

    // Gives it all, so many bytes at a time, and collects what they say in `got`.
    void receive(std::string_view cipher, std::size_t step = std::string_view::npos,
                 std::size_t room = 20'000);

    Sent output;
    Session session;
    std::string got;
};

// Until neither has anything to say.
void talk(Client& client, Server& server, std::size_t step = std::string_view::npos);

// A folder of certificates, and what serves it.
class Site {
  public:
    Site() : tickets(std::make_shared<TicketKeys>(0)) {}

    // A certificate in a.crt or the like; its serial number.
    std::string add(const std::string& label, const Recipe& recipe);
    [[nodiscard]] Certificates read(std::int64_t at_s = now_s()) const {
        return Certificates::read(folder.path(), at_s);
    }
    [[nodiscard]] std::shared_ptr<const Context> context(Context::Options options = {}) const;

    Folder folder;
    std::shared_ptr<TicketKeys> tickets;
};

}  // namespace portreeve::tls::test
