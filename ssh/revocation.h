// What sshd calls RevokedKeys: a file of keys, certificates and authorities that are no longer
// trusted, either OpenSSH's binary list (krl.h) or a public key a line.
//
// A file that is missing or not understood is an error, and must not be taken for an empty one:
// sshd then refuses every key. daemon/ treats it as it does any configuration that fails: it does
// not start, and a reload keeps what was read before.
//
// Owns: values only; a list is made whole, then shared read-only. Called by: daemon/ at start and
// reload, and at each login. Bounds: kFileBytesMax, and those of krl.h.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include <tl/expected.hpp>

#include "ssh/certificate.h"
#include "ssh/keys.h"
#include "ssh/krl.h"

namespace portreeve::ssh {

class RevokedKeys {
  public:
    static constexpr std::size_t kFileBytesMax = std::size_t{16} * 1024 * 1024;

    // The error is a sentence that names the file, and the line if it has lines.
    static tl::expected<RevokedKeys, std::string> read(const std::string& path);
    // `file` is the name that sentences carry.
    static tl::expected<RevokedKeys, std::string> parse(std::span<const std::byte> content,
                                                        const std::string& file);

    // nullopt: not revoked; else a sentence.
    [[nodiscard]] std::optional<std::string> why_revoked(const PublicKey& key) const;
    // Asks about the certified key, the certificate and its authority.
    [[nodiscard]] std::optional<std::string> why_revoked(const Certificate& certificate) const;
    bool operator==(const RevokedKeys&) const = default;

  private:
    static tl::expected<RevocationList, std::string> parse_lines(std::string_view text,
                                                                 const std::string& file);
    [[nodiscard]] std::optional<std::string> why_revoked_as(const PublicKey& key,
                                                            const std::string& subject) const;

    std::string file_;
    RevocationList list_;
};

}  // namespace portreeve::ssh
