// The server as the control socket sees it: what it tells, and what it does when asked.

#include "daemon/login.h"
#include "daemon/server.h"

namespace portreeve::daemon {

void Server::open_control() {
    since_s_ = wall_clock_s();
    if (auto opened = control_.open(std::move(control_socket_), policy_->config.server.runtime_dir);
        !opened) {
        log_.warning("control_not_served", {{"why", opened.error()}});
    }
}

ControlHost::Status Server::control_status() const {
    const Admission::Counts sessions = admission_.counts();
    const Leases::Counts leases = leases_.counts();
    return {stage_ == Stage::serving ? "serving" : "draining",
            reload_failure_,
            since_s_,
            sessions.sessions,
            sessions.startups,
            sessions.admitted,
            sessions.refused,
            leases.open,
            leases.held,
            policy_->authorized_keys.size(),
            workers_.size()};
}

std::size_t Server::control_kick(const std::string& called) {
    return control_desk_.kick("", called, "ended by the administrator of this server");
}

std::string Server::control_reload() {
    if (stage_ != Stage::serving) {
        return "the server is stopping";
    }
    reload();
    return reload_failure_;
}

void Server::control_drain() {
    if (stage_ == Stage::serving) {
        drain();
    }
}

void Server::control_set_log(const conf::Log& levels) {
    log_levels_ = levels;
    log_.set_levels(levels);
}

}  // namespace portreeve::daemon
