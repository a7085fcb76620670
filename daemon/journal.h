// systemd's journal, by its native protocol: each entry is one datagram of fields.
//
// Not by sd_journal_sendv(): that sends on a socket that waits (sendmsg() with MSG_NOSIGNAL
// alone), so a journald that is stuck would hold up a worker with all its tunnels; and where no
// journal is (ENOENT), it says that all went well. Here an entry that is not taken at once is the
// caller's to count. The protocol: https://systemd.io/JOURNAL_NATIVE_PROTOCOL/
//
// Owns: a socket. Called by: Log, from all threads; sending a datagram needs no lock. Bounds: what
// the kernel queues for journald (net.unix.max_dgram_qlen).
#pragma once

#include <string>
#include <string_view>

#include "uring/fd.h"

namespace portreeve::daemon {

class Journal {
  public:
    static constexpr std::string_view kSocket = "/run/systemd/journal/socket";

    enum class Outcome { taken, full, absent };

    explicit Journal(std::string_view path);
    // Never waits.
    [[nodiscard]] Outcome send(std::string_view entry) const;

  private:
    std::string path_;
    uring::Fd socket_;
};

}  // namespace portreeve::daemon
