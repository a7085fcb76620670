#include "daemon/passwords.h"

#include <crypt.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <functional>
#include <utility>

#include "conf/values.h"
#include "ssh/secret_file.h"
#include "ssh/text.h"
#include "uring/fd.h"

namespace portreeve::daemon {
namespace {

// The methods that may be used, those that libcrypt still makes new hashes by: how a hash begins,
// and how many characters its last field has. crypt_checksalt takes a hash that was cut short.
struct Shape {
    std::string_view prefix;
    std::size_t digest_chars;
};
constexpr auto kShapes = std::to_array<Shape>({{"$y$", 43},
                                               {"$gy$", 43},
                                               {"$7$", 43},
                                               {"$2a$", 53},
                                               {"$2b$", 53},
                                               {"$2y$", 53},
                                               {"$6$", 86}});

bool is_digest_char(char c) {
    return ssh::is_letter_or_digit(c) || c == '.' || c == '/';
}

// What is wrong with a hash; empty if nothing is. The hash itself is never repeated.
std::string hash_fault(const std::string& hash) {
    if (hash.empty()) {
        return "there is no hash after the user's name; make one with: mkpasswd --method=yescrypt";
    }
    if (hash.front() == '!' || hash.front() == '*') {
        return "the hash is one that locks the user out; remove the line instead";
    }
    const auto* const shape = std::find_if(kShapes.begin(), kShapes.end(), [&](const Shape& each) {
        return hash.starts_with(each.prefix);
    });
    if (shape == kShapes.end()) {
        return "the hash is not of a method that resists guessing; make one with: mkpasswd "
               "--method=yescrypt";
    }
    const std::string_view digest = std::string_view(hash).substr(hash.rfind('$') + 1);
    if (crypt_checksalt(hash.c_str()) != CRYPT_SALT_OK || digest.size() != shape->digest_chars ||
        !std::all_of(digest.begin(), digest.end(), is_digest_char)) {
        return "the hash is damaged: it begins like one of a known method, but is not one that "
               "crypt(3) makes; was it cut short?";
    }
    return {};
}

std::string user_fault(std::string_view user) {
    const auto forbidden = [](char c) { return (c >= '\0' && c <= ' ') || c == '\x7f'; };
    if (user.empty()) {
        return "there is no user's name before the \":\"";
    }
    if (std::any_of(user.begin(), user.end(), forbidden)) {
        return "the user's name " + conf::in_quotes(user) + " has a space or control character";
    }
    return {};
}

// Whoever can read it can guess at leisure, and whoever can write it can log in.
std::string why_unsafe(int file, const std::string& path) {
    struct stat status {};
    if (::fstat(file, &status) != 0) {
        return path + ": " + std::strerror(errno);
    }
    if (!S_ISREG(status.st_mode)) {
        return path + ": not a regular file";
    }
    if (ssh::open_to_others(status, ::geteuid())) {
        return path + ": open to others; run: chmod 600 " + path;
    }
    if (status.st_uid != 0 && status.st_uid != ::geteuid()) {
        return path + ": belongs to another user (number " + std::to_string(status.st_uid) +
               "); run: chown root " + path;
    }
    return {};
}

tl::expected<std::string, std::string> read_file(const std::string& path) {
    const uring::Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    if (!file) {
        return tl::unexpected(path + ": " + std::strerror(errno));
    }
    if (std::string why = why_unsafe(file.get(), path); !why.empty()) {
        return tl::unexpected(std::move(why));
    }
    std::string text(Passwords::kFileBytesMax + 1, '\0');
    std::size_t bytes = 0;
    ssize_t count = 1;
    while (count != 0 && bytes < text.size()) {
        count = ::read(file.get(), text.data() + bytes, text.size() - bytes);
        if (count < 0 && errno != EINTR) {
            return tl::unexpected(path + ": " + std::strerror(errno));
        }
        bytes += static_cast<std::size_t>(std::max<ssize_t>(0, count));
    }
    if (bytes > Passwords::kFileBytesMax) {
        return tl::unexpected(path + ": longer than " + std::to_string(Passwords::kFileBytesMax) +
                              " bytes, the most that a file of passwords may be");
    }
    text.resize(bytes);
    return text;
}

// Why the options cannot be a user's; empty: they are in `options` now.
std::string read_options(std::string_view text, ssh::KeyOptions& options) {
    auto read = ssh::parse_key_options(text);
    if (!read) {
        return read.error();
    }
    if (read->cert_authority || read->verify_required) {
        return "cert-authority and verify-required are about keys, and this is a password";
    }
    options = std::move(*read);
    return {};
}

// A hash of the default method with a digest that is nobody's.
std::string make_decoy() {
    std::array<char, CRYPT_GENSALT_OUTPUT_SIZE> setting{};
    crypt_gensalt_rn("$y$", 0, nullptr, 0, setting.data(), static_cast<int>(setting.size()));
    return std::string(setting.data()) + "$" + std::string(kShapes.front().digest_chars, '.');
}

}  // namespace

tl::expected<Passwords, std::vector<std::string>> Passwords::read(const std::string& path) {
    const auto text = read_file(path);
    if (!text) {
        return tl::unexpected(std::vector<std::string>{text.error()});
    }
    Passwords made;
    made.path_ = path;
    made.decoy_ = make_decoy();
    std::vector<std::string> complaints;
    std::uint32_t line = 0;
    for (std::string_view rest = *text; !rest.empty() && complaints.size() < kComplaintsMax;) {
        const auto end = rest.find('\n');
        made.read_line(rest.substr(0, end), ++line, complaints);
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    }
    if (!complaints.empty()) {
        return tl::unexpected(std::move(complaints));
    }
    return made;
}

void Passwords::read_line(std::string_view text, std::uint32_t line,
                          std::vector<std::string>& complaints) {
    if (text.ends_with('\r')) {
        text.remove_suffix(1);
    }
    if (text.find_first_not_of(" \t") == std::string_view::npos || text.front() == '#') {
        return;
    }
    const auto complain = [&](const std::string& why) {
        complaints.push_back(path_ + ":" + std::to_string(line) + ": " + why);
    };
    const auto first = text.find(':');
    if (first == std::string_view::npos) {
        complain("this is no USER:HASH");
        return;
    }
    const auto second = text.find(':', first + 1);
    Entry entry;
    entry.user = text.substr(0, first);
    entry.hash =
        text.substr(first + 1, second == std::string_view::npos ? second : second - first - 1);
    const auto options_text =
        second == std::string_view::npos ? std::string_view() : text.substr(second + 1);
    const auto options_why = read_options(options_text, entry.options);
    entry.line = line;
    for (const std::string& why : {user_fault(entry.user), hash_fault(entry.hash), options_why}) {
        if (!why.empty()) {
            complain(why);
            return;
        }
    }
    if (const auto [known, added] = by_user_.try_emplace(entry.user, entries_.size()); !added) {
        complain("the user " + conf::in_quotes(entry.user) + " is already in line " +
                 std::to_string(entries_[known->second].line));
        return;
    }
    entries_.push_back(std::move(entry));
}

const Passwords::Entry* Passwords::find(std::string_view user) const {
    const auto known = by_user_.find(std::string(user));
    return known == by_user_.end() ? nullptr : &entries_[known->second];
}

const std::string& Passwords::hash_to_try(std::string_view user) const {
    if (const Entry* entry = find(user); entry != nullptr) {
        return entry->hash;
    }
    if (entries_.empty()) {
        return decoy_;
    }
    return entries_[std::hash<std::string_view>()(user) % entries_.size()].hash;
}

}  // namespace portreeve::daemon
