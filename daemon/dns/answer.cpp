#include "daemon/dns/answer.h"

#include <ares.h>

#include <algorithm>
#include <array>
#include <limits>
#include <optional>

namespace portreeve::dns {
namespace {

// RFC 1035, sections 4.1.1 to 4.1.3
constexpr std::size_t kHeaderBytes = 12;
constexpr std::size_t kQuestionsAt = 4;
constexpr std::size_t kAnswersAt = 6;
constexpr std::size_t kQuestionBytes = 4;  // behind its name
constexpr std::size_t kRecordBytes = 10;   // between its name and its data
constexpr std::size_t kTypeAt = 0;
constexpr std::size_t kClassAt = 2;
constexpr std::size_t kTtlAt = 4;
constexpr std::size_t kLengthAt = 8;
constexpr std::uint16_t kInternet = 1;
constexpr std::uint16_t kCname = 5;
constexpr std::uint16_t kTxt = 16;

using Bytes = std::span<const unsigned char>;

std::uint16_t number16(Bytes bytes, std::size_t at) {
    return static_cast<std::uint16_t>(bytes[at] << 8U | bytes[at + 1]);
}

// RFC 2181, section 8: one with the first bit set is none.
std::uint32_t ttl_of(Bytes record) {
    const std::uint32_t high = number16(record, kTtlAt);
    const std::uint32_t ttl = high << 16U | number16(record, kTtlAt + 2);
    return ttl > std::numeric_limits<std::int32_t>::max() ? 0 : ttl;
}

// The bytes of `message`, from the one on that was not read yet.
class Reader {
  public:
    explicit Reader(Bytes message) : message_(message) {}

    [[nodiscard]] std::optional<Bytes> take(std::size_t bytes) {
        if (bytes > message_.size() - at_) {
            return std::nullopt;
        }
        return message_.subspan(std::exchange(at_, at_ + bytes), bytes);
    }
    [[nodiscard]] bool skip_name() {
        if (at_ == message_.size()) {
            return false;
        }
        char* name = nullptr;
        long bytes = 0;
        const int status = ares_expand_name(&message_[at_], message_.data(),
                                            static_cast<int>(message_.size()), &name, &bytes);
        ares_free_string(name);
        return status == ARES_SUCCESS && take(static_cast<std::size_t>(bytes)).has_value();
    }

  private:
    Bytes message_;
    std::size_t at_ = 0;
};

// The strings of one record, joined.
std::optional<std::string> joined(Bytes data) {
    std::string text;
    while (!data.empty()) {
        const std::size_t bytes = data.front();
        if (bytes >= data.size()) {
            return std::nullopt;
        }
        const auto string = data.subspan(1, bytes);
        text.append(string.begin(), string.end());
        data = data.subspan(1 + bytes);
    }
    return text;
}

std::optional<Txt> records_of(Bytes message) {
    Reader reader(message);
    const auto header = reader.take(kHeaderBytes);
    if (!header) {
        return std::nullopt;
    }
    for (unsigned left = number16(*header, kQuestionsAt); left > 0; --left) {
        if (!reader.skip_name() || !reader.take(kQuestionBytes)) {
            return std::nullopt;
        }
    }
    Txt found{{}, std::numeric_limits<std::uint32_t>::max()};
    for (unsigned left = number16(*header, kAnswersAt); left > 0; --left) {
        const auto record = reader.skip_name() ? reader.take(kRecordBytes) : std::nullopt;
        const auto data = record ? reader.take(number16(*record, kLengthAt)) : std::nullopt;
        if (!data) {
            return std::nullopt;
        }
        const auto type = number16(*record, kTypeAt);
        if (number16(*record, kClassAt) != kInternet || (type != kTxt && type != kCname)) {
            continue;
        }
        found.ttl_s = std::min(found.ttl_s, ttl_of(*record));
        if (type == kTxt) {
            auto text = joined(*data);
            if (!text) {
                return std::nullopt;
            }
            found.records.push_back(std::move(*text));
        }
    }
    return found;
}

}  // namespace

TxtAnswer read_txt(std::span<const unsigned char> message) {
    auto found = records_of(message);
    if (!found) {
        return tl::unexpected(LookupError{LookupError::Kind::server_failed,
                                          "the DNS server's answer cannot be read"});
    }
    if (found->records.empty()) {
        return tl::unexpected(LookupError{LookupError::Kind::no_data, "there is no TXT record"});
    }
    return std::move(*found);
}

}  // namespace portreeve::dns
