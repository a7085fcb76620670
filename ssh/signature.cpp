#include "ssh/signature.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include <array>
#include <memory>
#include <vector>

#include "ssh/key_blob.h"
#include "ssh/text.h"

namespace portreeve::ssh {
namespace {

template <auto Free>
struct Freer {
    template <typename T>
    void operator()(T* one) const {
        Free(one);
    }
};
template <typename T, auto Free>
using Handle = std::unique_ptr<T, Freer<Free>>;
using Pkey = Handle<EVP_PKEY, EVP_PKEY_free>;
using Number = Handle<BIGNUM, BN_free>;

enum class Maths : std::uint8_t { kEd25519, kRsa, kEcdsa };

struct Scheme {
    std::string_view key_type;
    std::string_view algorithm;  // as the signature names it
    Maths maths;
    const char* digest;         // OpenSSL's name; ed25519 has its own
    const char* group;          // OpenSSL's name, of the curve
    bool security_key = false;  // signs a digest and its own flags, not the data itself
};

constexpr std::array kSchemes = {
    Scheme{"ssh-ed25519", "ssh-ed25519", Maths::kEd25519, nullptr, nullptr},
    Scheme{"ssh-rsa", "rsa-sha2-256", Maths::kRsa, "SHA256", nullptr},
    Scheme{"ssh-rsa", "rsa-sha2-512", Maths::kRsa, "SHA512", nullptr},
    Scheme{"ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256", Maths::kEcdsa, "SHA256", "P-256"},
    Scheme{"ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384", Maths::kEcdsa, "SHA384", "P-384"},
    Scheme{"ecdsa-sha2-nistp521", "ecdsa-sha2-nistp521", Maths::kEcdsa, "SHA512", "P-521"},
    Scheme{"sk-ssh-ed25519@openssh.com", "sk-ssh-ed25519@openssh.com", Maths::kEd25519, nullptr,
           nullptr, true},
    Scheme{"sk-ecdsa-sha2-nistp256@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com",
           Maths::kEcdsa, "SHA256", "P-256", true},
};

const unsigned char* data_of(Bytes bytes) {
    return reinterpret_cast<const unsigned char*>(bytes.data());
}

Number number_of(Bytes bytes) {
    return Number(BN_bin2bn(data_of(bytes), static_cast<int>(bytes.size()), nullptr));
}

Pkey from_params(const char* kind, OSSL_PARAM_BLD* build) {
    const Handle<OSSL_PARAM, OSSL_PARAM_free> params(OSSL_PARAM_BLD_to_param(build));
    const Handle<EVP_PKEY_CTX, EVP_PKEY_CTX_free> context(
        EVP_PKEY_CTX_new_from_name(nullptr, kind, nullptr));
    EVP_PKEY* made = nullptr;
    if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
        EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_PUBLIC_KEY, params.get()) != 1) {
        return {};
    }
    return Pkey(made);
}

// Reads the key's fields, which parse_key_blob has read before: only what OpenSSL thinks of them
// is news.
Pkey key_for(const Scheme& scheme, WireReader& in) {
    in.string("type");
    const Handle<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free> build(OSSL_PARAM_BLD_new());
    if (!build) {
        return {};
    }
    switch (scheme.maths) {
        case Maths::kEd25519: {
            const Bytes point = in.string("public point");
            return Pkey(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, data_of(point),
                                                    point.size()));
        }
        case Maths::kRsa: {
            const Number exponent = number_of(in.mpint("exponent"));
            const Number modulus = number_of(in.mpint("modulus"));
            const bool built =
                OSSL_PARAM_BLD_push_BN(build.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) == 1 &&
                OSSL_PARAM_BLD_push_BN(build.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()) == 1;
            return built ? from_params("RSA", build.get()) : Pkey();
        }
        case Maths::kEcdsa: {
            in.string("curve");
            const Bytes point = in.string("public point");
            const bool built =
                OSSL_PARAM_BLD_push_utf8_string(build.get(), OSSL_PKEY_PARAM_GROUP_NAME,
                                                scheme.group, 0) == 1 &&
                OSSL_PARAM_BLD_push_octet_string(build.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                                 point.size()) == 1;
            return built ? from_params("EC", build.get()) : Pkey();
        }
    }
    return {};
}

// SSH writes ECDSA's two numbers one after the other, OpenSSL wants them in DER.
std::vector<std::byte> der_of(Bytes signature) {
    WireReader in(signature);
    Number r = number_of(in.mpint("r"));
    Number s = number_of(in.mpint("s"));
    in.end("signature");
    const Handle<ECDSA_SIG, ECDSA_SIG_free> pair(ECDSA_SIG_new());
    if (!in.ok() || !r || !s || !pair || ECDSA_SIG_set0(pair.get(), r.get(), s.get()) != 1) {
        return {};
    }
    // The pair owns them now.
    static_cast<void>(r.release());
    static_cast<void>(s.release());
    unsigned char* der = nullptr;
    const int size = i2d_ECDSA_SIG(pair.get(), &der);
    std::vector<std::byte> made;
    if (size > 0) {
        const auto* first = reinterpret_cast<const std::byte*>(der);
        made.assign(first, first + size);
    }
    OPENSSL_free(der);
    return made;
}

bool append_sha256(std::vector<std::byte>& to, Bytes bytes) {
    std::array<std::byte, 32> digest{};
    const bool done =
        EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(digest.data()),
                   nullptr, EVP_sha256(), nullptr) == 1;
    to.insert(to.end(), digest.begin(), digest.end());
    return done;
}

bool matches(const Scheme& scheme, EVP_PKEY* key, Bytes signature, Bytes data) {
    const std::vector<std::byte> der =
        scheme.maths == Maths::kEcdsa ? der_of(signature) : std::vector<std::byte>();
    const Bytes wanted = scheme.maths == Maths::kEcdsa ? Bytes(der) : signature;
    const Handle<EVP_MD_CTX, EVP_MD_CTX_free> context(EVP_MD_CTX_new());
    return context && !wanted.empty() &&
           EVP_DigestVerifyInit_ex(context.get(), nullptr, scheme.digest, nullptr, nullptr, key,
                                   nullptr) == 1 &&
           EVP_DigestVerify(context.get(), data_of(wanted), wanted.size(), data_of(data),
                            data.size()) == 1;
}

tl::expected<const Scheme*, std::string> scheme_of(const std::string& key_type,
                                                   const std::string& algorithm) {
    for (const Scheme& scheme : kSchemes) {
        if (scheme.key_type == key_type && scheme.algorithm == algorithm) {
            return &scheme;
        }
    }
    if (key_type == "ssh-rsa" && algorithm == "ssh-rsa") {
        return tl::unexpected(
            std::string("is signed with RSA and SHA-1 (ssh-rsa), which can be forged; "
                        "sign it with rsa-sha2-512"));
    }
    return tl::unexpected("is signed with " + shown(algorithm) +
                          ", which does not fit its authority's key of type " + key_type);
}

}  // namespace

tl::expected<void, std::string> verify_signature(const PublicKey& signer, Bytes signature,
                                                 Bytes signed_data) {
    WireReader in(signature);
    const std::string algorithm = in.name("algorithm");
    if (!in.ok()) {
        return tl::unexpected("has a signature that " + in.error());
    }
    const auto scheme = scheme_of(signer.type, algorithm);
    if (!scheme) {
        return tl::unexpected(scheme.error());
    }
    const Bytes value = in.string("value");
    // A security key signs: SHA256(application), flags, counter, SHA256(data).
    const Bytes flags_and_counter = in.left();
    if ((*scheme)->security_key) {
        in.u8("flags");
        in.u32("counter");
    }
    in.end("value");
    if (!in.ok()) {
        return tl::unexpected("has a signature that " + in.error());
    }

    const auto blob = from_base64(signer.base64);
    WireReader fields(blob ? Bytes(*blob) : Bytes());
    const Pkey key = key_for(**scheme, fields);
    bool good = key != nullptr;
    std::vector<std::byte> wrapped;
    if (good && (*scheme)->security_key) {
        good = append_sha256(wrapped, fields.string("application"));
        wrapped.insert(wrapped.end(), flags_and_counter.begin(), flags_and_counter.end());
        good = append_sha256(wrapped, signed_data) && good;
    }
    good =
        good && fields.ok() &&
        matches(**scheme, key.get(), value, (*scheme)->security_key ? Bytes(wrapped) : signed_data);
    ERR_clear_error();  // whoever looks at this thread's errors next must not find ours
    if (!good) {
        return tl::unexpected(std::string("is not signed by the authority that it names"));
    }
    return {};
}

}  // namespace portreeve::ssh
