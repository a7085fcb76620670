// What portreevectl and curl may ask over the control socket: HTTP with JSON, under /v1.
//
//   GET    /v1/status              the daemon's state and its counts
//   GET    /v1/tunnels             all of them, as docs/DIRECTORY.md has them, with their traffic
//   GET    /v1/tunnels/CALLED      those called NAME, NAME:PORT, PORT or URL; 404: none
//   DELETE /v1/tunnels/CALLED      ends them, and the sessions that hold them
//   POST   /v1/reload              as SIGHUP; 422: the file is wrong, and nothing has changed
//   POST   /v1/check               reads what a reload would read, and changes nothing
//   POST   /v1/explain             {"key":"TYPE BASE64","listen":"8080","user":"","from":""}
//   POST   /v1/drain               as SIGTERM
//   GET    /v1/events              what happens from now on, a line each, as docs/EVENTS.md has it
//   GET    /v1/log                 the levels
//   PUT    /v1/log                 changes some, {"level":"info","visitor":"debug"}, until the next
//                                  reload; {"visitor":""} is as `level` again
//
// A query, "?…", is left alone.
//
// What is not answered by 200 is answered by http_error(): 400 the question is wrong, 404 there is
// no such thing, 405 not this method, 422 the configuration is wrong, 500 it cannot be done.
//
// Owns: nothing. Called by: Control, on the main thread; nothing here waits for a worker. Bounds:
// an answer is as large as the list of tunnels.
#pragma once

#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "conf/config.h"
#include "daemon/explain.h"
#include "daemon/http_exchange.h"
#include "daemon/startup.h"
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
        std::uint64_t followers = 0;  // of events
    };
    struct Checked {
        std::string config;  // the file; empty: the built-in defaults
        std::size_t keys = 0;
        std::vector<std::string> warnings;
    };

    ControlHost() = default;
    ControlHost(const ControlHost&) = delete;
    ControlHost& operator=(const ControlHost&) = delete;
    virtual ~ControlHost() = default;
    [[nodiscard]] virtual Status control_status() const = 0;
    [[nodiscard]] virtual std::vector<TunnelEntry> control_tunnels() const = 0;
    virtual std::size_t control_kick(const std::string& called) = 0;
    virtual tl::expected<Checked, Failure> control_reload() = 0;
    [[nodiscard]] virtual tl::expected<Checked, Failure> control_check() const = 0;
    [[nodiscard]] virtual Answer control_explain(const Question& question) const = 0;
    virtual void control_drain() = 0;
    [[nodiscard]] virtual conf::Log control_log() const = 0;
    virtual void control_set_log(const conf::Log& levels) = 0;
};

[[nodiscard]] HttpAnswer answer_control(const HttpQuestion& question, ControlHost& host);

}  // namespace portreeve::daemon
