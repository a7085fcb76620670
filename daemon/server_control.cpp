// The server as the control socket sees it: what it tells, and what it does when asked.

#include "daemon/login.h"
#include "daemon/server.h"

namespace portreeve::daemon {
namespace {

ControlHost::Checked checked(const Policy& policy, const std::string& path) {
    ControlHost::Checked made{path, policy.authorized_keys.size(), policy.doubts()};
    for (const auto& complaint : policy.authorized_keys.complaints()) {
        made.warnings.push_back(complaint.text());
    }
    return made;
}

}  // namespace

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
            leases.open(),
            leases.held(),
            policy_->authorized_keys.size(),
            workers_.size(),
            control_.followers()};
}

std::size_t Server::control_kick(const std::string& called) {
    return desk_.kick("", called, "ended by the administrator of this server");
}

tl::expected<ControlHost::Checked, Failure> Server::control_reload() {
    if (auto done = reload(); !done) {
        return tl::unexpected(done.error());
    }
    return checked(*policy_, config_path_);
}

tl::expected<ControlHost::Checked, Failure> Server::control_check() const {
    auto config = read_config(config_path_);
    if (!config) {
        return tl::unexpected(config.error());
    }
    const auto policy = read_policy(std::move(*config));
    if (!policy) {
        return tl::unexpected(policy.error());
    }
    return checked(*policy, config_path_);
}

// As --explain, and what other keys have now.
Answer Server::control_explain(const Question& question) const {
    Answer answer = explain(question, *policy_, wall_clock_s());
    if (!answer.grant) {
        return answer;
    }
    const Grant grant = *answer.grant;
    return explain_now(std::move(answer), question.wish, grant, *policy_, leases_);
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
