#include "tests/unit/ssh/keygen.h"

#include <gtest/gtest.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <stdexcept>

#include "ssh/key_blob.h"

namespace portreeve::ssh::testing {
namespace {

constexpr std::string_view kApplication = "ssh:";

void must(bool holds, const char* what) {
    if (!holds) {
        throw std::runtime_error(what);
    }
}

const unsigned char* data_of(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

std::string wire_mpint(const BIGNUM* number) {
    std::string bytes(static_cast<std::size_t>(BN_num_bytes(number)), '\0');
    BN_bn2bin(number, reinterpret_cast<unsigned char*>(bytes.data()));
    const bool looks_negative = !bytes.empty() && (bytes.front() & 0x80) != 0;
    return wire_string((looks_negative ? std::string(1, '\0') : std::string()) + bytes);
}

std::string wire_param(const EVP_PKEY* key, const char* name) {
    BIGNUM* number = nullptr;
    must(EVP_PKEY_get_bn_param(key, name, &number) == 1, "a key has no such number");
    const std::string made = wire_mpint(number);
    BN_free(number);
    return made;
}

std::string point_of(const EVP_PKEY* key) {
    std::array<unsigned char, 256> bytes{};
    std::size_t size = 0;
    must(EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, bytes.data(), bytes.size(),
                                         &size) == 1,
         "a key has no public point");
    return {reinterpret_cast<const char*>(bytes.data()), size};
}

std::string sha256(std::string_view data) {
    std::string digest(32, '\0');
    must(EVP_Digest(data.data(), data.size(), reinterpret_cast<unsigned char*>(digest.data()),
                    nullptr, EVP_sha256(), nullptr) == 1,
         "no SHA256");
    return digest;
}

// OpenSSL signs in DER what SSH writes as two numbers.
std::string pair_of(const std::string& der) {
    const unsigned char* at = data_of(der);
    ECDSA_SIG* pair = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size()));
    must(pair != nullptr, "not a signature");
    const std::string made =
        wire_mpint(ECDSA_SIG_get0_r(pair)) + wire_mpint(ECDSA_SIG_get0_s(pair));
    ECDSA_SIG_free(pair);
    return made;
}

std::vector<std::byte> to_vector(const std::string& text) {
    const Bytes bytes = as_bytes(text);
    return {bytes.begin(), bytes.end()};
}

}  // namespace

std::string output_of(const std::string& command) {
    std::string output;
    FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
    must(pipe != nullptr, "no pipe");
    std::array<char, 4096> buffer{};
    while (std::fgets(buffer.data(), buffer.size(), pipe) != nullptr) {
        output += buffer.data();
    }
    return ::pclose(pipe) == 0 ? output : "failed: " + output;
}

std::string base64_of(const std::string& public_file) {
    std::ifstream stream(public_file);
    std::string type;
    std::string base64;
    stream >> type >> base64;
    return base64;
}

std::vector<std::byte> blob_of(const std::string& public_file) {
    return from_base64(base64_of(public_file)).value();
}

PublicKey key_of(const std::string& public_file) {
    return parse_key_blob(blob_of(public_file)).value();
}

std::string wire_number(std::uint64_t value, std::size_t bytes) {
    std::string made;
    for (std::size_t left = bytes; left > 0; --left) {
        made.push_back(static_cast<char>(value >> (left - 1) * 8 & 0xFFU));
    }
    return made;
}

std::string wire_string(std::string_view text) {
    return wire_number(text.size(), 4) + std::string(text);
}

std::string wire_option(std::string_view name, std::string_view data) {
    return wire_string(name) + wire_string(data);
}

void Keygen::run(const std::string& options) const {
    const std::string output =
        output_of("cd " + folder_.path() + " && ssh-keygen -q " + options + " </dev/null");
    EXPECT_FALSE(output.starts_with("failed: ")) << options << ": " << output;
}

void Keygen::make_key(const std::string& name, const std::string& type) {
    if (type == "ed25519-sk" || type == "ecdsa-sk") {
        const Authority device(type == "ecdsa-sk" ? Authority::Kind::security_ecdsa
                                                  : Authority::Kind::security_ed25519);
        WireReader in(as_bytes(device.blob()));
        const std::string type_name = in.text("type");
        folder_.write(name + ".pub", type_name + " " + to_base64(as_bytes(device.blob())) + "\n");
        return;
    }
    const std::size_t dash = type.find('-');
    const std::string size = dash == std::string::npos ? "" : " -b " + type.substr(dash + 1);
    run("-N '' -C someone -t " + type.substr(0, dash) + size + (type == "rsa" ? " -b 2048" : "") +
        " -f " + name);
}

std::vector<std::byte> Keygen::certify(const std::string& name, const std::string& authority,
                                       const std::string& options) {
    run("-s " + authority + " -I someone " + options + " " + name + ".pub");
    return blob_of(path(name + "-cert.pub"));
}

std::string Keygen::show(const std::vector<std::byte>& certificate, const std::string& type) const {
    const std::string file =
        folder_.write("shown-cert.pub", type + " " + to_base64(certificate) + "\n");
    return output_of("ssh-keygen -L -f " + file);
}

Authority::Authority(Kind kind) : kind_(kind) {
    EVP_PKEY* made = nullptr;
    std::string fields;
    switch (kind) {
        case Kind::rsa:
            made = EVP_RSA_gen(2048U);
            type_ = "ssh-rsa";
            fields =
                wire_param(made, OSSL_PKEY_PARAM_RSA_E) + wire_param(made, OSSL_PKEY_PARAM_RSA_N);
            break;
        case Kind::ecdsa:
        case Kind::security_ecdsa:
            made = EVP_EC_gen("P-256");
            type_ =
                kind == Kind::ecdsa ? "ecdsa-sha2-nistp256" : "sk-ecdsa-sha2-nistp256@openssh.com";
            fields = wire_string("nistp256") + wire_string(point_of(made));
            break;
        case Kind::ed25519:
        case Kind::security_ed25519:
            made = EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
            type_ = kind == Kind::ed25519 ? "ssh-ed25519" : "sk-ssh-ed25519@openssh.com";
            fields = wire_string(point_of(made));
            break;
    }
    key_.reset(made, EVP_PKEY_free);
    blob_ = wire_string(type_) + fields;
    if (type_.starts_with("sk-")) {
        blob_ += wire_string(kApplication);
    }
}

std::string Authority::raw_signature(std::string_view data, const char* digest) const {
    const std::shared_ptr<EVP_MD_CTX> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    std::string made(1024, '\0');
    std::size_t size = made.size();
    must(EVP_DigestSignInit_ex(context.get(), nullptr, digest, nullptr, nullptr, key_.get(),
                               nullptr) == 1 &&
             EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(made.data()), &size,
                            data_of(data), data.size()) == 1,
         "cannot be signed");
    made.resize(size);
    return made;
}

std::string Authority::sign(std::string_view data, const std::string& algorithm) const {
    const std::string touched_once = std::string("\x01", 1) + wire_number(1, 4);
    switch (kind_) {
        case Kind::ed25519:
            return wire_string(type_) + wire_string(raw_signature(data, nullptr));
        case Kind::rsa: {
            const std::string name = algorithm.empty() ? "rsa-sha2-512" : algorithm;
            const char* digest = name == "ssh-rsa"        ? "SHA1"
                                 : name == "rsa-sha2-256" ? "SHA256"
                                                          : "SHA512";
            return wire_string(name) + wire_string(raw_signature(data, digest));
        }
        case Kind::ecdsa:
            return wire_string(type_) + wire_string(pair_of(raw_signature(data, "SHA256")));
        case Kind::security_ed25519:
        case Kind::security_ecdsa: {
            const std::string wrapped = sha256(kApplication) + touched_once + sha256(data);
            const std::string value = kind_ == Kind::security_ed25519
                                          ? raw_signature(wrapped, nullptr)
                                          : pair_of(raw_signature(wrapped, "SHA256"));
            return wire_string(type_) + wire_string(value) + touched_once;
        }
    }
    return {};
}

std::vector<std::byte> Authority::certify(const std::string& body) const {
    const std::string data = body + wire_string(blob_);
    return to_vector(data + wire_string(sign(data)));
}

std::string CertificateBody::text() const {
    static const std::string default_key = [] {
        const Authority made(Authority::Kind::ed25519);
        WireReader in(as_bytes(made.blob()));
        in.string("type");
        return std::string(as_text(in.left()));
    }();
    return wire_string(type) + wire_string("nonce") +
           (key_fields.empty() ? default_key : key_fields) + wire_number(serial, 8) +
           wire_number(kind, 4) + wire_string(key_id) + wire_string(principals) +
           wire_number(valid_after_s, 8) + wire_number(valid_before_s, 8) + wire_string(critical) +
           wire_string(extensions) + wire_string("");
}

}  // namespace portreeve::ssh::testing
