#include "ssh/key_blob.h"

#include <openssl/evp.h>

#include <array>
#include <bit>
#include <span>

#include "ssh/text.h"

namespace portreeve::ssh {
namespace {

constexpr std::size_t kRsaBitsMin = 2048;
constexpr std::size_t kRsaBitsMax = 16384;
constexpr std::size_t kRsaExponentBitsMax = 64;

// All fields of all types are strings on the wire.
struct KeyShape {
    std::string_view type;
    std::array<const char*, 3> fields;  // the names of those it has
    std::string_view curve;             // what its first field must be, if it names a curve
};

constexpr std::array kShapes = {
    KeyShape{"ssh-ed25519", {"public point"}, {}},
    KeyShape{"ssh-rsa", {"exponent", "modulus"}, {}},
    KeyShape{"ecdsa-sha2-nistp256", {"curve", "public point"}, "nistp256"},
    KeyShape{"ecdsa-sha2-nistp384", {"curve", "public point"}, "nistp384"},
    KeyShape{"ecdsa-sha2-nistp521", {"curve", "public point"}, "nistp521"},
    KeyShape{"sk-ssh-ed25519@openssh.com", {"public point", "application"}, {}},
    KeyShape{
        "sk-ecdsa-sha2-nistp256@openssh.com", {"curve", "public point", "application"}, "nistp256"},
};

const KeyShape* shape_of(std::string_view type) {
    for (const KeyShape& shape : kShapes) {
        if (shape.type == type) {
            return &shape;
        }
    }
    return nullptr;
}

void append_string(std::vector<std::byte>& blob, Bytes bytes) {
    for (unsigned shift = 32; shift > 0;) {
        shift -= 8;
        blob.push_back(static_cast<std::byte>(bytes.size() >> shift & 0xFFU));
    }
    blob.insert(blob.end(), bytes.begin(), bytes.end());
}

std::size_t bits_of(Bytes number) {
    return number.empty() ? 0
                          : (number.size() - 1) * 8 +
                                std::bit_width(std::to_integer<unsigned>(number.front()));
}

}  // namespace

std::string to_base64(Bytes bytes) {
    std::string made((bytes.size() + 2) / 3 * 4 + 1, '\0');  // OpenSSL ends it with a zero
    const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(made.data()),
                                     reinterpret_cast<const unsigned char*>(bytes.data()),
                                     static_cast<int>(bytes.size()));
    made.resize(static_cast<std::size_t>(size));
    return made;
}

std::optional<std::vector<std::byte>> from_base64(std::string_view base64) {
    std::vector<std::byte> made(base64.size() / 4 * 3);
    const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(made.data()),
                                     reinterpret_cast<const unsigned char*>(base64.data()),
                                     static_cast<int>(base64.size()));
    const std::size_t padding = base64.ends_with("==") ? 2 : base64.ends_with("=") ? 1 : 0;
    if (base64.empty() || size < static_cast<int>(padding)) {
        return std::nullopt;
    }
    // OpenSSL counts the padding as bytes, and overlooks blanks and stray padding.
    made.resize(static_cast<std::size_t>(size) - padding);
    if (to_base64(made) != base64) {
        return std::nullopt;
    }
    return made;
}

bool is_plain_key_type(std::string_view type) {
    return shape_of(type) != nullptr;
}

tl::expected<PublicKey, std::string> read_key_fields(const std::string& type, WireReader& in) {
    const KeyShape* shape = shape_of(type);
    if (shape == nullptr) {
        return tl::unexpected("is of type " + shown(type) + ", which is not known here");
    }
    std::vector<std::byte> blob;
    append_string(blob, as_bytes(type));
    for (const char* field : shape->fields) {
        if (field == nullptr) {
            break;
        }
        const Bytes value = in.string(field);
        append_string(blob, value);
        if (field == shape->fields.front() && !shape->curve.empty() && in.ok() &&
            as_text(value) != shape->curve) {
            return tl::unexpected("has another curve than its type, " + type + ", says");
        }
    }
    if (!in.ok()) {
        return tl::unexpected(in.error());
    }
    const std::string base64 = to_base64(blob);
    auto key = PublicKey::parse(type, base64);
    if (!key || key->base64 != base64) {
        return tl::unexpected("is not well formed for its type, " + type);
    }
    return std::move(*key);
}

tl::expected<PublicKey, std::string> parse_key_blob(Bytes blob) {
    WireReader in(blob);
    const std::string type = in.name("type");
    if (!in.ok()) {
        return tl::unexpected(in.error());
    }
    auto key = read_key_fields(type, in);
    if (!key) {
        return key;
    }
    in.end("key");
    if (!in.ok()) {
        return tl::unexpected(in.error());
    }
    return key;
}

std::optional<std::string> why_weak(const PublicKey& key) {
    if (key.type != "ssh-rsa") {
        return std::nullopt;
    }
    const auto blob = from_base64(key.base64);
    WireReader in(blob ? Bytes(*blob) : Bytes());
    in.string("type");
    const std::size_t exponent_bits = bits_of(in.mpint("exponent"));
    const std::size_t modulus_bits = bits_of(in.mpint("modulus"));
    if (!in.ok()) {
        return in.error();
    }
    if (modulus_bits < kRsaBitsMin || modulus_bits > kRsaBitsMax) {
        return "is RSA with " + std::to_string(modulus_bits) + " bits; " +
               std::to_string(kRsaBitsMin) + " to " + std::to_string(kRsaBitsMax) + " are taken";
    }
    if (exponent_bits > kRsaExponentBitsMax) {
        return "is RSA with an exponent of " + std::to_string(exponent_bits) + " bits; " +
               std::to_string(kRsaExponentBitsMax) + " are the most that is taken";
    }
    return std::nullopt;
}

}  // namespace portreeve::ssh
