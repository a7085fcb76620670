// Keys, certificates and revocation lists as the real ssh-keygen makes them, and the same with a
// signature of our own where ssh-keygen would not sign what a test needs.
#pragma once

#include <openssl/evp.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ssh/keys.h"
#include "ssh/wire_reader.h"
#include "tests/unit/ssh/folder.h"

namespace portreeve::ssh::testing {

// The output of a shell command; "failed: " in front if it does not end with 0.
std::string output_of(const std::string& command);

// A line's second word, which in a file.pub is the key.
std::string base64_of(const std::string& public_file);
std::vector<std::byte> blob_of(const std::string& public_file);
PublicKey key_of(const std::string& public_file);

// SSH's wire encoding of numbers and strings.
std::string wire_number(std::uint64_t value, std::size_t bytes);
std::string wire_string(std::string_view text);

// Runs ssh-keygen in a folder of its own. File names are relative to it.
class Keygen {
  public:
    // Makes NAME and NAME.pub; a security key has only NAME.pub, because there is no device. Types
    // are ssh-keygen's: ed25519, rsa, ecdsa-256, ecdsa-384, ecdsa-521, ed25519-sk, ecdsa-sk.
    void make_key(const std::string& name, const std::string& type = "ed25519");
    // Signs NAME.pub: makes NAME-cert.pub, and returns it as a blob.
    std::vector<std::byte> certify(const std::string& name, const std::string& authority,
                                   const std::string& options = "-n alice");
    // Runs `ssh-keygen OPTIONS`, which must succeed.
    void run(const std::string& options) const;
    // What ssh-keygen -L prints of a certificate: it checks the signature.
    [[nodiscard]] std::string show(const std::vector<std::byte>& certificate,
                                   const std::string& type) const;

    [[nodiscard]] const Folder& folder() const { return folder_; }
    [[nodiscard]] std::string path(const std::string& name) const { return folder_.path(name); }
    [[nodiscard]] PublicKey key(const std::string& name) const {
        return key_of(path(name + ".pub"));
    }

  private:
    Folder folder_;
};

// An authority whose private key is OpenSSL's, for what ssh-keygen does not sign: certificates that
// are wrong in some way, and those of a security key.
class Authority {
  public:
    enum class Kind { ed25519, rsa, ecdsa, security_ed25519, security_ecdsa };
    explicit Authority(Kind kind);

    [[nodiscard]] const std::string& blob() const { return blob_; }
    // The wire form of a signature. `digest` is for RSA.
    [[nodiscard]] std::string sign(std::string_view data,
                                   const std::string& algorithm = std::string()) const;
    // A certificate that says `body`, all up to the authority's key, signed.
    [[nodiscard]] std::vector<std::byte> certify(const std::string& body) const;

  private:
    [[nodiscard]] std::string raw_signature(std::string_view data, const char* digest) const;

    Kind kind_;
    std::string type_;
    std::string blob_;
    std::shared_ptr<EVP_PKEY> key_;
};

// The fields of a certificate of an ed25519 key, each as it stands on the wire without its length.
// What is left as it is makes a good one for alice.
struct CertificateBody {
    std::string type = "ssh-ed25519-cert-v01@openssh.com";
    std::string key_fields;  // the certified key's, with their lengths; made if empty
    std::uint64_t serial = 7;
    std::uint32_t kind = 1;
    std::string key_id = "someone";
    std::string principals = wire_string("alice");
    std::uint64_t valid_after_s = 1000;
    std::uint64_t valid_before_s = 2000;
    std::string critical;
    std::string extensions;

    [[nodiscard]] std::string text() const;
};

// One option as it stands in a certificate.
std::string wire_option(std::string_view name, std::string_view data = {});

}  // namespace portreeve::ssh::testing
