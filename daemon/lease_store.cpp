#include "daemon/lease_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <optional>
#include <string_view>
#include <utility>

namespace portreeve::daemon {
namespace {

constexpr std::string_view kName = "leases";
constexpr std::string_view kTemporaryName = "leases.new";
constexpr std::string_view kDamagedPrefix = "leases.damaged-";

std::string path_of(const std::string& state_dir, std::string_view name) {
    return state_dir + "/" + std::string(name);
}

int or_errno(int rc) {
    return rc == 0 ? 0 : -errno;
}

// Writing
// ------------------------------------------------------------------------------------------------

std::string cannot(const std::string& path, std::string_view what, int error) {
    return path + ": cannot be " + std::string(what) + ": " + std::strerror(-error);
}

int write_all(Disk& disk, const uring::Fd& file, std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const ssize_t count = disk.write(file, bytes);
        if (count == -EINTR) {
            continue;
        }
        if (count <= 0) {
            return count < 0 ? static_cast<int>(count) : -EIO;
        }
        bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
    return 0;
}

// The temporary file, whole and on the disk.
tl::expected<void, std::string> write_temporary(Disk& disk, const std::string& path,
                                                const std::string& text) {
    if (const int rc = disk.remove(path); rc < 0 && rc != -ENOENT) {
        return tl::unexpected(cannot(path, "removed", rc));
    }
    const auto file = disk.create(path);
    if (!file) {
        return tl::unexpected(cannot(path, "made", file.error()));
    }
    if (const int rc = write_all(disk, *file, std::as_bytes(std::span(text))); rc < 0) {
        return tl::unexpected(cannot(path, "written", rc));
    }
    if (const int rc = disk.sync(*file); rc < 0) {
        return tl::unexpected(cannot(path, "synced", rc));
    }
    return {};
}

// From here on the name stands for the new file, after a power cut too once this returns 0.
tl::expected<void, std::string> put_in_place(Disk& disk, const std::string& temporary,
                                             const std::string& state_dir) {
    const std::string path = path_of(state_dir, kName);
    if (const int rc = disk.rename(temporary, path); rc < 0) {
        return tl::unexpected(cannot(path, "replaced", rc));
    }
    const auto folder = disk.open_folder(state_dir);
    if (const int rc = folder ? disk.sync(*folder) : folder.error(); rc < 0) {
        return tl::unexpected(cannot(state_dir, "synced", rc));
    }
    return {};
}

// Reading
// ------------------------------------------------------------------------------------------------

// The file's text, nullopt if there is none, or the end of a sentence about it.
tl::expected<std::optional<std::string>, std::string> read_text(const std::string& path) {
    // Whatever is there must not hold up a start: a pipe would.
    const uring::Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (!file && errno == ENOENT) {
        return std::nullopt;
    }
    struct stat facts {};
    if (!file || ::fstat(file.get(), &facts) != 0) {
        return tl::unexpected(std::string("cannot be read: ") + std::strerror(errno));
    }
    if (!S_ISREG(facts.st_mode)) {
        return tl::unexpected<std::string>("is not a regular file");
    }
    std::string text;
    std::array<char, std::size_t{64} * 1024> piece{};
    for (;;) {
        const ssize_t count = ::read(file.get(), piece.data(), piece.size());
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            return tl::unexpected(std::string("cannot be read: ") + std::strerror(errno));
        }
        text.append(piece.data(), static_cast<std::size_t>(count));
        if (count == 0 || text.size() > kLeaseTextBytesMax) {
            return text;  // which one that is too long does not get past
        }
    }
}

// In UTC and to the microsecond, so that the order of names is that of time, and no two are one.
std::string damaged_name() {
    const auto now =
        std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
    const auto second = std::chrono::floor<std::chrono::seconds>(now);
    const std::time_t time = std::chrono::system_clock::to_time_t(second);
    std::tm parts{};
    gmtime_r(&time, &parts);
    std::array<char, 64> text{};
    const std::size_t size = std::strftime(text.data(), text.size(), "%Y%m%dT%H%M%S", &parts);
    const auto length = std::snprintf(text.data() + size, text.size() - size, ".%06dZ",
                                      static_cast<int>((now - second).count()));
    return std::string(kDamagedPrefix) +
           std::string(text.data(), size + static_cast<std::size_t>(length));
}

// Makes room for one more.
void remove_oldest_damaged(const std::string& state_dir) {
    std::vector<std::filesystem::path> damaged;
    std::error_code error;
    for (std::filesystem::directory_iterator entry(state_dir, error), end; !error && entry != end;
         entry.increment(error)) {
        if (entry->path().filename().native().starts_with(kDamagedPrefix)) {
            damaged.push_back(entry->path());
        }
    }
    std::sort(damaged.begin(), damaged.end());
    for (std::size_t at = 0; at + kDamagedLeasesMax <= damaged.size(); ++at) {
        std::filesystem::remove(damaged[at], error);
    }
}

std::string set_aside(const std::string& state_dir, const std::string& why) {
    const std::string path = path_of(state_dir, kName);
    const std::string kept = path_of(state_dir, damaged_name());
    remove_oldest_damaged(state_dir);
    const std::string told = path + ": " + why + "; no lease of before holds, and the file ";
    if (std::rename(path.c_str(), kept.c_str()) != 0) {
        return told +
               "stays until it is replaced, since it cannot be renamed: " + std::strerror(errno);
    }
    return told + "was set aside as " + kept;
}

}  // namespace

tl::expected<uring::Fd, int> HostDisk::create(const std::string& path) {
    uring::Fd file(
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file) {
        return tl::unexpected(-errno);
    }
    return file;
}

tl::expected<uring::Fd, int> HostDisk::open_folder(const std::string& path) {
    uring::Fd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder) {
        return tl::unexpected(-errno);
    }
    return folder;
}

ssize_t HostDisk::write(const uring::Fd& file, std::span<const std::byte> bytes) {
    const ssize_t count = ::write(file.get(), bytes.data(), bytes.size());
    return count >= 0 ? count : -errno;
}

int HostDisk::sync(const uring::Fd& file) {
    return or_errno(::fsync(file.get()));
}

int HostDisk::rename(const std::string& from, const std::string& to) {
    return or_errno(std::rename(from.c_str(), to.c_str()));
}

int HostDisk::remove(const std::string& path) {
    return or_errno(::unlink(path.c_str()));
}

LoadedLeases load_leases(const std::string& state_dir) {
    // Of a daemon that was cut off while it wrote.
    ::unlink(path_of(state_dir, kTemporaryName).c_str());
    const auto text = read_text(path_of(state_dir, kName));
    if (!text) {
        return {{}, set_aside(state_dir, text.error())};
    }
    if (!*text) {
        return {};
    }
    auto records = parse_leases(**text);
    if (!records) {
        return {{}, set_aside(state_dir, records.error())};
    }
    return {std::move(*records), {}};
}

tl::expected<void, std::string> save_leases(Disk& disk, const std::string& state_dir,
                                            const std::vector<LeaseRecord>& records) {
    const auto text = format_leases(records);
    if (!text) {
        return tl::unexpected(path_of(state_dir, kName) + ": " + text.error());
    }
    const std::string temporary = path_of(state_dir, kTemporaryName);
    auto done = write_temporary(disk, temporary, *text);
    if (done) {
        done = put_in_place(disk, temporary, state_dir);
    }
    if (!done) {
        static_cast<void>(disk.remove(temporary));  // a full disk has better uses for it
    }
    return done;
}

}  // namespace portreeve::daemon
