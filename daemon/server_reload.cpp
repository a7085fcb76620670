// The server when its configuration or the files of keys change: what is read, and who is told.

#include <utility>

#include "daemon/server.h"

namespace portreeve::daemon {

tl::expected<void, Failure> Server::reload() {
    if (stage_ != Stage::serving) {
        return tl::unexpected(Failure{1, {"the server is stopping"}});
    }
    notify::reloading();
    if (auto done = try_reload(); !done) {
        for (const std::string& sentence : done.error().sentences) {
            log_.error("reload_failed", {{"why", sentence}});
        }
        reload_failure_ = done.error().sentences.front();
        notify::ready(status_line_.tell());
        return done;
    }
    reload_failure_.clear();
    refresh_keys();
    return {};
}

// From here on nothing is done by what was before: who waits to hear that may rely on it.
void Server::reload_in_force() {
    log_.info("reloaded", {{"config", config_path_.empty() ? "defaults" : config_path_},
                           {"keys", std::to_string(policy_->authorized_keys.size())}});
    warn_of_complaints();
    if (stage_ == Stage::serving) {
        notify::ready(status_line_.tell());
    }
}

// All that can fail is done before anything changes.
tl::expected<void, Failure> Server::try_reload() {
    auto config = read_config(config_path_);
    if (!config) {
        return tl::unexpected(config.error());
    }
    auto policy = make_policy(std::move(*config));
    if (!policy) {
        return tl::unexpected(policy.error());
    }
    const conf::Config& next = (*policy)->config;
    std::vector<std::unique_ptr<Door>> opened;
    if (!doors_passed_) {
        auto doors = open_missing(next.ssh.listen);
        if (!doors) {
            return tl::unexpected(doors.error());
        }
        opened = std::move(*doors);
    }
    auto metrics = bind_metrics(next.metrics);
    if (!metrics) {
        return tl::unexpected(metrics.error());
    }
    auto web = web_gate_.prepare(next);
    if (!web) {
        return tl::unexpected(web.error());
    }
    std::vector<ssh::Acceptor> acceptors;
    for (std::size_t count = 0; count < workers_.size(); ++count) {
        auto acceptor = ssh::Acceptor::make((*policy)->host_keys, (*policy)->algorithms);
        if (!acceptor) {
            return tl::unexpected(Failure{1, {acceptor.error()}});
        }
        acceptors.push_back(std::move(*acceptor));
    }

    warn_of_restart_keys(policy_->config, next);
    policy_ = std::move(*policy);
    control_set_log(policy_->config.log);
    admission_.set_limits(policy_->config.limits);
    admission_.set_penalties(policy_->config.penalties);
    web_.admission.use(policy_->config.limits);
    held_.use(policy_->config);
    use_tunnel_sockets();
    serve_metrics(std::move(*metrics));
    web_gate_.use(std::move(*web), policy_->config);
    domains_.use(policy_->config.http);
    event_command_.use(*policy_);
    if (!doors_passed_) {
        close_doors_not_in(policy_->config.ssh.listen);
    }
    for (auto& door : opened) {
        open_door(std::move(door));
    }
    std::size_t next_acceptor = 0;
    tell_workers(
        [&](Worker& worker) {
            return [&worker, policy_now = policy_,
                    acceptor = std::move(acceptors[next_acceptor++])]() mutable {
                worker.use(std::move(policy_now), std::move(acceptor));
            };
        },
        &Server::reload_in_force);
    return {};
}

void Server::use_tunnel_sockets() {
    const conf::Forward& forward = policy_->config.forward;
    const TunnelSockets::Rules rules{forward.sockets_mode, policy_->sockets_group};
    if (tunnel_sockets_.use(forward.sockets ? std::optional(rules) : std::nullopt)) {
        directory_.changed();
    }
}

void Server::on_keys_touched() {
    if (stage_ == Stage::serving) {
        refresh_keys();
    }
}

// Watches before it reads, so that nothing that changes in between is missed; after a start or a
// reload too, which read without watching.
void Server::refresh_keys() {
    std::string unwatched = key_watch_.watch(key_paths(policy_->config.auth));
    if (!unwatched.empty() && unwatched != keys_unwatched_) {
        log_.warning("keys_not_watched", {{"why", unwatched}});
    }
    keys_unwatched_ = std::move(unwatched);
    auto policy = reread_keys(*policy_);
    if (!policy) {
        keys_failed(policy.error());
        return;
    }
    keys_failure_.clear();
    if ((*policy)->has_keys_of(*policy_)) {
        log_.debug("keys_unchanged", {});
        return;
    }
    policy_ = std::move(*policy);
    tell_workers(
        [&](Worker& worker) {
            return [&worker, policy_now = policy_]() mutable { worker.use(std::move(policy_now)); };
        },
        &Server::keys_in_force);
}

void Server::keys_in_force() {
    log_.info("keys_reloaded", {{"keys", std::to_string(policy_->authorized_keys.size())}});
    warn_of_complaints();
    status_line_.look();
}

// A file that stays bad is read again with every change beside it, and said to be bad once.
void Server::keys_failed(const Failure& failure) {
    const std::string& why = failure.sentences.front();
    log_.at(why == keys_failure_ ? Log::Level::debug : Log::Level::error, "keys_reload_failed",
            {{"why", why + "; the keys of before hold"}});
    keys_failure_ = why;
}

void Server::warn_of_complaints() const {
    for (const auto& complaint : policy_->authorized_keys.complaints()) {
        log_.warning("key_refused", {{"why", complaint.text()}});
    }
    for (const std::string& why : policy_->doubts()) {
        log_.warning("keys_doubtful", {{"why", why}});
    }
    if (policy_->authorized_keys.size() == 0) {
        log_.warning("no_keys", {{"why",
                                  "nobody can log in: no usable key in [auth] "
                                  "authorized_keys"}});
    }
}

void Server::warn_of_restart_keys(const conf::Config& from, const conf::Config& to) const {
    const auto warn = [this](const char* key) {
        log_.warning("restart_needed", {{"key", key}, {"why", "it holds from the next start on"}});
    };
    if (from.server.workers != to.server.workers) {
        warn("server.workers");
    }
    if (from.server.state_dir != to.server.state_dir) {
        warn("server.state_dir");
    }
    if (from.server.runtime_dir != to.server.runtime_dir) {
        warn("server.runtime_dir");
    }
    if (from.log.format != to.log.format) {
        warn("log.format");
    }
}

}  // namespace portreeve::daemon
