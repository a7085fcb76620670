// Keys as values. A PublicKey is compared by its blob and named by its SHA256 fingerprint; HostKeys
// are the server's own, read or made once and shared by all workers.
//
// Owns: libssh's key objects. Called by: Session, AuthorizedKeys, and daemon/ at start and reload.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

struct ssh_key_struct;

namespace portreeve::ssh {

struct PublicKey {
    std::string type;         // "ssh-ed25519"
    std::string base64;       // the key blob as authorized_keys and known_hosts write it
    std::string fingerprint;  // "SHA256:…", as ssh-keygen -l prints it

    static std::optional<PublicKey> from(const ssh_key_struct* key);
    // nullopt: not a key of this type.
    static std::optional<PublicKey> parse(const std::string& type, const std::string& base64);
    // `TYPE BASE64 COMMENT`. The error is a sentence.
    static tl::expected<PublicKey, std::string> of_line(const std::string& line);
    // The key or certificate that a file of ssh-keygen's names: `TYPE BASE64 COMMENT`, or a private
    // key, whose public part is taken where that needs no passphrase. The error is a sentence.
    static tl::expected<PublicKey, std::string> read(const std::string& path);
    bool operator==(const PublicKey& other) const { return base64 == other.base64; }
};

struct KeyDeleter {
    void operator()(ssh_key_struct* key) const;
};
using KeyHandle = std::unique_ptr<ssh_key_struct, KeyDeleter>;

// A copy shares the keys.
class HostKeys {
  public:
    // Reads private keys from `paths`; at most one of each type. The error is a sentence.
    static tl::expected<HostKeys, std::string> read(const std::vector<std::string>& paths);
    // Reads STATE_DIR/host_key_ed25519, or makes it (mode 0600, written whole or not at all).
    static tl::expected<HostKeys, std::string> read_or_make(const std::string& state_dir);

    [[nodiscard]] std::vector<PublicKey> public_keys() const;

  private:
    friend class Acceptor;
    std::vector<std::shared_ptr<ssh_key_struct>> keys_;
};

}  // namespace portreeve::ssh
