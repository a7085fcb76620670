// What portreevectl and curl may ask over the control socket: HTTP with JSON, under /v1.
//
//   GET    /v1/status              the daemon's state and its counts
//   GET    /v1/tunnels             all of them, as docs/DIRECTORY.md has them
//   GET    /v1/tunnels/CALLED      those called NAME, NAME:PORT or PORT; 404: none is
//   DELETE /v1/tunnels/CALLED      ends them, and the sessions that hold them
//   POST   /v1/reload              as SIGHUP; 422: the file is wrong, and nothing has changed
//   POST   /v1/drain               as SIGTERM
//   PUT    /v1/log                 levels, {"level":"info","visitor":"debug"}, until the next
//   reload
//
// Owns: nothing. Called by: Control, on the main thread; nothing here waits. Bounds: an
// answer is as large as the list of tunnels.
#pragma once

#include <string>
#include <vector>

#include "conf/config.h"
#include "daemon/http_exchange.h"
#include "daemon/tunnel_entry.h"

namespace portreeve::daemon {

// What the daemon does and knows.
class ControlHost {
  public:
    struct Status {
        std::string state;  // "serving", "draining"
        std::string reload_failure;
        std::int64_t since_s = 0;
        std::uint64_t sessions = 0;
        std::uint64_t startups = 0;
        std::uint64_t admitted = 0;
        std::uint64_t refused = 0;
        std::uint64_t tunnels_open = 0;
        std::uint64_t tunnels_held = 0;
        std::uint64_t keys = 0;
        std::uint64_t workers = 0;
    };

    ControlHost() = default;
    ControlHost(const ControlHost&) = delete;
    ControlHost& operator=(const ControlHost&) = delete;
    virtual ~ControlHost() = default;
    [[nodiscard]] virtual Status control_status() const = 0;
    [[nodiscard]] virtual std::vector<TunnelEntry> control_tunnels() const = 0;
    virtual std::size_t control_kick(const std::string& called) = 0;
    // Empty: it holds. Else why not.
    virtual std::string control_reload() = 0;
    virtual void control_drain() = 0;
    [[nodiscard]] virtual conf::Log control_log() const = 0;
    virtual void control_set_log(const conf::Log& levels) = 0;
};

[[nodiscard]] HttpAnswer answer_control(const HttpQuestion& question, ControlHost& host);

// {"error":"…"}
[[nodiscard]] HttpAnswer control_error(unsigned status, const std::string& sentence);

}  // namespace portreeve::daemon
