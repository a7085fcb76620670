#include "daemon/http/client_hello.h"

#include <algorithm>
#include <array>

namespace portreeve::http {
namespace {

constexpr std::size_t kRecordHeaderBytes = 5;
constexpr std::size_t kRecordBytesMax = std::size_t{16} * 1024;
constexpr unsigned char kHandshakeRecord = 22;
constexpr unsigned char kClientHelloMessage = 1;
constexpr std::size_t kServerNameExtension = 0;
constexpr std::size_t kHostNameType = 0;

// The bytes of a handshake message, whatever records they are cut into.
class Reader {
  public:
    enum class State { good, more, bad };

    explicit Reader(std::string_view bytes) : bytes_(bytes) {}

    [[nodiscard]] State state() const { return state_; }
    // False for now if bytes are missing, for good if it is malformed.
    bool number(std::size_t byte_count, std::size_t& value) {
        value = 0;
        for (; byte_count > 0; --byte_count) {
            std::string_view byte;
            if (!some(1, byte)) {
                return false;
            }
            value = value << 8U | static_cast<unsigned char>(byte.front());
        }
        return true;
    }
    bool skip(std::size_t byte_count) {
        for (std::string_view part; byte_count > 0; byte_count -= part.size()) {
            if (!some(byte_count, part)) {
                return false;
            }
        }
        return true;
    }
    bool copy(std::size_t byte_count, char* to) {
        for (std::string_view part; byte_count > 0; byte_count -= part.size()) {
            if (!some(byte_count, part)) {
                return false;
            }
            to = std::copy(part.begin(), part.end(), to);
        }
        return true;
    }
    bool fail() {
        state_ = State::bad;
        return false;
    }

  private:
    // At least one byte, and at most `most`: as many as lie together.
    bool some(std::size_t most, std::string_view& part) {
        if (record_left_ == 0 && !open_record()) {
            return false;
        }
        const std::size_t size = std::min({most, record_left_, bytes_.size()});
        if (size == 0) {
            state_ = State::more;
            return false;
        }
        part = bytes_.substr(0, size);
        bytes_.remove_prefix(size);
        record_left_ -= size;
        return true;
    }

    bool open_record() {
        if (records_ == kHelloRecordsMax || !begins_as_record()) {
            return fail();
        }
        if (bytes_.size() < kRecordHeaderBytes) {
            state_ = State::more;
            return false;
        }
        const auto high = static_cast<unsigned char>(bytes_[3]);
        const auto low = static_cast<unsigned char>(bytes_[4]);
        record_left_ = static_cast<std::size_t>(high) << 8U | low;
        if (record_left_ == 0 || record_left_ > kRecordBytesMax) {
            return fail();
        }
        ++records_;
        bytes_.remove_prefix(kRecordHeaderBytes);
        return true;
    }

    // As far as there are bytes.
    [[nodiscard]] bool begins_as_record() const {
        constexpr unsigned char kMajor = 3;
        constexpr unsigned char kMinorMax = 4;
        const auto byte = [this](std::size_t at) { return static_cast<unsigned char>(bytes_[at]); };
        return (bytes_.empty() || byte(0) == kHandshakeRecord) &&
               (bytes_.size() < 2 || byte(1) == kMajor) &&
               (bytes_.size() < 3 || byte(2) <= kMinorMax);
    }

    std::string_view bytes_;
    std::size_t record_left_ = 0;
    std::size_t records_ = 0;
    State state_ = State::good;
};

struct Vector {
    std::size_t width = 0;  // of its length
    std::size_t least = 0;
    std::size_t most = 0;
    std::size_t unit = 1;  // its elements are of so many bytes
};
constexpr Vector kSession{1, 0, 32};
constexpr Vector kCiphers{2, 2, 65534, 2};
constexpr Vector kCompressions{1, 1, 255};

// All of its bytes have to be within `left`.
bool skip_vector(Reader& reader, const Vector& vector, std::size_t& left) {
    std::size_t size = 0;
    if (left < vector.width) {
        return reader.fail();
    }
    if (!reader.number(vector.width, size)) {
        return false;
    }
    left -= vector.width;
    if (size > left || size < vector.least || size > vector.most || size % vector.unit != 0) {
        return reader.fail();
    }
    left -= size;
    return reader.skip(size);
}

// `left` bytes: a list of names, of which only the first kind is in use, with one name.
bool read_names(Reader& reader, std::size_t left, ClientHello& hello) {
    constexpr std::size_t kFixedBytes = 5;  // of the list's size, a kind, and a name's size
    std::array<char, kHostBytesMax + 1> text{};
    std::size_t list = 0;
    std::size_t kind = 0;
    std::size_t size = 0;
    if (left < kFixedBytes || hello.server_name) {
        return reader.fail();
    }
    if (!reader.number(2, list) || !reader.number(1, kind) || !reader.number(2, size)) {
        return false;
    }
    if (list != left - 2 || kind != kHostNameType || size != left - kFixedBytes ||
        size > text.size()) {
        return reader.fail();
    }
    if (!reader.copy(size, text.data())) {
        return false;
    }
    hello.server_name = Host::parse({text.data(), size});
    const bool is_name = hello.server_name && !hello.server_name->is_v6() &&
                         text[size - 1] != ':' && hello.server_name->port() == 0;
    return is_name || reader.fail();
}

bool read_extensions(Reader& reader, std::size_t left, ClientHello& hello) {
    constexpr std::size_t kHeaderBytes = 4;
    std::size_t all = 0;
    if (left < 2) {
        return reader.fail();
    }
    if (!reader.number(2, all)) {
        return false;
    }
    left -= 2;
    if (all != left) {
        return reader.fail();
    }
    while (left > 0) {
        std::size_t kind = 0;
        std::size_t size = 0;
        if (left < kHeaderBytes) {
            return reader.fail();
        }
        if (!reader.number(2, kind) || !reader.number(2, size)) {
            return false;
        }
        left -= kHeaderBytes;
        if (size > left) {
            return reader.fail();
        }
        left -= size;
        if (kind == kServerNameExtension ? !read_names(reader, size, hello) : !reader.skip(size)) {
            return false;
        }
    }
    return true;
}

bool read_hello(Reader& reader, ClientHello& hello) {
    constexpr std::size_t kFixedBytes = 34;  // a version and random bytes
    std::size_t message = 0;
    std::size_t left = 0;
    if (!reader.number(1, message)) {
        return false;
    }
    if (message != kClientHelloMessage) {
        return reader.fail();
    }
    if (!reader.number(3, left)) {
        return false;
    }
    if (left < kFixedBytes || left > kHelloBytesMax) {
        return reader.fail();
    }
    if (!reader.skip(kFixedBytes)) {
        return false;
    }
    left -= kFixedBytes;
    if (!skip_vector(reader, kSession, left) || !skip_vector(reader, kCiphers, left) ||
        !skip_vector(reader, kCompressions, left)) {
        return false;
    }
    // Before TLS 1.2 nothing need follow.
    return left == 0 || read_extensions(reader, left, hello);
}

}  // namespace

tl::expected<std::optional<ClientHello>, Fault> parse_client_hello(std::string_view bytes) {
    Reader reader(bytes);
    ClientHello hello;
    if (read_hello(reader, hello)) {
        return hello;
    }
    if (reader.state() == Reader::State::bad) {
        return tl::unexpected(Fault{400, "the connection does not begin with a TLS ClientHello"});
    }
    return std::nullopt;
}

}  // namespace portreeve::http
