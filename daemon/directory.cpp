#include "daemon/directory.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <set>
#include <utility>

#include "ssh/text.h"
#include "uring/fd.h"

namespace portreeve::daemon {
namespace {

constexpr mode_t kFolderMode = 0755;
constexpr mode_t kFileMode = 0644;

std::string failed(const std::string& path) {
    return path + ": " + std::strerror(errno);
}

// What a client calls itself may be any bytes; a file is called something harmless.
std::string safe(const std::string& name) {
    constexpr std::size_t kNameMax = 64;
    std::string text = name.substr(0, kNameMax);
    for (char& c : text) {
        const bool harmless = ssh::is_letter_or_digit(c) || c == '-' || c == '_' || c == '.';
        c = harmless ? c : '_';
    }
    return text.empty() || text.front() == '.' ? "_" + text : text;
}

// Written beside its name and then renamed: whoever reads it finds it whole.
std::string write_file(const std::string& folder, const std::string& name,
                       const std::string& text) {
    const std::string partial = folder + "/." + name;
    {
        const uring::Fd file(
            ::open(partial.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kFileMode));
        if (!file || ::fchmod(file.get(), kFileMode) != 0) {
            return failed(partial);
        }
        const ssize_t count = ::write(file.get(), text.data(), text.size());
        if (count != static_cast<ssize_t>(text.size())) {
            errno = count < 0 ? errno : ENOSPC;
            return failed(partial);
        }
    }
    const std::string path = folder + "/" + name;
    return std::rename(partial.c_str(), path.c_str()) == 0 ? "" : failed(path);
}

// That something has changed, for who takes it away again; one that is still there says so too.
std::string leave_flag(const std::string& path) {
    const uring::Fd file(
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kFileMode));
    return file ? "" : failed(path);
}

// … unless it was written so before.
void update(std::size_t& written, const std::string& folder, const std::string& name,
            const std::string& text, std::string& failure) {
    const std::size_t hash = std::hash<std::string>()(text);
    if (written == hash) {
        return;
    }
    std::string why = write_file(folder, name, text);
    if (why.empty()) {
        written = hash;
    } else {
        failure = std::move(why);
    }
}

bool may_be_a_host_here(const std::string& name) {
    return safe(name) == name && name.find('.') == std::string::npos && name.front() != '-' &&
           ssh::lower_case(name) != "localhost";
}

std::string host_to_connect(const std::string& address) {
    return address == "0.0.0.0" ? "127.0.0.1" : address == "::" ? "::1" : address;
}

}  // namespace

std::string ssh_config_of(const std::vector<NamedTunnel>& tunnels) {
    std::string text =
        "# Written by portreeved as tunnels come and go. Its own user may include it; for others "
        "the\n"
        "# package has /run/portreeve-ssh/ssh_config.\n";
    std::set<std::string> seen;
    for (const auto& [entry, file] : tunnels) {
        if (entry.kind != LeaseKind::tcp || !may_be_a_host_here(entry.name)) {
            continue;
        }
        const std::string port = std::to_string(entry.port);
        const bool oldest = seen.insert(entry.name).second;
        text.append("\nHost ").append(entry.name).append(oldest ? "" : "-" + port);
        text.append("\n    HostName ").append(host_to_connect(entry.address));
        text.append("\n    Port ").append(port);
        text.append("\n    HostKeyAlias ").append(entry.name).append("\n");
    }
    return text;
}

std::vector<NamedTunnel> DirectoryNames::of(std::vector<TunnelEntry> entries) {
    std::map<std::string, std::string> names;
    std::set<std::string> taken;
    for (const TunnelEntry& entry : entries) {
        if (const auto known = names_.find(entry.id); known != names_.end()) {
            taken.insert(known->second);
            names.insert(*known);
        }
    }
    std::vector<NamedTunnel> named;
    named.reserve(entries.size());
    for (TunnelEntry& entry : entries) {
        std::string& name = names[entry.id];
        if (name.empty()) {
            const std::string base = safe(entry.name) + "-" + std::to_string(entry.port);
            name = base;
            for (int count = 2; !taken.insert(name).second; ++count) {
                name = base;
                name.append(".").append(std::to_string(count));
            }
        }
        named.push_back({std::move(entry), name});
    }
    names_ = std::move(names);
    return named;
}

DirectoryFiles::DirectoryFiles(std::string runtime_dir)
    : runtime_dir_(std::move(runtime_dir)), folder_(runtime_dir_ + "/tunnels") {
}

std::string DirectoryFiles::open() {
    // The modes are meant, whatever the umask: RUNTIME_DIR's own says who gets so far.
    for (const std::string& folder : {runtime_dir_, folder_}) {
        if (::mkdir(folder.c_str(), kFolderMode) == 0) {
            ::chmod(folder.c_str(), kFolderMode);
        } else if (errno != EEXIST) {
            return failed(folder);
        }
    }
    std::error_code error;
    for (const auto& file : std::filesystem::directory_iterator(folder_, error)) {
        const auto kind = file.path().extension();
        if ((kind == ".json" || kind == ".sock") && ::unlink(file.path().c_str()) != 0) {
            return failed(file.path());
        }
    }
    return error ? folder_ + ": " + error.message() : write({});
}

std::string DirectoryFiles::write(const std::vector<NamedTunnel>& tunnels) {
    std::string failure;
    std::set<std::string> wanted;
    for (const NamedTunnel& tunnel : tunnels) {
        const std::string name = tunnel.name + ".json";
        wanted.insert(name);
        update(written_[name], folder_, name, json_of(tunnel.entry) + '\n', failure);
    }
    for (auto at = written_.begin(); at != written_.end();) {
        if (wanted.count(at->first) > 0) {
            ++at;
            continue;
        }
        const std::string path = folder_ + "/" + at->first;
        if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
            failure = failed(path);
        }
        at = written_.erase(at);
    }
    write_ssh_config(tunnels, failure);
    return failure;
}

// contrib/systemd/publish-ssh-config takes nothing else than what is written here.
void DirectoryFiles::write_ssh_config(const std::vector<NamedTunnel>& tunnels,
                                      std::string& failure) {
    const std::size_t before = ssh_config_;
    update(ssh_config_, runtime_dir_, "ssh_config", ssh_config_of(tunnels), failure);
    if (ssh_config_ == before) {
        return;
    }
    // After the file: who sees the flag and takes it away reads this file or a later one.
    if (std::string why = leave_flag(runtime_dir_ + "/ssh_config.changed"); !why.empty()) {
        failure = std::move(why);
        ssh_config_ = 0;
    }
}

void DirectoryFiles::remove_all() {
    static_cast<void>(write({}));
    ::unlink((runtime_dir_ + "/ssh_config").c_str());
    ::unlink((runtime_dir_ + "/ssh_config.changed").c_str());
    ::rmdir(folder_.c_str());
}

Directory::Directory(uring::Ring& ring, const Leases& leases, const Log& log,
                     std::string runtime_dir, TunnelSockets& sockets)
    : ring_(ring), leases_(leases), log_(log), files_(std::move(runtime_dir)), sockets_(sockets) {
}

void Directory::open() {
    if (const std::string failure = files_.open(); !failure.empty()) {
        report(failure);
        return;
    }
    latest_.emplace("directory", Pace{}, [this](const std::vector<NamedTunnel>& tunnels) {
        const std::string failure = files_.write(tunnels);
        report(failure);
        return failure.empty();
    });
    gather();
}

void Directory::changed() {
    if (latest_ && !gather_.running()) {
        const std::size_t thousands = gathered_ / 1'000;
        gather_.start_at(ring_.now_ms() + kGatherMs * static_cast<std::int64_t>(1 + thousands));
    }
}

void Directory::gather() {
    std::vector<NamedTunnel> tunnels = names_.of(leases_.entries());
    gathered_ = tunnels.size();
    sockets_.update(tunnels);
    latest_->give(std::move(tunnels));
}

void Directory::close() {
    gather_.stop();
    if (latest_) {
        latest_.reset();
        files_.remove_all();
    }
}

void Directory::report(const std::string& failure) {
    if (!failure.empty() && failure != failure_) {
        log_.warning("directory_not_written", {{"why", failure}});
    }
    failure_ = failure;
}

}  // namespace portreeve::daemon
