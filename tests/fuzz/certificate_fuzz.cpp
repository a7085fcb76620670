// Feeds Certificate any bytes, twice: as they are, which a signature lets through to the end only
// when they started as a real certificate; and as what an authority of our own has signed, so that
// everything behind the signature is reached. Checks what must hold of every certificate that is
// taken.
#include <openssl/evp.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "ssh/certificate.h"
#include "ssh/key_blob.h"
#include "ssh/wire_reader.h"

namespace {

using portreeve::ssh::as_bytes;
using portreeve::ssh::Bytes;
using portreeve::ssh::Certificate;

void check(bool holds, const char* what) {
    if (!holds) {
        (void)std::fprintf(stderr, "certificate_fuzz: %s\n", what);
        std::abort();
    }
}

std::string wire_string(std::string_view text) {
    std::string made;
    for (unsigned shift = 32; shift > 0;) {
        shift -= 8;
        made.push_back(static_cast<char>(text.size() >> shift & 0xFFU));
    }
    return made + std::string(text);
}

// The same key in every run, so that a finding stays one.
EVP_PKEY* authority() {
    static const std::array<unsigned char, 32> seed = {1, 2, 3};
    static EVP_PKEY* const made =
        EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, seed.data(), seed.size());
    return made;
}

std::string authority_blob() {
    std::array<unsigned char, 32> point{};
    std::size_t size = point.size();
    check(EVP_PKEY_get_raw_public_key(authority(), point.data(), &size) == 1, "no public key");
    return wire_string("ssh-ed25519") +
           wire_string({reinterpret_cast<const char*>(point.data()), size});
}

std::string with_signature(const std::string& data, std::string_view signature) {
    return data + wire_string(wire_string("ssh-ed25519") + wire_string(signature));
}

std::string signature_of(const std::string& data) {
    std::array<unsigned char, 64> signature{};
    std::size_t size = signature.size();
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    check(EVP_DigestSignInit(context, nullptr, nullptr, nullptr, authority()) == 1 &&
              EVP_DigestSign(context, signature.data(), &size,
                             reinterpret_cast<const unsigned char*>(data.data()), data.size()) == 1,
          "cannot sign");
    EVP_MD_CTX_free(context);
    return {reinterpret_cast<const char*>(signature.data()), size};
}

// Returns whether it was taken.
bool try_one(Bytes blob) {
    const auto made = Certificate::parse(blob);
    if (!made) {
        check(made.error().starts_with("the certificate "), "an error says nothing");
        return false;
    }
    check(blob.size() <= Certificate::kBlobBytesMax, "too large");
    check(made->principals.size() <= Certificate::kPrincipalsMax, "too many principals");
    for (const auto* key : {&made->key, &made->authority}) {
        check(portreeve::ssh::is_plain_key_type(key->type), "a key is not plain");
        check(!portreeve::ssh::why_weak(*key), "a key is weak");
        const auto bytes = portreeve::ssh::from_base64(key->base64);
        check(bytes && portreeve::ssh::parse_key_blob(*bytes) == *key, "a key is not itself");
    }
    // It lets in nobody but those it names, and them only in its time.
    const std::array<std::string, 1> nobody = {std::string("\n")};
    check(made->why_denied(nobody, made->valid_after_s).has_value(), "lets in everybody");
    const bool lets_in = !made->why_denied(made->principals, made->valid_after_s);
    const bool holds =
        made->valid_after_s < made->valid_before_s || made->valid_before_s == Certificate::kForEver;
    check(lets_in == (made->is_user && !made->principals.empty() && holds), "lets in the wrong");
    return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    try_one(as_bytes(text));

    // To sign is slow, so first see whether the signature is all that is missing.
    static const std::string tail = wire_string(authority_blob());
    const std::string signed_data = text + tail;
    const std::string unsigned_one = with_signature(signed_data, std::string(64, 'x'));
    const auto refused = Certificate::parse(as_bytes(unsigned_one));
    check(!refused, "a signature was not checked");
    // The whole sentence: others quote the input, which may hold these words.
    if (refused.error() == "the certificate is not signed by the authority that it names") {
        const std::string good = with_signature(signed_data, signature_of(signed_data));
        check(try_one(as_bytes(good)), "refused for a signature that is good");
    }
    return 0;
}
