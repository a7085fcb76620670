#include "daemon/tls/pair.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <algorithm>
#include <optional>

#include "daemon/tls/file.h"
#include "daemon/tls/host_name.h"

namespace portreeve::tls {
namespace {

using Names = Handle<GENERAL_NAMES, GENERAL_NAMES_free>;
using Places = Handle<AUTHORITY_INFO_ACCESS, AUTHORITY_INFO_ACCESS_free>;

tl::expected<FileText, std::string> read_needed(const std::string& path, const char* what) {
    auto file = read_file(path);
    if (!file) {
        return tl::unexpected(path + " " + file.error());
    }
    if (!file->is_there) {
        return tl::unexpected(path + " is not there: " + what);
    }
    return file;
}

Bio bio_on(const std::string& text) {
    return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// Every certificate of the text; an empty chain if one of them is broken.
Chain certificates_in(const std::string& text) {
    const Bio bio = bio_on(text);
    Chain all(sk_X509_new_null());
    while (bio && all) {
        X509* const one = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr);
        if (one == nullptr) {
            break;
        }
        if (sk_X509_push(all.get(), one) <= 0) {
            X509_free(one);
            return {};
        }
    }
    const bool at_the_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    return at_the_end ? std::move(all) : Chain();
}

// Never asks at the terminal for a passphrase, but notes that one is wanted.
int note_passphrase(char* /*to*/, int /*size*/, int /*writing*/, void* wanted) {
    *static_cast<bool*>(wanted) = true;
    return -1;
}

tl::expected<PrivateKey, std::string> key_in(const std::string& path, const std::string& text) {
    const Bio bio = bio_on(text);
    bool passphrase_wanted = false;
    PrivateKey key(
        bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, note_passphrase, &passphrase_wanted)
            : nullptr);
    ERR_clear_error();
    if (passphrase_wanted) {
        return tl::unexpected(path +
                              " has a passphrase, which nobody is there to type: take it off with "
                              "`openssl pkey -in " +
                              path + " -out NEW`");
    }
    if (!key) {
        return tl::unexpected(path + " has no private key in PEM (-----BEGIN PRIVATE KEY-----)");
    }
    return key;
}

std::vector<std::string> names_of(const X509* leaf) {
    std::vector<std::string> names;
    const Names found(static_cast<GENERAL_NAMES*>(
        X509_get_ext_d2i(leaf, NID_subject_alt_name, nullptr, nullptr)));
    ERR_clear_error();
    const int count = found ? sk_GENERAL_NAME_num(found.get()) : 0;
    for (int i = 0; i < count; ++i) {
        int kind = 0;
        const void* const value =
            GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(found.get(), i), &kind);
        if (kind != GEN_DNS) {
            continue;
        }
        const auto* const text = static_cast<const ASN1_STRING*>(value);
        const auto name =
            certificate_name({reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                              static_cast<std::size_t>(ASN1_STRING_length(text))});
        if (name && std::find(names.begin(), names.end(), *name) == names.end()) {
            names.push_back(*name);
        }
    }
    return names;
}

// Public authorities say where the certificate is to be had that theirs was signed with; and no
// root of theirs signs a server's itself.
bool says_where_its_issuer_is(const X509* leaf) {
    const Places places(static_cast<AUTHORITY_INFO_ACCESS*>(
        X509_get_ext_d2i(leaf, NID_info_access, nullptr, nullptr)));
    ERR_clear_error();
    const int count = places ? sk_ACCESS_DESCRIPTION_num(places.get()) : 0;
    for (int i = 0; i < count; ++i) {
        if (OBJ_obj2nid(sk_ACCESS_DESCRIPTION_value(places.get(), i)->method) ==
            NID_ad_ca_issuers) {
            return true;
        }
    }
    return false;
}

// Whether each certificate was signed with the key of the next.
bool is_in_order(X509* leaf, const STACK_OF(X509) * chain) {
    for (int i = 0; i < sk_X509_num(chain); ++i) {
        X509* const issuer = sk_X509_value(chain, i);
        if (X509_verify(leaf, X509_get0_pubkey(issuer)) != 1) {
            ERR_clear_error();
            return false;
        }
        leaf = issuer;
    }
    return true;
}

// What OpenSSL would say when it has to serve the pair.
std::string why_not_taken(const Pair& pair) {
    const SslContext trial(SSL_CTX_new(TLS_server_method()));
    const bool taken = trial && SSL_CTX_use_cert_and_key(trial.get(), pair.leaf.get(),
                                                         pair.key.get(), pair.chain.get(), 1) == 1;
    return taken ? std::string() : take_reason();
}

void warn(const Pair& pair, std::int64_t now_s, std::vector<std::string>& warnings) {
    if (now_s < pair.not_before_s) {
        warnings.push_back(pair.file +
                           " is not valid yet: it is served, but visitors will be warned; "
                           "look at the clock of this host");
    }
    if (now_s > pair.not_after_s) {
        warnings.push_back(pair.file +
                           " has expired: it is served, but visitors will be warned; renew it");
    }
    if (pair.names.empty()) {
        warnings.push_back(pair.file +
                           " is for no host (it has no DNS name in subjectAltName): only "
                           "visitors who name none may see it");
    }
    if (!is_in_order(pair.leaf.get(), pair.chain.get())) {
        warnings.push_back(pair.file +
                           " has certificates that do not lead from one to the next: the "
                           "server's own has to come first, then its issuer's");
    } else if (sk_X509_num(pair.chain.get()) == 0 && says_where_its_issuer_is(pair.leaf.get())) {
        warnings.push_back(pair.file +
                           " lacks the certificate of its issuer, without which many programs "
                           "do not trust it: copy fullchain.pem, not cert.pem");
    }
}

Staple staple_of(const Pair& pair, const std::string& path, std::int64_t now_s,
                 std::vector<std::string>& warnings) {
    const auto file = read_file(path);
    if (file && !file->is_there) {
        return {};
    }
    auto staple = file ? read_staple(file->text, *pair.leaf)
                       : tl::expected<Staple, std::string>(tl::unexpected(file.error()));
    if (!staple) {
        warnings.push_back(path + " " + staple.error() + ": nothing is stapled");
        return {};
    }
    if (!staple->is_good_at(now_s)) {
        warnings.push_back(path + " has expired: nothing is stapled; get another response");
    }
    return std::move(*staple);
}

// The certificates of the pair; the error, as below.
tl::expected<void, std::string> take_certificates(Pair& pair) {
    const auto text = read_needed(pair.file, "it is the certificate");
    if (!text) {
        return tl::unexpected(text.error());
    }
    pair.chain = certificates_in(text->text);
    if (!pair.chain || sk_X509_num(pair.chain.get()) == 0) {
        return tl::unexpected(
            pair.file +
            " has no certificate in PEM, or a broken one (-----BEGIN CERTIFICATE-----)");
    }
    pair.leaf.reset(sk_X509_shift(pair.chain.get()));
    pair.names = names_of(pair.leaf.get());
    pair.not_before_s = seconds_of(X509_get0_notBefore(pair.leaf.get()));
    pair.not_after_s = seconds_of(X509_get0_notAfter(pair.leaf.get()));
    return {};
}

tl::expected<void, std::string> take_key(Pair& pair, const std::string& path,
                                         std::vector<std::string>& warnings) {
    const auto text = read_needed(path, ("it is the private key of " + pair.file).c_str());
    if (!text) {
        return tl::unexpected(text.error());
    }
    auto key = key_in(path, text->text);
    if (!key) {
        return tl::unexpected(key.error());
    }
    pair.key = std::move(*key);
    pair.key_kind = EVP_PKEY_get0_type_name(pair.key.get());
    if (X509_check_private_key(pair.leaf.get(), pair.key.get()) != 1) {
        ERR_clear_error();
        return tl::unexpected(
            path + " is not the key of the first certificate in " + pair.file +
            ": copy both of the same renewal, and the server's own certificate first");
    }
    if (text->others_may_read) {
        warnings.push_back(path + " may be read by everybody on this host: chmod o= " + path);
    }
    return {};
}

}  // namespace

tl::expected<Pair, std::string> read_pair(const std::string& folder, const std::string& label,
                                          std::int64_t now_s, std::vector<std::string>& warnings) {
    ERR_clear_error();
    const std::string base = folder + "/" + label;
    Pair pair;
    pair.label = label;
    pair.file = base + ".crt";
    if (const auto taken = take_certificates(pair); !taken) {
        return tl::unexpected(taken.error());
    }
    if (const auto taken = take_key(pair, base + ".key", warnings); !taken) {
        return tl::unexpected(taken.error());
    }
    if (const std::string why_not = why_not_taken(pair); !why_not.empty()) {
        return tl::unexpected(pair.file + " cannot be served: " + why_not +
                              "; get one with a key of ECDSA P-256, or RSA of 2048 bits");
    }
    warn(pair, now_s, warnings);
    pair.staple = staple_of(pair, base + ".ocsp", now_s, warnings);
    return pair;
}

}  // namespace portreeve::tls
