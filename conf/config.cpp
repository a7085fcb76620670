#include "conf/config.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace portreeve::conf {

std::string Endpoint::text() const {
    const bool v6 = address.find(':') != std::string::npos;
    return (v6 ? '[' + address + ']' : address) + ':' + std::to_string(port);
}

std::string ConfigError::text() const {
    if (line == 0) {
        return file + ": " + sentence;
    }
    return file + ":" + std::to_string(line) + ":" + std::to_string(column) + ": " + sentence;
}

namespace {

// A read with its end and its errors in one: what there is up to `bytes_max`, or errno.
tl::expected<std::string, int> read_some(const std::string& path, std::size_t bytes_max) {
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        return tl::unexpected(errno);
    }
    std::string text;
    std::array<char, 16384> chunk{};
    ssize_t got = 1;
    while (got != 0 && text.size() < bytes_max) {
        got = read(fd, chunk.data(), chunk.size());
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            const int error = errno;
            close(fd);
            return tl::unexpected(error);
        }
        text.append(chunk.data(), static_cast<std::size_t>(got));
    }
    close(fd);
    return text;
}

}  // namespace

tl::expected<Config, ConfigErrors> load(const std::string& path) {
    // One byte more than parse() takes is enough for it to see that the file is too long.
    const auto text = read_some(path, kConfigBytesMax + 1);
    if (!text) {
        const auto why = std::generic_category().message(text.error());
        return tl::unexpected(ConfigErrors{{path, 0, 0, "cannot be read: " + why}});
    }
    return parse(*text, path);
}

}  // namespace portreeve::conf
