// The file of hashed passwords: USER:HASH or USER:HASH:OPTIONS on each line. A value, read at start
// and reload; PasswordCheck compares with it.
//
// Owns: the entries. Called by: startup, PasswordCheck, Client. Bounds: kFileBytesMax, and the
// first kComplaintsMax mistakes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <tl/expected.hpp>

#include "ssh/key_options.h"

namespace portreeve::daemon {

class Passwords {
  public:
    static constexpr std::size_t kFileBytesMax = 1 << 20;
    static constexpr std::size_t kComplaintsMax = 50;

    struct Entry {
        std::string user;
        std::string hash;
        ssh::KeyOptions options;  // written as before the key in a line of authorized_keys
        std::uint32_t line = 0;
        bool operator==(const Entry&) const = default;
    };

    // The errors are sentences, those about a line with FILE:LINE in front.
    static tl::expected<Passwords, std::vector<std::string>> read(const std::string& path);

    // nullptr: there is no such user. Lives as long as this object.
    [[nodiscard]] const Entry* find(std::string_view user) const;
    // What a login as `user` is to be hashed like: the user's hash, or for somebody unknown always
    // the same one of the others, so that the time it takes does not tell who is known.
    [[nodiscard]] const std::string& hash_to_try(std::string_view user) const;
    [[nodiscard]] std::size_t size() const { return entries_.size(); }
    [[nodiscard]] const std::string& path() const { return path_; }
    bool operator==(const Passwords& other) const {
        return path_ == other.path_ && entries_ == other.entries_;
    }

  private:
    void read_line(std::string_view text, std::uint32_t line, std::vector<std::string>& complaints);

    std::string path_;
    std::vector<Entry> entries_;
    std::unordered_map<std::string, std::size_t> by_user_;
    std::string decoy_;  // what an empty file is tried with
};

}  // namespace portreeve::daemon
