// Certificates as tests need them, made by OpenSSL in this process: good ones, and those that are
// wrong in some way.
#pragma once

#include <cstdint>
#include <ctime>
#include <string>
#include <vector>

#include "daemon/tls/openssl.h"
#include "tests/unit/ssh/folder.h"

namespace portreeve::tls::test {

using ssh::testing::Folder;

struct Recipe {
    // Hosts and IPv4 addresses; or what else there is, with its kind: "URI:b.example".
    std::vector<std::string> names = {"a.example"};
    std::string kind = "EC";       // "EC", "RSA", "ED25519", "SMALL RSA"
    std::int64_t from_s = -3600;   // from now
    std::int64_t until_s = 86400;  // from now
    bool is_authority = false;
    bool is_public = false;  // says where its issuer's certificate is to be had
};

struct Issued {
    Certificate certificate;
    PrivateKey key;

    [[nodiscard]] std::string pem() const;
    [[nodiscard]] std::string key_pem(const std::string& passphrase = {}) const;
    // Which one it is.
    [[nodiscard]] std::string serial() const;
};

std::string serial_of(const X509* certificate);

// Signed by itself without an issuer.
Issued issue(const Recipe& recipe, const Issued* issuer = nullptr);

// What an authority's responder would say of `about`.
struct Answer {
    int status = V_OCSP_CERTSTATUS_GOOD;
    std::int64_t until_s = 3600;  // from now; 0: it names no end
};
std::string ocsp_response(const Issued& about, const Issued& issuer, const Answer& answer = {});
std::string ocsp_refusal();

// Writes NAME.crt and NAME.key, the latter for its owner alone; `more` are the certificates that
// follow the first.
void put(const Folder& folder, const std::string& name, const Issued& issued,
         const std::string& more = {});
void put_key(const Folder& folder, const std::string& name, const std::string& pem);

inline std::int64_t now_s() {
    return std::time(nullptr);
}

}  // namespace portreeve::tls::test
