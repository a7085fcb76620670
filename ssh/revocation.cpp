#include "ssh/revocation.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "ssh/key_blob.h"

namespace portreeve::ssh {
namespace {

constexpr std::string_view kBlanks = " \t\r";

std::string_view next_word(std::string_view& text) {
    text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
    const std::string_view word = text.substr(0, text.find_first_of(kBlanks));
    text.remove_prefix(word.size());
    return word;
}

// The key of a line in the plain form, in base64; the error is the end of a sentence about the
// line. A certificate there stands for the key in it, as in sshd.
tl::expected<std::string, std::string> read_line(std::string_view type, std::string_view base64) {
    const auto blob = from_base64(base64);
    WireReader in(blob ? Bytes(*blob) : Bytes());
    if (in.name("type") != type || !in.ok()) {
        return tl::unexpected(
            std::string("is not a public key: a type and its base64, without options"));
    }
    if (is_certificate_type(type)) {
        auto certificate = Certificate::parse(*blob);
        if (!certificate) {
            return tl::unexpected("cannot be read: " + certificate.error());
        }
        return std::move(certificate->key.base64);
    }
    if (const auto error = why_not_listed(*blob)) {
        return tl::unexpected("has a key that " + *error);
    }
    return std::string(base64);
}

std::string digest_of(Bytes blob, const EVP_MD* kind) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    if (EVP_Digest(blob.data(), blob.size(), digest.data(), &size, kind, nullptr) != 1) {
        size = 0;
    }
    return {reinterpret_cast<const char*>(digest.data()), size};
}

// Whether `list` has the key's hash. A key that cannot be hashed is taken to be on it.
bool has_digest(const std::unordered_set<std::string>& list, Bytes blob, const EVP_MD* kind) {
    if (list.empty()) {
        return false;
    }
    const std::string digest = digest_of(blob, kind);
    return digest.empty() || list.contains(digest);
}

}  // namespace

tl::expected<RevokedKeys, std::string> RevokedKeys::read(const std::string& path) {
    errno = 0;
    std::ifstream stream(path, std::ios::binary);
    std::string content(kFileBytesMax + 1, '\0');
    stream.read(content.data(), static_cast<std::streamsize>(content.size()));
    if (stream.bad() || (stream.fail() && !stream.eof())) {
        return tl::unexpected(path + ": revoked keys cannot be read: " + std::strerror(errno));
    }
    content.resize(static_cast<std::size_t>(stream.gcount()));
    if (content.size() > kFileBytesMax) {
        return tl::unexpected(path + ": revoked keys are not read: larger than " +
                              std::to_string(kFileBytesMax) + " bytes");
    }
    return parse(as_bytes(content), path);
}

tl::expected<RevokedKeys, std::string> RevokedKeys::parse(std::span<const std::byte> content,
                                                          const std::string& file) {
    auto list = is_krl(content) ? parse_krl(content) : parse_lines(as_text(content), file);
    if (!list) {
        return tl::unexpected(is_krl(content) ? file + ": the list of revoked keys " + list.error()
                                              : list.error());
    }
    RevokedKeys made;
    made.file_ = file;
    made.list_ = std::move(*list);
    return made;
}

tl::expected<RevocationList, std::string> RevokedKeys::parse_lines(std::string_view text,
                                                                   const std::string& file) {
    RevocationList made;
    for (std::size_t number = 1; !text.empty(); ++number) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        const std::string_view type = next_word(line);
        if (type.empty() || type.front() == '#') {
            continue;
        }
        auto key = read_line(type, next_word(line));
        if (!key) {
            return tl::unexpected(file + ":" + std::to_string(number) +
                                  ": this line of revoked keys " + key.error());
        }
        made.keys.insert(std::move(*key));
    }
    return made;
}

std::optional<std::string> RevokedKeys::why_revoked_as(const PublicKey& key,
                                                       const std::string& subject) const {
    const auto revoked_by = [&](const char* what) {
        return subject + " " + key.fingerprint + " is revoked by " + what + " in " + file_;
    };
    if (list_.keys.contains(key.base64)) {
        return revoked_by("name");
    }
    if (list_.sha1s.empty() && list_.sha256s.empty()) {
        return std::nullopt;
    }
    const auto blob = from_base64(key.base64);
    if (!blob || has_digest(list_.sha256s, *blob, EVP_sha256())) {
        return revoked_by("its SHA256 fingerprint");
    }
    if (has_digest(list_.sha1s, *blob, EVP_sha1())) {
        return revoked_by("its SHA1 fingerprint");
    }
    return std::nullopt;
}

std::optional<std::string> RevokedKeys::why_revoked(const PublicKey& key) const {
    return why_revoked_as(key, "the key");
}

std::optional<std::string> RevokedKeys::why_revoked(const Certificate& certificate) const {
    if (auto why = why_revoked_as(certificate.key, "the certified key")) {
        return why;
    }
    // What is revoked of this authority, and of any.
    for (const std::string& authority : {certificate.authority.base64, std::string()}) {
        const auto found = list_.certificates.find(authority);
        if (found == list_.certificates.end()) {
            continue;
        }
        if (found->second.key_ids.contains(certificate.key_id)) {
            return "the " + certificate.name() + " is revoked by its key id in " + file_;
        }
        if (found->second.has_serial(certificate.serial)) {
            return "the " + certificate.name() + " is revoked by its serial number in " + file_;
        }
    }
    return why_revoked_as(certificate.authority, "the authority's key");
}

}  // namespace portreeve::ssh
