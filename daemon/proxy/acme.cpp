#include "daemon/proxy/acme.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "daemon/http/text.h"
#include "uring/fd.h"

namespace portreeve::daemon {
namespace {

constexpr std::size_t kTokenBytesMax = 128;

// Base64url, as the RFC wants it: no dot and no slash, so it names a file in that folder.
bool is_token(std::string_view text) {
    return !text.empty() && text.size() <= kTokenBytesMax &&
           std::all_of(text.begin(), text.end(), [](char c) {
               return http::is_letter(c) || http::is_digit(c) || c == '-' || c == '_';
           });
}

}  // namespace

std::optional<std::string> read_challenge(const std::string& webroot, std::string_view path) {
    if (webroot.empty() || !path.starts_with(kChallengePath)) {
        return std::nullopt;
    }
    const std::string_view token = path.substr(kChallengePath.size());
    if (!is_token(token)) {
        return std::nullopt;
    }
    const std::string file = webroot + std::string(path);
    const uring::Fd opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    struct stat what {};
    if (!opened || fstat(opened.get(), &what) != 0 || !S_ISREG(what.st_mode)) {
        return std::nullopt;
    }
    std::string content(kChallengeBytesMax, '\0');
    const ssize_t size = ::read(opened.get(), content.data(), content.size());
    if (size <= 0) {
        return std::nullopt;
    }
    content.resize(static_cast<std::size_t>(size));
    return content;
}

}  // namespace portreeve::daemon
