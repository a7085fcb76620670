// Ends a handshake whose messages are longer than any client's: OpenSSL would take a ClientHello of
// 128 KiB, and makes room for all of it as soon as its length is there, which takes nine bytes to
// say.
//
// Owns: a few numbers. Called by: the memory BIO, with all that OpenSSL reads. Bounds:
// kHelloBytesMax.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace portreeve::tls {

// Of one message. Browsers with keys against quantum computers send 2 KiB.
inline constexpr std::size_t kHelloBytesMax = std::size_t{16} * 1024;

class HelloLimit {
  public:
    // What comes next; false, from then on: a message is too long. Before TLS 1.3 it looks until
    // the client changes to its keys; since then what is encrypted calls itself something else.
    [[nodiscard]] bool takes(std::string_view bytes, bool is_tls13);
    [[nodiscard]] bool is_exceeded() const { return is_exceeded_; }
    // The handshake is over.
    void finish() { is_done_ = true; }

  private:
    void begin_record(bool is_tls13);
    void take_message(std::string_view bytes);

    static constexpr std::size_t kRecordHead = 5;
    static constexpr std::size_t kMessageHead = 4;

    std::uint8_t record_head_[kRecordHead]{};
    std::uint8_t message_head_[kMessageHead]{};
    std::uint8_t record_head_bytes_ = 0;
    std::uint8_t message_head_bytes_ = 0;
    bool is_handshake_ = false;  // this record
    bool is_done_ = false;
    bool is_exceeded_ = false;
    std::size_t record_left_ = 0;
    std::size_t message_left_ = 0;
};

}  // namespace portreeve::tls
