#include "daemon/tls/ticket_keys.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <algorithm>

namespace portreeve::tls {
namespace {

// OpenSSL's callback takes these.
constexpr int kFailed = -1;
constexpr int kNotKnown = 0;
constexpr int kDone = 1;
constexpr int kDoneAndRenew = 2;

template <std::size_t kSize>
bool fill(std::array<unsigned char, kSize>& bytes) {
    return RAND_priv_bytes(bytes.data(), static_cast<int>(bytes.size())) == 1;
}

bool set_mac_key(EVP_MAC_CTX* mac, std::array<unsigned char, 32>& key) {
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key.data(), key.size()),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    return EVP_MAC_CTX_set_params(mac, params) == 1;
}

}  // namespace

void TicketKeys::CipherFree::operator()(evp_cipher_st* cipher) const {
    EVP_CIPHER_free(cipher);
}

TicketKeys::TicketKeys(std::int64_t now_s)
    : cipher_(EVP_CIPHER_fetch(nullptr, "AES-256-CBC", nullptr)) {
    make_first(now_s);
}

TicketKeys::~TicketKeys() {
    OPENSSL_cleanse(keys_.data(), sizeof(keys_));
}

void TicketKeys::rotate(std::int64_t now_s) {
    const std::scoped_lock lock(mutex_);
    if (now_s - keys_.front().made_s >= kRotateS) {
        std::rotate(keys_.begin(), keys_.end() - 1, keys_.end());
        make_first(now_s);
    }
    constexpr auto kOpensS = kRotateS * static_cast<std::int64_t>(kKeys);
    for (Key& key : keys_) {
        if (key.is_there && now_s - key.made_s >= kOpensS) {
            OPENSSL_cleanse(&key, sizeof(key));
        }
    }
}

// Without random bytes there is no key, and so no ticket; handshakes would fail as well.
void TicketKeys::make_first(std::int64_t now_s) {
    Key& key = keys_.front();
    key.made_s = now_s;
    key.is_there = fill(key.name) && fill(key.cipher_key) && fill(key.mac_key);
}

int TicketKeys::seal(unsigned char* name, unsigned char* iv, evp_cipher_ctx_st* cipher,
                     evp_mac_ctx_st* mac) {
    const int iv_bytes = cipher_ ? EVP_CIPHER_get_iv_length(cipher_.get()) : 0;
    if (iv_bytes <= 0 || RAND_bytes(iv, iv_bytes) != 1) {
        return kFailed;
    }
    const std::scoped_lock lock(mutex_);
    Key& key = keys_.front();
    if (!key.is_there) {
        return kNotKnown;
    }
    std::copy(key.name.begin(), key.name.end(), name);
    const bool done =
        EVP_EncryptInit_ex2(cipher, cipher_.get(), key.cipher_key.data(), iv, nullptr) == 1 &&
        set_mac_key(mac, key.mac_key);
    return done ? kDone : kFailed;
}

int TicketKeys::open(const unsigned char* name, const unsigned char* iv, evp_cipher_ctx_st* cipher,
                     evp_mac_ctx_st* mac, bool used_once) {
    const std::scoped_lock lock(mutex_);
    const auto found = std::find_if(keys_.begin(), keys_.end(), [name](const Key& key) {
        return key.is_there && std::equal(key.name.begin(), key.name.end(), name);
    });
    if (found == keys_.end()) {
        return kNotKnown;
    }
    const bool done =
        EVP_DecryptInit_ex2(cipher, cipher_.get(), found->cipher_key.data(), iv, nullptr) == 1 &&
        set_mac_key(mac, found->mac_key);
    if (!done) {
        return kFailed;
    }
    return found == keys_.begin() && !used_once ? kDone : kDoneAndRenew;
}

}  // namespace portreeve::tls
