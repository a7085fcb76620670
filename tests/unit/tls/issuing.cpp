#include "tests/unit/tls/issuing.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <sys/stat.h>

#include <stdexcept>

namespace portreeve::tls::test {
namespace {

void must(bool holds, const char* what) {
    if (!holds) {
        throw std::runtime_error(what);
    }
}

PrivateKey make_key(const std::string& kind) {
    PrivateKey key(kind == "EC"          ? EVP_EC_gen("P-256")
                   : kind == "RSA"       ? EVP_RSA_gen(2048)
                   : kind == "SMALL RSA" ? EVP_RSA_gen(1024)
                                         : EVP_PKEY_Q_keygen(nullptr, nullptr, kind.c_str()));
    must(key != nullptr, "no key was made");
    return key;
}

void extend(X509* certificate, int kind, const std::string& value) {
    const Handle<X509_EXTENSION, X509_EXTENSION_free> extension(
        X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str()));
    must(extension && X509_add_ext(certificate, extension.get(), -1) == 1, "no extension was made");
}

std::string read_all(BIO* bio) {
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(bio, &bytes);
    return {bytes, static_cast<std::size_t>(size)};
}

void set_names(X509* certificate, const std::vector<std::string>& names) {
    std::string list;
    for (const auto& name : names) {
        const bool is_address = name.find_first_not_of("0123456789.") == std::string::npos;
        const bool is_whole = name.find(':') != std::string::npos;
        list.append(list.empty() ? "" : ",");
        list.append(is_whole ? "" : is_address ? "IP:" : "DNS:").append(name);
    }
    if (!list.empty()) {
        extend(certificate, NID_subject_alt_name, list);
    }
}

}  // namespace

std::string Issued::pem() const {
    const Bio bio(BIO_new(BIO_s_mem()));
    must(PEM_write_bio_X509(bio.get(), certificate.get()) == 1, "no PEM");
    return read_all(bio.get());
}

std::string Issued::key_pem(const std::string& passphrase) const {
    const Bio bio(BIO_new(BIO_s_mem()));
    const auto* const words = reinterpret_cast<const unsigned char*>(passphrase.data());
    must(PEM_write_bio_PrivateKey(bio.get(), key.get(),
                                  passphrase.empty() ? nullptr : EVP_aes_128_cbc(), words,
                                  static_cast<int>(passphrase.size()), nullptr, nullptr) == 1,
         "no PEM");
    return read_all(bio.get());
}

std::string Issued::serial() const {
    return serial_of(certificate.get());
}

std::string serial_of(const X509* certificate) {
    const Handle<BIGNUM, BN_free> number(
        ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr));
    char* const text = BN_bn2hex(number.get());
    std::string hex = text;
    OPENSSL_free(text);
    return hex;
}

Issued issue(const Recipe& recipe, const Issued* issuer) {
    Issued made{.certificate = Certificate(X509_new()), .key = make_key(recipe.kind)};
    X509* const certificate = made.certificate.get();
    const Handle<BIGNUM, BN_free> serial(BN_new());
    must(BN_rand(serial.get(), 64, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1, "no random number");
    BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(certificate));
    X509_set_version(certificate, X509_VERSION_3);
    X509_gmtime_adj(X509_getm_notBefore(certificate), static_cast<long>(recipe.from_s));
    X509_gmtime_adj(X509_getm_notAfter(certificate), static_cast<long>(recipe.until_s));
    X509_set_pubkey(certificate, made.key.get());
    const auto common_name = recipe.names.empty() ? std::string("nobody") : recipe.names.front();
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1,
                               0);
    const X509* const signer = issuer != nullptr ? issuer->certificate.get() : certificate;
    X509_set_issuer_name(certificate, X509_get_subject_name(signer));
    set_names(certificate, recipe.is_authority ? std::vector<std::string>() : recipe.names);
    if (recipe.is_authority) {
        extend(certificate, NID_basic_constraints, "critical,CA:TRUE");
    }
    if (recipe.is_public) {
        extend(certificate, NID_info_access, "caIssuers;URI:http://ca.example/issuer.der");
    }
    EVP_PKEY* const key = issuer != nullptr ? issuer->key.get() : made.key.get();
    const bool is_ed = EVP_PKEY_is_a(key, "ED25519") == 1;
    must(X509_sign(certificate, key, is_ed ? nullptr : EVP_sha256()) > 0, "not signed");
    return made;
}

std::string ocsp_response(const Issued& about, const Issued& issuer, const Answer& answer) {
    const Handle<OCSP_BASICRESP, OCSP_BASICRESP_free> basic(OCSP_BASICRESP_new());
    const Handle<OCSP_CERTID, OCSP_CERTID_free> id(
        OCSP_cert_to_id(EVP_sha1(), about.certificate.get(), issuer.certificate.get()));
    const Handle<ASN1_TIME, ASN1_TIME_free> from(
        ASN1_GENERALIZEDTIME_adj(nullptr, now_s(), 0, -86400));
    const Handle<ASN1_TIME, ASN1_TIME_free> until(
        ASN1_GENERALIZEDTIME_adj(nullptr, now_s(), 0, static_cast<long>(answer.until_s)));
    must(OCSP_basic_add1_status(basic.get(), id.get(), answer.status, 0, from.get(), from.get(),
                                answer.until_s == 0 ? nullptr : until.get()) != nullptr,
         "no status");
    must(OCSP_basic_sign(basic.get(), issuer.certificate.get(), issuer.key.get(), EVP_sha256(),
                         nullptr, 0) == 1,
         "no signed response");
    const Handle<OCSP_RESPONSE, OCSP_RESPONSE_free> response(
        OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic.get()));
    unsigned char* der = nullptr;
    const int size = i2d_OCSP_RESPONSE(response.get(), &der);
    must(size > 0, "no response");
    std::string made(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
    OPENSSL_free(der);
    return made;
}

std::string ocsp_refusal() {
    return {"\x30\x03\x0a\x01\x03", 5};  // tryLater
}

void put(const Folder& folder, const std::string& name, const Issued& issued,
         const std::string& more) {
    static_cast<void>(folder.write(name + ".crt", issued.pem() + more));
    put_key(folder, name, issued.key_pem());
}

void put_key(const Folder& folder, const std::string& name, const std::string& pem) {
    const auto path = folder.write(name + ".key", pem);
    must(::chmod(path.c_str(), S_IRUSR | S_IWUSR) == 0, "chmod");
}

}  // namespace portreeve::tls::test
