#include "daemon/server.h"

#include <pthread.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <utility>

#include "daemon/endpoint_socket.h"

namespace portreeve::daemon {

namespace {

sigset_t handled_signals() {
    sigset_t set;
    sigemptyset(&set);
    for (const int number : {SIGTERM, SIGINT, SIGHUP}) {
        sigaddset(&set, number);
    }
    return set;
}

// What a client sees of a refusal before the protocol starts: RFC 4253 section 4.2 allows text
// lines.
void say_refusal(int socket, const Refusal& refusal) {
    const std::string line = "portreeve: not admitted: " + refusal.sentence + "\r\n";
    static_cast<void>(!::send(socket, line.data(), line.size(), MSG_DONTWAIT | MSG_NOSIGNAL));
}

}  // namespace

tl::expected<std::unique_ptr<Server>, Failure> Server::make(Log& log, PolicyPtr policy,
                                                            std::string config_path) {
    auto kernel = uring::make_kernel();
    if (!kernel) {
        return tl::unexpected(Failure{1, {kernel.error().sentence}});
    }
    std::unique_ptr<Server> made(
        new Server(log, std::move(policy), std::move(config_path), std::move(*kernel)));
    // Before any thread starts, so that signals come to the ring and to nothing else.
    const sigset_t signals = handled_signals();
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
    made->watchdog_ms_ = Watchdog::take_interval_ms();
    made->signals_ = uring::Fd(signalfd(-1, &signals, SFD_CLOEXEC));
    made->take_passed_sockets();
    if (!made->doors_passed_) {
        auto doors = made->open_missing(made->policy_->config.ssh.listen);
        if (!doors) {
            return tl::unexpected(doors.error());
        }
        made->doors_ = std::move(*doors);
    }
    auto metrics = made->bind_metrics(made->policy_->config.metrics);
    if (const int rc = made->metrics_.open(); rc != 0 || !metrics) {
        return tl::unexpected(
            metrics ? Failure{1, {std::string("buffers for metrics: ") + std::strerror(-rc)}}
                    : metrics.error());
    }
    made->metrics_socket_ = std::move(*metrics);
    auto web = made->web_gate_.prepare(made->policy_->config);
    if (!web) {
        return tl::unexpected(web.error());
    }
    made->web_prepared_ = std::move(*web);
    if (auto workers = made->make_workers(); !workers) {
        return tl::unexpected(workers.error());
    }
    return made;
}

Server::Server(Log& log, PolicyPtr policy, std::string config_path,
               std::unique_ptr<uring::Kernel> kernel)
    : log_(log),
      policy_(std::move(policy)),
      config_path_(std::move(config_path)),
      ring_(std::move(kernel)) {
    admission_.set_limits(policy_->config.limits);
    admission_.set_penalties(policy_->config.penalties);
    web_.admission.use(policy_->config.limits);
    held_.use(policy_->config);
    leases_.use_urls(http_urls(policy_->config.http));
    event_command_.use(*policy_);
    domains_.use(policy_->config.http);
}

tl::expected<void, Failure> Server::make_workers() {
    const std::uint32_t asked = policy_->config.server.workers;
    const std::uint32_t count =
        asked != 0 ? asked : std::max(1U, std::thread::hardware_concurrency());
    for (std::uint32_t number = 0; number < count; ++number) {
        Worker::Events& self = *this;
        auto worker = Worker::make(
            number,
            {log_, owners_, password_checker_, leases_, held_, metrics_, news_, web_, domains_},
            policy_, self);
        if (!worker) {
            return tl::unexpected(Failure{1, {worker.error()}});
        }
        workers_.push_back(std::move(*worker));
    }
    return {};
}

void Server::take_passed_sockets() {
    passed_ = PassedSockets::take();
    if (auto control = passed_.named("control"); !control.empty()) {
        control_socket_ = std::move(control.front());
    }
    for (uring::Fd& socket : passed_.named("ssh")) {
        auto door = std::make_unique<Door>();
        door->name = "ssh";
        door->socket = std::move(socket);
        doors_.push_back(std::move(door));
        doors_passed_ = true;
    }
    web_gate_.take_passed(passed_);
}

void Server::restore_leases() {
    const std::int64_t lease_s =
        std::chrono::ceil<std::chrono::seconds>(policy_->config.forward.lease).count();
    upkeep_.restore(policy_->config.server.state_dir, passed_, leases_, held_, lease_s);
    for (const PassedSockets::Odd& odd : passed_.rest()) {
        log_.warning("socket_not_used", {{"name", odd.name}, {"why", odd.why}});
    }
    passed_ = {};
}

int Server::run() {
    if (const int rc = ring_.enable(); rc < 0) {
        log_.error("start_failed", {{"why", std::strerror(-rc)}});
        return 1;
    }
    for (const auto& worker : workers_) {
        worker->start();
    }
    restore_leases();
    directory_.open();
    use_tunnel_sockets();
    event_command_.open();
    orphans_.start();
    open_control();
    serve_metrics(std::move(metrics_socket_));
    web_gate_.use(*std::exchange(web_prepared_, std::nullopt), policy_->config);
    for (auto& door : std::exchange(doors_, {})) {
        open_door(std::move(door));
    }
    warn_of_complaints();
    refresh_keys();
    wait_signal();
    start_watchdog();
    notify::ready(status_line_.tell());
    if (const int rc = ring_.run(); rc < 0) {
        // The workers can no longer be told to end.
        log_.error("ring_failed", {{"why", std::strerror(-rc)}});
        std::_Exit(1);
    }
    for (const auto& worker : workers_) {
        worker->join();
    }
    directory_.close();
    upkeep_.finish();
    if (upkeep_.sockets_kept()) {
        notify::wait_read();
    }
    tell_held_back();
    const Admission::Counts counts = admission_.counts();
    log_.info("stopped", {{"admitted", std::to_string(counts.admitted)},
                          {"refused", std::to_string(counts.refused)}});
    return 0;
}

// Until the last worker has drained: one that is stuck must not hold up an end either.
void Server::start_watchdog() {
    std::vector<uring::Ring*> rings;
    for (const auto& worker : workers_) {
        rings.push_back(&worker->ring());
    }
    watchdog_.start(watchdog_ms_, std::move(rings));
}

void Server::on_workers_alive() {
    notify::alive();
}

void Server::on_worker_silent(std::size_t number) {
    log_.error("worker_silent",
               {{"worker", std::to_string(number)},
                {"why", "it has not answered for half of the time that WatchdogSec= gives"}});
}

std::string Server::status() const {
    const Leases::Counts leases = leases_.counts();
    const std::string failed =
        reload_failure_.empty() ? ""
                                : "reload failed, the old configuration holds: " +
                                      reload_failure_.substr(0, reload_failure_.find('\n')) + "; ";
    return failed + "tunnels: " + std::to_string(leases.open()) + " open, " +
           std::to_string(leases.held()) +
           " held; keys: " + std::to_string(policy_->authorized_keys.size()) +
           "; ssh sockets: " + std::to_string(doors_.size());
}

// Listening
// ----------------------------------------------------------------------------------------

tl::expected<std::vector<std::unique_ptr<Server::Door>>, Failure> Server::open_missing(
    const std::vector<conf::Endpoint>& endpoints) const {
    std::vector<std::unique_ptr<Door>> opened;
    for (const conf::Endpoint& endpoint : endpoints) {
        if (std::any_of(doors_.begin(), doors_.end(),
                        [&](const auto& door) { return door->endpoint == endpoint; })) {
            continue;
        }
        auto socket = listen_at(endpoint, "[ssh] listen");
        if (!socket) {
            const bool ours = std::any_of(doors_.begin(), doors_.end(), [&](const auto& door) {
                return endpoint.port != 0 && door->endpoint.port == endpoint.port;
            });
            if (ours) {
                socket.error().sentences.front() += kPortIsOurs;
            }
            return tl::unexpected(socket.error());
        }
        opened.push_back(
            std::make_unique<Door>(Door{endpoint, "ssh", std::move(*socket), nullptr}));
    }
    return opened;
}

void Server::open_door(std::unique_ptr<Door> door) {
    uring::Listener::Events& self = *this;
    door->listener = std::make_unique<uring::Listener>(ring_, std::move(door->socket), self);
    door->listener->open();
    log_.info("listening", {{"name", door->name}, {"address", door->listener->address().text()}});
    doors_.push_back(std::move(door));
}

void Server::close_doors_not_in(const std::vector<conf::Endpoint>& endpoints) {
    for (auto& door : std::exchange(doors_, {})) {
        if (std::find(endpoints.begin(), endpoints.end(), door->endpoint) != endpoints.end()) {
            doors_.push_back(std::move(door));
            continue;
        }
        log_.info("listening_ended",
                  {{"name", door->name}, {"address", door->listener->address().text()}});
        door->listener->close();
        closed_doors_.push_back(std::move(door));
    }
}

void Server::on_accept(uring::Listener&, uring::Fd socket) {
    admit_client(Arrival(std::move(socket)));
}

void Server::admit_client(Arrival client) {
    if (!ration_over_.running()) {
        ration_over_.start_at(ring_.now_ms() + Ration::kPeriodMs);
    }
    if (stage_ != Stage::serving) {
        refuse(client.socket.get(), client.from, {"stopping", "the server is stopping"});
        return;
    }
    auto ticket = admission_.admit(client.from, ring_.now_ms());
    if (!ticket) {
        refuse(client.socket.get(), client.from, ticket.error());
        return;
    }
    Worker& worker = **std::min_element(
        workers_.begin(), workers_.end(),
        [](const auto& one, const auto& two) { return one->load() < two->load(); });
    worker.note_adoption();
    ring_.post(worker.ring_descriptor(),
               uring::make_message(
                   [&worker, taken = std::move(client), right = std::move(*ticket)]() mutable {
                       worker.adopt(std::move(taken), std::move(right));
                   }));
}

void Server::refuse(int socket, const uring::Address& peer, const Refusal& refusal) {
    say_refusal(socket, refusal);
    note_refused(peer, refusal);
}

void Server::note_refused(const uring::Address& peer, const Refusal& refusal) {
    refusals_.count(refusal.code);
    const bool allowed = admission_.ration().allows(Source(peer), refusal.code, ring_.now_ms());
    log_.at(
        allowed ? Log::Level::info : Log::Level::debug, "refused",
        {{"code", std::string(refusal.code)}, {"client", peer.text()}, {"why", refusal.sentence}});
    if (news_.wants(conf::EventKind::refused)) {
        news_.tell({"connection", refusal, peer.text(), {}, {}, {}}, Source(peer), ring_.now_ms());
    }
}

void Server::tell_held_back() {
    for (const auto& [what, lines] : admission_.ration().take_held_back()) {
        log_.info("held_back",
                  {{"what", std::string(what)},
                   {"lines", std::to_string(lines)},
                   {"why", "too many in a minute; [log] level = \"debug\" shows them all"}});
    }
    // Visitors go on, and make nobody connect here.
    if (admission_.counts().sessions > 0) {
        ration_over_.start_at(ring_.now_ms() + Ration::kPeriodMs);
    }
}

void Server::on_accept_pause(uring::Listener& listener, int error) {
    log_.warning("accept_paused",
                 {{"address", listener.address().text()}, {"why", std::strerror(-error)}});
}

void Server::on_listener_joined(uring::Listener& listener) {
    std::erase_if(closed_doors_,
                  [&](const auto& door) { return door->listener.get() == &listener; });
}

// Signals
// ------------------------------------------------------------------------------------------

void Server::wait_signal() {
    ring_.read(signal_op_, signals_.get(), std::as_writable_bytes(std::span(&signal_, 1)));
}

void Server::on_signal(uring::Completion completion) {
    if (stage_ == Stage::stopped) {
        stop_ring_if_joined();
        return;
    }
    if (completion.res == static_cast<std::int32_t>(sizeof(signal_))) {
        if (signal_.ssi_signo == SIGHUP) {
            reload();
        } else if (stage_ == Stage::serving) {
            drain();
        } else if (stage_ == Stage::draining) {
            end_now();  // asked twice: do not wait for visitors
        }
    }
    wait_signal();
}

// Ending
// -------------------------------------------------------------------------------------------

void Server::drain() {
    stage_ = Stage::draining;
    status_line_.stop();
    close_doors_not_in({});
    web_gate_.close();
    held_.drain(upkeep_.sockets_kept());
    tell_workers([](Worker& worker) { return [&worker] { worker.drain(); }; },
                 &Server::drain_in_force);
    deadline_.start_at(ring_.now_ms() + policy_->config.server.drain.count());
}

// Once nobody new is let in anywhere; at the latest when the next stage begins, since a worker may
// be stuck, or have drained before the last one has said that it drains.
void Server::drain_in_force() {
    if (std::exchange(stopping_told_, true)) {
        return;
    }
    log_.info("stopping", {{"drain_ms", std::to_string(policy_->config.server.drain.count())}});
    notify::stopping("stopping: visitors may finish");
}

void Server::end_now() {
    drain_in_force();
    if (stage_ == Stage::ending) {
        // Cannot happen while every client's end is bounded; if it does, nothing may hold us up.
        log_.error("stop_forced", {{"why", "clients did not end in time"}});
        std::_Exit(1);
    }
    stage_ = Stage::ending;
    tell_workers([](Worker& worker) { return [&worker] { worker.end_all(); }; });
    deadline_.start_at(ring_.now_ms() + kEndMs);
}

void Server::on_worker_drained(Worker& worker) {
    worker.ring().post(ring_.descriptor(), uring::make_message([this] { worker_drained(); }));
}

void Server::worker_drained() {
    if (++drained_workers_ == workers_.size()) {
        stop();
    }
}

void Server::stop() {
    drain_in_force();
    stage_ = Stage::stopped;
    deadline_.stop();
    watchdog_.stop();
    tell_workers([](Worker& worker) { return [&worker] { worker.stop(); }; });
    key_watch_.stop();
    control_.close();
    tunnel_sockets_.close();
    metrics_.close();
    event_command_.stop();
    domains_.close();
    ring_.cancel(signal_op_);
}

void Server::on_key_watch_joined() {
    stop_ring_if_joined();
}

void Server::on_held_tunnels_idle() {
    if (stage_ == Stage::stopped) {
        stop_ring_if_joined();
    }
}

void Server::on_leases_changed() {
    upkeep_.changed();
    directory_.changed();
    status_line_.look();
    tell_waiting_visitors();
    follow_domains();
}

void Server::on_status_changed(const std::string& status) {
    notify::status(status);
}

void Server::stop_ring_if_joined() {
    if (!signal_op_.armed() && key_watch_.idle() && held_.idle() && control_.joined() &&
        tunnel_sockets_.joined() && metrics_.joined() && event_command_.idle() &&
        web_gate_.joined() && domains_.joined()) {
        ring_.stop();
    }
}

}  // namespace portreeve::daemon
