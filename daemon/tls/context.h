// What all TLS connections have in common: the certificates by name, protocols and ciphers, and the
// keys of tickets. A reload makes another; connections keep the one that they began with.
//
// Which certificate: that of the name which the client asks for (SNI), word for word; else that of
// a wildcard, which stands for one label. Where there are several for a name, one of each kind of
// key, the client's signature algorithms decide. A client that names nothing, or an IP address,
// gets the first pair by the names of the files; one that names a host which nobody has gets the
// alert unrecognized_name.
//
// TLS 1.2 and 1.3, with Mozilla's intermediate ciphers but those of finite-field DH; no
// compression, no renegotiation, no early data, no client certificates. A session is resumed for
// the name that it was made for only.
//
// Owns: OpenSSL's contexts. Called by: Sessions, from any thread. Bounds: one of OpenSSL's contexts
// for each set of pairs that some name has.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

#include "daemon/tls/certificates.h"
#include "daemon/tls/ticket_keys.h"

namespace portreeve::tls {

class Context {
  public:
    struct Options {
        // What may be spoken (ALPN), the best first. curl --http1.0 offers nothing but http/1.0. A
        // client that offers only others gets the alert no_application_protocol.
        std::vector<std::string> protocols{"http/1.1", "http/1.0"};
    };

    // The error says what to do; the most likely one is that there are no certificates.
    [[nodiscard]] static tl::expected<std::shared_ptr<const Context>, std::string> make(
        Certificates certificates, std::shared_ptr<TicketKeys> tickets, Options options);
    [[nodiscard]] static tl::expected<std::shared_ptr<const Context>, std::string> make(
        Certificates certificates, std::shared_ptr<TicketKeys> tickets) {
        return make(std::move(certificates), std::move(tickets), Options());
    }

    Context(const Context&) = delete;
    Context& operator=(const Context&) = delete;
    Context(Context&&) = delete;
    Context& operator=(Context&&) = delete;
    ~Context();

    [[nodiscard]] const Certificates& certificates() const { return certificates_; }
    // Whether a client that names `host`, in lower case, is shown a certificate which is for it.
    [[nodiscard]] bool serves(std::string_view host) const;

    // For Session.
    struct Parts;  // daemon/tls/context_parts.h
    [[nodiscard]] const Parts& parts() const { return *parts_; }

  private:
    Context(Certificates certificates, std::unique_ptr<Parts> parts);

    Certificates certificates_;
    std::unique_ptr<Parts> parts_;
};

}  // namespace portreeve::tls
