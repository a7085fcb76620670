#include "daemon/tls/hello_limit.h"

#include <algorithm>

namespace portreeve::tls {
namespace {

// Kinds of records (RFC 8446, section 5.1).
constexpr std::uint8_t kChangeCipherSpec = 20;
constexpr std::uint8_t kHandshake = 22;

}  // namespace

bool HelloLimit::takes(std::string_view bytes, bool is_tls13) {
    while (!is_done_ && !is_exceeded_ && !bytes.empty()) {
        if (record_left_ == 0) {
            record_head_[record_head_bytes_++] = static_cast<std::uint8_t>(bytes.front());
            bytes.remove_prefix(1);
            if (record_head_bytes_ == kRecordHead) {
                begin_record(is_tls13);
            }
            continue;
        }
        const auto here = bytes.substr(0, record_left_);
        if (is_handshake_) {
            take_message(here);
        }
        record_left_ -= here.size();
        bytes.remove_prefix(here.size());
    }
    return !is_exceeded_;
}

void HelloLimit::begin_record(bool is_tls13) {
    const std::uint8_t kind = record_head_[0];
    record_head_bytes_ = 0;
    record_left_ = std::size_t{record_head_[3]} << 8U | record_head_[4];
    is_handshake_ = kind == kHandshake;
    // In TLS 1.3 it means nothing, and a second hello may follow.
    is_done_ = kind == kChangeCipherSpec && !is_tls13;
}

void HelloLimit::take_message(std::string_view bytes) {
    while (!is_exceeded_ && !bytes.empty()) {
        if (message_left_ > 0) {
            const auto part = std::min(message_left_, bytes.size());
            message_left_ -= part;
            bytes.remove_prefix(part);
            continue;
        }
        message_head_[message_head_bytes_++] = static_cast<std::uint8_t>(bytes.front());
        bytes.remove_prefix(1);
        if (message_head_bytes_ == kMessageHead) {
            message_head_bytes_ = 0;
            message_left_ = std::size_t{message_head_[1]} << 16U |
                            std::size_t{message_head_[2]} << 8U | message_head_[3];
            is_exceeded_ = message_left_ > kHelloBytesMax;
        }
    }
}

}  // namespace portreeve::tls
