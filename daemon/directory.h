// The tunnels as files, for programs and people on this host: RUNTIME_DIR/tunnels/NAME-PORT.json,
// one JSON object each, and RUNTIME_DIR/ssh_config, in the words of ssh's own configuration, so
// that `ssh NAME` reaches the machine that logged in as NAME. ssh includes no file of our user, but
// for that user: root copies it (contrib/systemd/publish-ssh-config) whenever there is the empty
// file RUNTIME_DIR/ssh_config.changed, which is made after each new one.
//
// A Unix socket may be beside each (TunnelSockets).
//
// A file is there while its tunnel is, open or held, and is whole whenever it is there. What a
// crash left is removed at the start, and everything at the end.
//
// Owns: those files, and the thread that writes them. Called by: Server, on the main thread.
// Bounds: a file a lease, and one gathering of changes in kGatherMs, and as much again for each
// thousand tunnels: to look at a thousand takes 4 ms.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "daemon/latest.h"
#include "daemon/leases.h"
#include "daemon/log.h"
#include "daemon/tunnel_entry.h"
#include "daemon/tunnel_sockets.h"
#include "uring/ring.h"

namespace portreeve::daemon {

// The text of ssh_config. A name is that of the oldest tunnel; later ones of the same name are
// NAME-PORT. Names that could be hosts elsewhere, those with a dot, are left out, and localhost.
[[nodiscard]] std::string ssh_config_of(const std::vector<NamedTunnel>& tunnels);

// What the files of each tunnel are called: NAME-PORT, or NAME-PORT.2 where that is another's
// already, for as long as the tunnel is.
class DirectoryNames {
  public:
    [[nodiscard]] std::vector<NamedTunnel> of(std::vector<TunnelEntry> entries);

  private:
    std::map<std::string, std::string> names_;  // by the tunnel's id
};

class DirectoryFiles {
  public:
    explicit DirectoryFiles(std::string runtime_dir);

    // Makes the folder, and removes what another run left there. The error is a sentence.
    [[nodiscard]] std::string open();
    // Makes the files what they should be.
    [[nodiscard]] std::string write(const std::vector<NamedTunnel>& tunnels);
    void remove_all();

  private:
    void write_ssh_config(const std::vector<NamedTunnel>& tunnels, std::string& failure);

    std::string runtime_dir_;
    std::string folder_;
    std::map<std::string, std::size_t> written_;  // what is in each, as a hash, by the file's name
    std::size_t ssh_config_ = 0;
};

class Directory {
  public:
    static constexpr std::int64_t kGatherMs = 50;

    Directory(uring::Ring& ring, const Leases& leases, const Log& log, std::string runtime_dir,
              TunnelSockets& sockets);
    Directory(const Directory&) = delete;
    Directory& operator=(const Directory&) = delete;
    Directory(Directory&&) = delete;
    Directory& operator=(Directory&&) = delete;
    ~Directory() = default;

    // Before the first tunnel.
    void open();
    void changed();
    // No tunnel is left.
    void close();

  private:
    void gather();
    void report(const std::string& failure);

    uring::Ring& ring_;
    const Leases& leases_;
    const Log& log_;
    DirectoryFiles files_;
    DirectoryNames names_;
    TunnelSockets& sockets_;
    std::string failure_;       // and said so
    std::size_t gathered_ = 0;  // tunnels, the last time
    uring::Timer gather_ = uring::Timer::to<&Directory::gather>(this, ring_.timers());
    std::optional<Latest<std::vector<NamedTunnel>>> latest_;
};

}  // namespace portreeve::daemon
