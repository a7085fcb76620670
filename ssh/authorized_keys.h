// Which keys may log in, and as what: the lines of OpenSSH's authorized_keys files.
//
// A key is granted what its line says and no more: a line with an option that is unknown or not
// well formed is refused as a whole, and said so. A key may stand on several lines, each with its
// own options; as in sshd, the first that lets the login in is the one that holds. A cert-authority
// line grants nothing to its own key, only to the certificates that the key has signed.
//
// Owns: values only; a set is made whole, then shared read-only. Called by: daemon/ at start and
// reload. Bounds: kFileBytesMax a file, kFilesMax files, kDoubtsMax doubts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ssh/key_options.h"
#include "ssh/keys.h"

namespace portreeve::ssh {

class AuthorizedKeys {
  public:
    static constexpr std::size_t kFileBytesMax = std::size_t{16} * 1024 * 1024;
    static constexpr std::size_t kFilesMax = 10'000;
    static constexpr std::size_t kDoubtsMax = 20;

    struct Entry {
        PublicKey key;
        KeyOptions options;
        std::string comment;
        std::string file;
        std::uint32_t line = 0;
        bool operator==(const Entry&) const = default;
    };
    // A line, or a file, that grants nothing, and why.
    struct Complaint {
        std::string file;
        std::uint32_t line = 0;  // 0: the file as a whole
        std::string sentence;
        [[nodiscard]] std::string text() const;
        bool operator==(const Complaint&) const = default;
    };

    // Reads files, and all regular files of folders, in name order, but for those that begin with
    // a dot and what editors and packages leave beside a file. What cannot be read or understood
    // becomes a complaint; it grants nothing.
    static AuthorizedKeys read(const std::vector<std::string>& paths);
    // Adds what `text` grants; `file` is the name that entries and complaints carry.
    void add_text(std::string_view text, const std::string& file);

    // The lines that grant something to `key`, in the order they were read; empty: not authorized.
    [[nodiscard]] std::span<const Entry> find(const PublicKey& key) const;
    // The cert-authority lines of `ca`, likewise.
    [[nodiscard]] std::span<const Entry> find_authority(const PublicKey& ca) const;
    // Whether some line lets its key forward, and has a permitlisten with this very host, in lower
    // case, and this port.
    [[nodiscard]] bool writes_out(const std::string& host, std::uint32_t port) const;
    // How many keys may log in, and how many may sign certificates that may.
    [[nodiscard]] std::size_t size() const { return by_key_.size(); }
    [[nodiscard]] std::size_t authorities() const { return by_authority_.size(); }
    [[nodiscard]] const std::vector<Complaint>& complaints() const { return complaints_; }
    // Sentences about files, and their folders, that others than root and our own user could
    // change: what they say holds nevertheless.
    [[nodiscard]] const std::vector<std::string>& doubts() const { return doubts_; }
    bool operator==(const AuthorizedKeys&) const = default;

  private:
    using Lines = std::unordered_map<std::string, std::vector<Entry>>;  // by the key's base64

    static std::span<const Entry> lines_of(const PublicKey& key, const Lines& lines);
    void add_path(const std::string& path);
    void add_folder(const std::string& path);
    void add_file(const std::string& path);
    void add_line(std::string_view line, const std::string& file, std::uint32_t number);
    void add_key(KeyOptions options, std::string_view text, const std::string& file,
                 std::uint32_t number);
    void note_written_out(const KeyOptions& options);
    void doubt(std::string sentence);
    void complain(const std::string& file, std::uint32_t line, std::string sentence);

    Lines by_key_;
    Lines by_authority_;
    std::unordered_map<std::string, std::vector<ListenPattern>> written_out_;  // by the host
    std::vector<Complaint> complaints_;
    std::vector<std::string> doubts_;
    std::size_t files_ = 0;
};

}  // namespace portreeve::ssh
