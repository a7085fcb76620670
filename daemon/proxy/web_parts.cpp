#include "daemon/proxy/web_parts.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

namespace portreeve::daemon {
namespace {

constexpr std::uint16_t kFirstStatus = 400;  // ours below that have no page to read
constexpr std::uint16_t kLastStatus = 599;

// 0: that is no name of a page.
std::uint16_t status_of(const std::filesystem::path& file) {
    constexpr std::size_t kDigits = 3;
    const std::string stem = file.stem().string();
    if (file.extension() != ".html" || stem.size() != kDigits ||
        stem.find_first_not_of("0123456789") != std::string::npos) {
        return 0;
    }
    const auto status = static_cast<std::uint16_t>(std::stoi(stem));
    return status >= kFirstStatus && status <= kLastStatus ? status : std::uint16_t{0};
}

tl::unexpected<Failure> refuse(const std::string& what, const std::string& why) {
    return tl::unexpected(Failure{2, {"[http] pages: " + what + ": " + why}});
}

}  // namespace

tl::expected<Pages, Failure> read_pages(const std::string& folder) {
    Pages pages;
    if (folder.empty()) {
        return pages;
    }
    std::error_code error;
    for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end;
         at.increment(error)) {
        const std::uint16_t status = status_of(at->path());
        if (status == 0) {
            continue;
        }
        std::ifstream file(at->path(), std::ios::binary);
        std::string text(kPageFileBytesMax + 1, '\0');
        file.read(text.data(), static_cast<std::streamsize>(text.size()));
        text.resize(static_cast<std::size_t>(file.gcount()));
        if (!file.is_open() || file.bad() || text.empty() || text.size() > kPageFileBytesMax) {
            return refuse(at->path().string(), !file.is_open() ? "it cannot be read"
                                               : text.empty()  ? "it is empty"
                                                               : "it is over 256 KiB");
        }
        pages[status] = std::move(text);
    }
    if (error) {
        return refuse(folder, error.message());
    }
    return pages;
}

}  // namespace portreeve::daemon
