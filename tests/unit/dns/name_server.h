// A real DNS server on loopback, for as long as a test needs one: Debian's dnsmasq, without any
// configuration but its arguments, on a port that was free.
//
// Owns: the process. Bounds: it has to be up within ten seconds.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "uring/fd.h"

namespace portreeve::dns::test {

class NameServer {
  public:
    NameServer() = default;
    NameServer(const NameServer&) = delete;
    NameServer& operator=(const NameServer&) = delete;
    NameServer(NameServer&&) = delete;
    NameServer& operator=(NameServer&&) = delete;
    ~NameServer();

    // True once it answers; else why not is in `why`.
    [[nodiscard]] bool start(const std::vector<std::string>& arguments, std::string& why);
    [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

  private:
    [[nodiscard]] bool is_up(std::string& why) const;
    void end();

    pid_t pid_ = -1;
    uring::Fd log_;
    std::uint16_t port_ = 0;
};

// A socket of UDP on loopback, bound to a port that it picked; the port is put into `port`.
[[nodiscard]] uring::Fd udp_socket(std::uint16_t& port);

}  // namespace portreeve::dns::test
