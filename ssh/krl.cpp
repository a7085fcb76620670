#include "ssh/krl.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "ssh/certificate.h"
#include "ssh/key_blob.h"
#include "ssh/text.h"

namespace portreeve::ssh {
namespace {

using Error = std::optional<std::string>;  // the end of a sentence about the list
using Certificates = RevocationList::Certificates;
using SerialRange = RevocationList::SerialRange;

constexpr std::string_view kMagic("SSHKRL\n\0", 8);
constexpr std::uint32_t kFormatVersion = 1;
constexpr std::size_t kSha1Bytes = 20;
constexpr std::size_t kSha256Bytes = 32;

// PROTOCOL.krl's numbers.
enum Section : std::uint8_t {
    kCertificates = 1,
    kExplicitKey = 2,
    kFingerprintSha1 = 3,
    kSignature = 4,
    kFingerprintSha256 = 5,
    kExtension = 255,
};
enum CertificateSection : std::uint8_t {
    kSerialList = 0x20,
    kSerialRange = 0x21,
    kSerialBitmap = 0x22,
    kKeyId = 0x23,
    kCertificateExtension = 0x39,
};

class Parser {
  public:
    explicit Parser(RevocationList& made) : made_(made) {}

    Error read_list(Bytes file);

  private:
    Error read_section(std::uint8_t type, WireReader& in);
    Error read_certificates(WireReader& in);
    Error read_certificate_section(std::uint8_t type, WireReader& in, Certificates& certificates);
    Error read_serial_list(WireReader& in, Certificates& certificates);
    Error read_bitmap(WireReader& in, Certificates& certificates);
    Error read_keys(WireReader& in);
    static Error read_hashes(WireReader& in, std::size_t size,
                             std::unordered_set<std::string>& hashes);
    static Error read_extension(WireReader& in);
    Error add_serials(SerialRange range, Certificates& certificates);

    RevocationList& made_;
    std::size_t ranges_ = 0;
};

Error Parser::read_list(Bytes file) {
    WireReader in(file.subspan(kMagic.size()));
    const std::uint32_t version = in.u32("format version");
    if (in.ok() && version != kFormatVersion) {
        return "is of format version " + std::to_string(version) + "; " +
               std::to_string(kFormatVersion) + " is the one that is known";
    }
    in.u64("version");
    in.u64("date");
    in.u64("flags");
    in.string("reserved field");
    in.text("comment");
    while (in.more()) {
        const std::uint8_t type = in.u8("section's type");
        WireReader section(in.string("section"));
        if (!in.ok()) {
            break;
        }
        if (Error error = read_section(type, section)) {
            return error;
        }
        section.end("content");
        if (!section.ok()) {
            return "has a section of type " + std::to_string(type) + " that " + section.error();
        }
    }
    return in.ok() ? std::nullopt : Error(in.error());
}

// What is missing in `in` is for the caller to see.
Error Parser::read_section(std::uint8_t type, WireReader& in) {
    switch (type) {
        case kCertificates:
            return read_certificates(in);
        case kExplicitKey:
            return read_keys(in);
        case kFingerprintSha1:
            return read_hashes(in, kSha1Bytes, made_.sha1s);
        case kFingerprintSha256:
            return read_hashes(in, kSha256Bytes, made_.sha256s);
        case kExtension:
            return read_extension(in);
        case kSignature:
            return std::string(
                "is signed inside, which OpenSSH gave up and nobody checks; make it again with "
                "ssh-keygen -k, and sign the file with ssh-keygen -Y sign if it must be signed");
        default:
            return "has a section of type " + std::to_string(type) + ", which is not known here";
    }
}

Error Parser::read_certificates(WireReader& in) {
    const Bytes authority = in.string("authority's key");
    in.string("reserved field");
    if (!in.ok()) {
        return std::nullopt;
    }
    if (!authority.empty()) {
        if (const Error error = why_not_listed(authority)) {
            return "has an authority's key that " + *error;
        }
    }
    Certificates& certificates = made_.certificates[to_base64(authority)];
    while (in.more()) {
        const std::uint8_t type = in.u8("certificate section's type");
        WireReader section(in.string("certificate section"));
        if (!in.ok()) {
            break;
        }
        if (Error error = read_certificate_section(type, section, certificates)) {
            return error;
        }
        section.end("content");
        if (!section.ok()) {
            return "has a certificate section of type " + std::to_string(type) + " that " +
                   section.error();
        }
    }
    return std::nullopt;
}

Error Parser::read_certificate_section(std::uint8_t type, WireReader& in,
                                       Certificates& certificates) {
    switch (type) {
        case kSerialList:
            return read_serial_list(in, certificates);
        case kSerialRange: {
            const std::uint64_t first = in.u64("first serial number");
            const std::uint64_t last = in.u64("last serial number");
            return in.ok() ? add_serials({first, last}, certificates) : std::nullopt;
        }
        case kSerialBitmap:
            return read_bitmap(in, certificates);
        case kKeyId:
            while (in.more()) {
                std::string key_id = in.text("key id");
                if (in.ok()) {
                    certificates.key_ids.insert(std::move(key_id));
                }
            }
            return std::nullopt;
        case kCertificateExtension:
            return read_extension(in);
        default:
            return "has a certificate section of type " + std::to_string(type) +
                   ", which is not known here";
    }
}

Error Parser::read_serial_list(WireReader& in, Certificates& certificates) {
    while (in.more()) {
        const std::uint64_t serial = in.u64("serial number");
        if (!in.ok()) {
            break;
        }
        if (Error error = add_serials({serial, serial}, certificates)) {
            return error;
        }
    }
    return std::nullopt;
}

// Bit N, counted from the number's end, is the serial number `offset` + N. Bits in a row are one
// range.
Error Parser::read_bitmap(WireReader& in, Certificates& certificates) {
    const std::uint64_t offset = in.u64("first serial number");
    const Bytes bitmap = in.mpint("bitmap");
    const std::uint64_t bits = std::uint64_t{bitmap.size()} * 8;
    const auto is_set = [&](std::uint64_t bit) {
        const std::byte one = bitmap[bitmap.size() - 1 - bit / 8];
        return (std::to_integer<unsigned>(one) >> bit % 8 & 1U) != 0;
    };
    for (std::uint64_t bit = 0; bit < bits; ++bit) {
        if (!is_set(bit)) {
            continue;
        }
        const std::uint64_t first = bit;
        while (bit + 1 < bits && is_set(bit + 1)) {
            ++bit;
        }
        if (bit > std::numeric_limits<std::uint64_t>::max() - offset) {
            return std::string("has a bitmap of serial numbers that runs past the highest one");
        }
        if (Error error = add_serials({offset + first, offset + bit}, certificates)) {
            return error;
        }
    }
    return std::nullopt;
}

Error Parser::read_keys(WireReader& in) {
    while (in.more()) {
        const Bytes blob = in.string("key");
        if (!in.ok()) {
            break;
        }
        if (const Error error = why_not_listed(blob)) {
            return "has a key that " + *error;
        }
        made_.keys.insert(to_base64(blob));
    }
    return std::nullopt;
}

Error Parser::read_hashes(WireReader& in, std::size_t size,
                          std::unordered_set<std::string>& hashes) {
    while (in.more()) {
        const Bytes hash = in.string("fingerprint");
        if (in.ok() && hash.size() != size) {
            return "has a fingerprint of " + std::to_string(hash.size()) + " bytes where " +
                   std::to_string(size) + " belong";
        }
        if (in.ok()) {
            hashes.emplace(as_text(hash));
        }
    }
    return std::nullopt;
}

// No extensions are known yet, to OpenSSH neither.
Error Parser::read_extension(WireReader& in) {
    const std::string name = in.name("extension's name");
    const bool critical = in.u8("extension's weight") != 0;
    in.string("extension's content");
    if (in.ok() && critical) {
        return "has the critical extension \"" + shown(name) + "\", which is not known here";
    }
    return std::nullopt;
}

Error Parser::add_serials(SerialRange range, Certificates& certificates) {
    if (range.first == 0) {
        return std::string(
            "revokes serial number 0, which is that of all certificates without a number; revoke "
            "them by key id");
    }
    if (range.first > range.last) {
        return "revokes serial numbers from " + std::to_string(range.first) + " down to " +
               std::to_string(range.last);
    }
    if (++ranges_ > RevocationList::kSerialRangesMax) {
        return "revokes more than " + std::to_string(RevocationList::kSerialRangesMax) +
               " ranges of serial numbers; make it with fewer, or revoke the authority";
    }
    certificates.serials.push_back(range);
    return std::nullopt;
}

// Sorts the ranges and joins those that overlap.
void put_in_order(std::vector<SerialRange>& serials) {
    std::sort(serials.begin(), serials.end(),
              [](const SerialRange& a, const SerialRange& b) { return a.first < b.first; });
    std::size_t kept = 0;
    for (const SerialRange& range : serials) {
        if (kept > 0 && range.first <= serials[kept - 1].last) {
            serials[kept - 1].last = std::max(serials[kept - 1].last, range.last);
        } else {
            serials[kept++] = range;
        }
    }
    serials.resize(kept);
}

}  // namespace

bool RevocationList::Certificates::has_serial(std::uint64_t serial) const {
    const auto after = std::upper_bound(
        serials.begin(), serials.end(), serial,
        [](std::uint64_t wanted, const SerialRange& range) { return wanted < range.first; });
    return after != serials.begin() && serial <= std::prev(after)->last;
}

bool is_krl(Bytes file) {
    return as_text(file).starts_with(kMagic);
}

tl::expected<RevocationList, std::string> parse_krl(Bytes file) {
    RevocationList made;
    if (const Error error = Parser(made).read_list(file)) {
        return tl::unexpected(*error);
    }
    for (auto& [authority, certificates] : made.certificates) {
        put_in_order(certificates.serials);
    }
    return made;
}

std::optional<std::string> why_not_listed(Bytes key_blob) {
    WireReader in(key_blob);
    const std::string type = in.name("type");
    if (!in.ok()) {
        return in.error();
    }
    if (is_certificate_type(type)) {
        return std::string("is a certificate where a plain key belongs");
    }
    if (!is_plain_key_type(type)) {
        return std::nullopt;
    }
    const auto key = parse_key_blob(key_blob);
    return key ? std::nullopt : Error(key.error());
}

}  // namespace portreeve::ssh
