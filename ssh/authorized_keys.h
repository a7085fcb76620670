// Which keys may log in: the lines of OpenSSH's authorized_keys files.
//
// A key is granted what its line says and no more. As long as a line's options are not honoured, a
// line that carries any is refused, and said so: a key must never be wider than its owner wrote it.
//
// Owns: values only; a set is made whole, then shared read-only. Called by: daemon/ at start and
// reload. Bounds: kFileBytesMax a file, kFilesMax files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ssh/keys.h"

namespace portreeve::ssh {

class AuthorizedKeys {
  public:
    static constexpr std::size_t kFileBytesMax = std::size_t{16} * 1024 * 1024;
    static constexpr std::size_t kFilesMax = 10'000;

    struct Entry {
        PublicKey key;
        std::string comment;
        std::string file;
        std::uint32_t line = 0;
    };
    // A line, or a file, that grants nothing, and why.
    struct Complaint {
        std::string file;
        std::uint32_t line = 0;  // 0: the file as a whole
        std::string sentence;
        [[nodiscard]] std::string text() const;
    };

    // Reads files, and all regular files of folders, in name order. What cannot be read or
    // understood becomes a complaint; it grants nothing.
    static AuthorizedKeys read(const std::vector<std::string>& paths);
    // Adds what `text` grants; `file` is the name that entries and complaints carry.
    void add_text(std::string_view text, const std::string& file);

    // nullptr: not authorized.
    [[nodiscard]] const Entry* find(const PublicKey& key) const;
    [[nodiscard]] std::size_t size() const { return by_key_.size(); }
    [[nodiscard]] const std::vector<Complaint>& complaints() const { return complaints_; }

  private:
    void add_path(const std::string& path);
    void add_file(const std::string& path);
    void add_line(std::string_view line, const std::string& file, std::uint32_t number);
    void complain(const std::string& file, std::uint32_t line, std::string sentence);

    std::unordered_map<std::string, Entry> by_key_;  // by base64
    std::vector<Complaint> complaints_;
    std::size_t files_ = 0;
};

}  // namespace portreeve::ssh
