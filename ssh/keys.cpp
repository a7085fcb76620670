#include "ssh/keys.h"

#include <fcntl.h>
#include <libssh/libssh.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "ssh/certificate.h"
#include "ssh/secret_file.h"

namespace portreeve::ssh {
namespace {

constexpr mode_t kOthersMask = S_IRWXG | S_IRWXO;
constexpr std::size_t kPublicFileBytesMax = std::size_t{128} * 1024;  // the largest certificate's

// Refuses a key that others could have read or replaced, as ssh itself does.
std::string why_unsafe(const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) {
        return std::strerror(errno);
    }
    if (!S_ISREG(status.st_mode)) {
        return "not a regular file";
    }
    if (open_to_others(status, ::geteuid())) {
        return "readable by others; run: chmod 600 " + path;
    }
    if (::access(path.c_str(), R_OK) != 0) {
        return std::strerror(errno);
    }
    return {};
}

tl::expected<KeyHandle, std::string> read_private_key(const std::string& path) {
    if (const std::string why = why_unsafe(path); !why.empty()) {
        return tl::unexpected("host key " + path + ": " + why);
    }
    ssh_key key = nullptr;
    if (ssh_pki_import_privkey_file(path.c_str(), nullptr, nullptr, nullptr, &key) != SSH_OK) {
        return tl::unexpected("host key " + path +
                              ": not a private key without passphrase in OpenSSH or PEM format");
    }
    return KeyHandle(key);
}

// Written beside its name and then renamed, so that a crash leaves a whole key or none.
tl::expected<KeyHandle, std::string> make_private_key(const std::string& path) {
    ssh_key key = nullptr;
    if (ssh_pki_generate(SSH_KEYTYPE_ED25519, 0, &key) != SSH_OK) {
        return tl::unexpected(std::string("host key: cannot generate an ed25519 key"));
    }
    KeyHandle handle(key);
    const std::string partial = path + ".new";
    const mode_t before = ::umask(kOthersMask);
    const int rc = ssh_pki_export_privkey_file(key, nullptr, nullptr, nullptr, partial.c_str());
    ::umask(before);
    if (rc != SSH_OK || ::chmod(partial.c_str(), S_IRUSR | S_IWUSR) != 0 ||
        ::rename(partial.c_str(), path.c_str()) != 0) {
        const std::string why = std::strerror(errno);
        ::unlink(partial.c_str());
        return tl::unexpected("host key " + path + ": cannot be written: " + why);
    }
    return handle;
}

// Of OpenSSH's own format, the public part is not encrypted; of PEM it is.
tl::expected<PublicKey, std::string> public_part_of(const std::string& path) {
    ssh_key key = nullptr;
    if (ssh_pki_import_pubkey_file(path.c_str(), &key) != SSH_OK &&
        ssh_pki_import_privkey_file(path.c_str(), "", nullptr, nullptr, &key) != SSH_OK) {
        return tl::unexpected(path +
                              ": a private key whose public part cannot be read without its "
                              "passphrase; name the .pub file beside it");
    }
    const KeyHandle handle(key);
    if (auto made = PublicKey::from(key)) {
        return std::move(*made);
    }
    return tl::unexpected(path + ": a private key of a type that is not known here");
}

}  // namespace

void KeyDeleter::operator()(ssh_key_struct* key) const {
    ssh_key_free(key);
}

std::optional<PublicKey> PublicKey::from(const ssh_key_struct* key) {
    PublicKey made;
    char* base64 = nullptr;
    if (ssh_pki_export_pubkey_base64(const_cast<ssh_key>(key), &base64) != SSH_OK) {
        return std::nullopt;
    }
    made.base64 = base64;
    ssh_string_free_char(base64);
    made.type = ssh_key_type_to_char(ssh_key_type(const_cast<ssh_key>(key)));
    unsigned char* hash = nullptr;
    std::size_t hash_bytes = 0;
    if (ssh_get_publickey_hash(const_cast<ssh_key>(key), SSH_PUBLICKEY_HASH_SHA256, &hash,
                               &hash_bytes) != 0) {
        return std::nullopt;
    }
    char* text = ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, hash, hash_bytes);
    ssh_clean_pubkey_hash(&hash);
    if (text == nullptr) {
        return std::nullopt;
    }
    made.fingerprint = text;
    ssh_string_free_char(text);
    return made;
}

std::optional<PublicKey> PublicKey::parse(const std::string& type, const std::string& base64) {
    const ssh_keytypes_e kind = ssh_key_type_from_name(type.c_str());
    ssh_key key = nullptr;
    if (kind == SSH_KEYTYPE_UNKNOWN ||
        ssh_pki_import_pubkey_base64(base64.c_str(), kind, &key) != SSH_OK) {
        return std::nullopt;
    }
    const KeyHandle handle(key);
    auto made = from(key);
    if (made) {
        made->type = type;
    }
    return made;
}

tl::expected<PublicKey, std::string> PublicKey::of_line(const std::string& line) {
    std::istringstream words(line);
    PublicKey key;
    words >> key.type >> key.base64;
    if (is_certificate_type(key.type)) {
        return key;  // whether it is a good one is for whoever decides by it
    }
    if (auto made = PublicKey::parse(key.type, key.base64)) {
        return std::move(*made);
    }
    return tl::unexpected(
        std::string("no public key: a line TYPE BASE64, as in ssh-keygen's .pub files, is "
                    "expected"));
}

tl::expected<PublicKey, std::string> PublicKey::read(const std::string& path) {
    errno = 0;
    std::ifstream file(path, std::ios::binary);
    std::string text(kPublicFileBytesMax + 1, '\0');
    if (!file.read(text.data(), static_cast<std::streamsize>(text.size())) && errno != 0) {
        return tl::unexpected(path + ": " + std::strerror(errno));
    }
    text.resize(static_cast<std::size_t>(file.gcount()));
    if (text.size() > kPublicFileBytesMax) {
        return tl::unexpected(path + ": too large for a public key");
    }
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("-----BEGIN ") && line.find("PRIVATE KEY") != std::string::npos) {
            return public_part_of(path);
        }
        if (!line.empty() && line.front() != '#') {
            auto key = of_line(line);
            return key ? std::move(key) : tl::unexpected(path + ": " + key.error());
        }
    }
    return tl::unexpected(path + ": holds no key");
}

tl::expected<HostKeys, std::string> HostKeys::read(const std::vector<std::string>& paths) {
    HostKeys made;
    std::vector<ssh_keytypes_e> types;
    for (const std::string& path : paths) {
        auto key = read_private_key(path);
        if (!key) {
            return tl::unexpected(key.error());
        }
        const ssh_keytypes_e type = ssh_key_type(key->get());
        if (std::find(types.begin(), types.end(), type) != types.end()) {
            return tl::unexpected("host key " + path + ": a second key of type " +
                                  ssh_key_type_to_char(type) + "; list one of each type");
        }
        types.push_back(type);
        made.keys_.push_back(std::move(*key));
    }
    return made;
}

tl::expected<HostKeys, std::string> HostKeys::read_or_make(const std::string& state_dir) {
    const std::string path = state_dir + "/host_key_ed25519";
    auto key = ::access(path.c_str(), F_OK) == 0 ? read_private_key(path) : make_private_key(path);
    if (!key) {
        return tl::unexpected(key.error());
    }
    HostKeys made;
    made.keys_.push_back(std::move(*key));
    return made;
}

std::vector<PublicKey> HostKeys::public_keys() const {
    std::vector<PublicKey> all;
    for (const auto& key : keys_) {
        if (auto made = PublicKey::from(key.get())) {
            all.push_back(std::move(*made));
        }
    }
    return all;
}

}  // namespace portreeve::ssh
