// The keys that session tickets are sealed with (RFC 5077; RFC 8446, section 4.6.1). A visitor who
// comes again with a ticket needs no signature and one round trip less, on whatever worker it
// lands, since nothing is kept for it here.
//
// Who has a key can open the TLS 1.2 connections that were resumed with it. So a key seals for
// kRotateS and opens for three times that; then it is wiped, and no file ever has it.
//
// Owns: its keys. Called by: Contexts, from any thread; rotate() by one, now and then. Bounds:
// kKeys keys.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>

struct evp_cipher_st;
struct evp_cipher_ctx_st;
struct evp_mac_ctx_st;

namespace portreeve::tls {

class TicketKeys {
  public:
    static constexpr std::int64_t kRotateS = 3600;
    static constexpr std::size_t kKeys = 3;  // the one that seals, and two that still open
    static constexpr std::size_t kNameBytes = 16;

    // Times are of any clock that does not go back.
    explicit TicketKeys(std::int64_t now_s);
    TicketKeys(const TicketKeys&) = delete;
    TicketKeys& operator=(const TicketKeys&) = delete;
    TicketKeys(TicketKeys&&) = delete;
    TicketKeys& operator=(TicketKeys&&) = delete;
    ~TicketKeys();

    // To be called at least each kRotateS; more often does no harm.
    void rotate(std::int64_t now_s);

    // For OpenSSL's callback, with its arguments and results. `used_once`: another ticket is wanted
    // in return, as of TLS 1.3, whose clients use each one once.
    int seal(unsigned char* name, unsigned char* iv, evp_cipher_ctx_st* cipher,
             evp_mac_ctx_st* mac);
    int open(const unsigned char* name, const unsigned char* iv, evp_cipher_ctx_st* cipher,
             evp_mac_ctx_st* mac, bool used_once);

  private:
    struct Key {
        std::array<unsigned char, kNameBytes> name{};
        std::array<unsigned char, 32> cipher_key{};
        std::array<unsigned char, 32> mac_key{};
        std::int64_t made_s = 0;
        bool is_there = false;
    };
    struct CipherFree {
        void operator()(evp_cipher_st* cipher) const;
    };

    void make_first(std::int64_t now_s);

    std::unique_ptr<evp_cipher_st, CipherFree> cipher_;
    std::mutex mutex_;
    std::array<Key, kKeys> keys_{};  // the newest first
};

}  // namespace portreeve::tls
