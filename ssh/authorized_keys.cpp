#include "ssh/authorized_keys.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "ssh/changeable.h"
#include "ssh/text.h"

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

// Cuts the next word off `text`.
std::string_view next_word(std::string_view& text) {
    const std::size_t end = std::min(text.find_first_of(kBlanks), text.size());
    const std::string_view word = text.substr(0, end);
    text = trim(text.substr(end));
    return word;
}

// Cuts the options off `text`. Double quotes hold blanks together; within them, \" is a quote.
std::string_view next_options(std::string_view& text) {
    bool quoted = false;
    std::size_t end = 0;
    for (; end < text.size(); ++end) {
        if (text.substr(end).starts_with("\\\"")) {
            ++end;
        } else if (text[end] == '"') {
            quoted = !quoted;
        } else if (!quoted && kBlanks.find(text[end]) != std::string_view::npos) {
            break;
        }
    }
    const std::string_view options = text.substr(0, end);
    text = trim(text.substr(end));
    return options;
}

bool looks_like_key(std::string_view line) {
    return line.starts_with("ssh-") || line.starts_with("ecdsa-") || line.starts_with("sk-ssh-") ||
           line.starts_with("sk-ecdsa-");
}

bool is_certificate_type(std::string_view type) {
    return type.find("-cert-v0") != std::string_view::npos;
}

// A copy or half of a file, which somebody did not mean to let anybody in.
bool is_left_behind(std::string_view name) {
    constexpr std::array kEnds{"~", ".bak", ".orig", ".rej", ".swp"};
    constexpr std::array kParts{".dpkg-", ".ucf-"};
    return (name.starts_with('#') && name.ends_with('#')) ||
           std::any_of(kEnds.begin(), kEnds.end(),
                       [name](std::string_view end) { return name.ends_with(end); }) ||
           std::any_of(kParts.begin(), kParts.end(), [name](std::string_view part) {
               return name.find(part) != std::string_view::npos;
           });
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
    if (std::filesystem::is_directory(path, error)) {
        add_folder(path);
        return;
    }
    add_file(path);
    if (std::filesystem::exists(path, error)) {
        const std::string folder = std::filesystem::path(path).parent_path().string();
        doubt(why_changeable(folder.empty() ? "." : folder, StickyFolder::suffices));
    }
}

void AuthorizedKeys::add_folder(const std::string& path) {
    std::error_code error;
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(path, error)) {
        const std::string name = entry.path().filename().string();
        std::error_code ignored;
        if (!name.starts_with('.') && !is_left_behind(name) && entry.is_regular_file(ignored)) {
            files.push_back(entry.path().string());
        }
    }
    if (error) {
        complain(path, 0, error.message());
    }
    doubt(why_changeable(path, StickyFolder::does_not));
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
    doubt(why_changeable(path, StickyFolder::does_not));
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
    if (!is_text(line)) {
        complain(file, number, "this line is refused because it holds a control character");
        return;
    }
    auto options = parse_key_options(looks_like_key(line) ? "" : next_options(line));
    if (!options) {
        complain(file, number, "this key is refused: " + options.error());
        return;
    }
    add_key(std::move(*options), line, file, number);
}

void AuthorizedKeys::add_key(KeyOptions options, std::string_view text, const std::string& file,
                             std::uint32_t number) {
    const std::string type(next_word(text));
    const std::string base64(next_word(text));
    if (is_certificate_type(type)) {
        complain(file, number,
                 "this certificate is refused: write the key that signed it, behind the option "
                 "cert-authority");
        return;
    }
    auto key = PublicKey::parse(type, base64);
    if (!key) {
        complain(file, number,
                 "this key is refused because it is not a readable key of type " + shown(type));
        return;
    }
    note_written_out(options);
    Lines& lines = options.cert_authority ? by_authority_ : by_key_;
    std::vector<Entry>& entries = lines[key->base64];
    entries.push_back(Entry{std::move(*key), std::move(options), std::string(text), file, number});
}

void AuthorizedKeys::note_written_out(const KeyOptions& options) {
    for (const ListenPattern& permit : options.permit_listen) {
        if (options.port_forwarding && permit.is_written_out()) {
            written_out_[permit.host].push_back(permit);
        }
    }
}

bool AuthorizedKeys::writes_out(const std::string& host, std::uint32_t port) const {
    const auto found = written_out_.find(host);
    return found != written_out_.end() && std::any_of(found->second.begin(), found->second.end(),
                                                      [port](const ListenPattern& permit) {
                                                          return permit.any_port ||
                                                                 permit.names_port(port);
                                                      });
}

void AuthorizedKeys::doubt(std::string sentence) {
    const bool said = std::find(doubts_.begin(), doubts_.end(), sentence) != doubts_.end();
    if (!sentence.empty() && !said && doubts_.size() < kDoubtsMax) {
        doubts_.push_back(std::move(sentence));
    }
}

void AuthorizedKeys::complain(const std::string& file, std::uint32_t line, std::string sentence) {
    complaints_.push_back({file, line, std::move(sentence)});
}

std::span<const AuthorizedKeys::Entry> AuthorizedKeys::lines_of(const PublicKey& key,
                                                                const Lines& lines) {
    const auto found = lines.find(key.base64);
    return found == lines.end() ? std::span<const Entry>{} : found->second;
}

std::span<const AuthorizedKeys::Entry> AuthorizedKeys::find(const PublicKey& key) const {
    return lines_of(key, by_key_);
}

std::span<const AuthorizedKeys::Entry> AuthorizedKeys::find_authority(const PublicKey& ca) const {
    return lines_of(ca, by_authority_);
}

}  // namespace portreeve::ssh
