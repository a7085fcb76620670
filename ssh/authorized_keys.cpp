#include "ssh/authorized_keys.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace portreeve::ssh {
namespace {

constexpr std::string_view kBlanks = " \t\r";

std::string_view trim(std::string_view text) {
    const std::size_t first = text.find_first_not_of(kBlanks);
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

// Cuts the next word off `text`. Double quotes hold blanks together, as in OpenSSH's options.
std::string_view next_word(std::string_view& text) {
    bool quoted = false;
    std::size_t end = 0;
    for (; end < text.size(); ++end) {
        if (text[end] == '\\' && quoted && end + 1 < text.size()) {
            ++end;
        } else if (text[end] == '"') {
            quoted = !quoted;
        } else if (!quoted && kBlanks.find(text[end]) != std::string_view::npos) {
            break;
        }
    }
    const std::string_view word = text.substr(0, end);
    text = trim(text.substr(end));
    return word;
}

bool looks_like_key_type(std::string_view word) {
    return word.starts_with("ssh-") || word.starts_with("ecdsa-") || word.starts_with("sk-ssh-") ||
           word.starts_with("sk-ecdsa-");
}

}  // namespace

std::string AuthorizedKeys::Complaint::text() const {
    return line == 0 ? file + ": " + sentence : file + ":" + std::to_string(line) + ": " + sentence;
}

AuthorizedKeys AuthorizedKeys::read(const std::vector<std::string>& paths) {
    AuthorizedKeys made;
    for (const std::string& path : paths) {
        made.add_path(path);
    }
    return made;
}

void AuthorizedKeys::add_path(const std::string& path) {
    std::error_code error;
    if (!std::filesystem::is_directory(path, error)) {
        add_file(path);
        return;
    }
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(path, error)) {
        const std::string name = entry.path().filename().string();
        std::error_code ignored;
        if (!name.starts_with('.') && entry.is_regular_file(ignored)) {
            files.push_back(entry.path().string());
        }
    }
    if (error) {
        complain(path, 0, error.message());
    }
    std::sort(files.begin(), files.end());
    for (const std::string& file : files) {
        add_file(file);
    }
}

void AuthorizedKeys::add_file(const std::string& path) {
    if (++files_ > kFilesMax) {
        complain(path, 0, "not read: more than " + std::to_string(kFilesMax) + " files");
        return;
    }
    std::error_code error;
    const std::uintmax_t bytes = std::filesystem::file_size(path, error);
    if (error) {
        complain(path, 0, error.message());
        return;
    }
    if (bytes > kFileBytesMax) {
        complain(path, 0, "not read: larger than " + std::to_string(kFileBytesMax) + " bytes");
        return;
    }
    std::ifstream stream(path, std::ios::binary);
    std::string text(bytes, '\0');
    stream.read(text.data(), static_cast<std::streamsize>(bytes));
    if (!stream) {
        complain(path, 0, std::string("cannot be read: ") + std::strerror(errno));
        return;
    }
    add_text(text, path);
}

void AuthorizedKeys::add_text(std::string_view text, const std::string& file) {
    std::uint32_t number = 0;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        add_line(trim(text.substr(0, end)), file, ++number);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
}

void AuthorizedKeys::add_line(std::string_view line, const std::string& file,
                              std::uint32_t number) {
    if (line.empty() || line.front() == '#') {
        return;
    }
    const std::string first(next_word(line));
    if (!looks_like_key_type(first)) {
        complain(file, number,
                 "this key is refused because its line carries options (" + first +
                     "), which are not honoured yet; remove them to grant the key everything");
        return;
    }
    const std::string base64(next_word(line));
    auto key = PublicKey::parse(first, base64);
    if (!key) {
        complain(file, number,
                 "this key is refused because it is not a readable key of type " + first);
        return;
    }
    std::string index = key->base64;
    by_key_.try_emplace(std::move(index), Entry{std::move(*key), std::string(line), file, number});
}

void AuthorizedKeys::complain(const std::string& file, std::uint32_t line, std::string sentence) {
    complaints_.push_back({file, line, std::move(sentence)});
}

const AuthorizedKeys::Entry* AuthorizedKeys::find(const PublicKey& key) const {
    const auto found = by_key_.find(key.base64);
    return found == by_key_.end() ? nullptr : &found->second;
}

}  // namespace portreeve::ssh
