// The main thread: it takes SSH connections and gives each to the least loaded worker, applies
// reloads, and ends the program in order.
//
//   serving -> draining (SIGTERM: no new connections, visitors may finish) -> ending -> stopped
//
// Owns: the SSH listeners, the workers, admission, the watch on files of keys. Called by: main.
// Bounds: draining by [server] drain, ending by kEndMs.
#pragma once

#include <sys/signalfd.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "daemon/admission.h"
#include "daemon/control.h"
#include "daemon/directory.h"
#include "daemon/domain_desk.h"
#include "daemon/event_command.h"
#include "daemon/held_tunnels.h"
#include "daemon/key_watch.h"
#include "daemon/lease_upkeep.h"
#include "daemon/log.h"
#include "daemon/metrics.h"
#include "daemon/orphans.h"
#include "daemon/owners.h"
#include "daemon/password_check.h"
#include "daemon/policy.h"
#include "daemon/proxy/web_gate.h"
#include "daemon/startup.h"
#include "daemon/status_line.h"
#include "daemon/systemd.h"
#include "daemon/watchdog.h"
#include "daemon/worker.h"
#include "uring/listener.h"
#include "uring/ring.h"

namespace portreeve::daemon {

class Server final : private uring::Listener::Events,
                     private Worker::Events,
                     private Watchdog::Events,
                     private KeyWatch::Events,
                     private HeldTunnels::Events,
                     private StatusLine::Events,
                     private EventCommand::Events,
                     private ControlHost,
                     private Control::Events,
                     private TunnelSockets::Events,
                     private Metrics::Events,
                     private WebGate::Events,
                     private DomainDesk::Events {
  public:
    // A client's last words and its goodbye, one after the other, and some more.
    static constexpr std::int64_t kEndMs = 6'000;

    // Binds or takes over the listeners and makes the workers. `config_path` is read again at
    // SIGHUP.
    static tl::expected<std::unique_ptr<Server>, Failure> make(Log& log, PolicyPtr policy,
                                                               std::string config_path);
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    Server(Server&&) = delete;
    Server& operator=(Server&&) = delete;
    ~Server() override = default;

    // Serves until a signal ends it; returns the exit code.
    int run();

  private:
    static constexpr std::uint16_t kControlBuffers = 0;  // of the main ring
    static constexpr std::uint16_t kMetricsBuffers = 1;

    enum class Stage { serving, draining, ending, stopped };
    // A place where clients knock: configured by its endpoint, or passed by systemd.
    struct Door {
        conf::Endpoint endpoint;
        std::string name;
        uring::Fd socket;  // until the listener has it
        std::unique_ptr<uring::Listener> listener;
    };

    Server(Log& log, PolicyPtr policy, std::string config_path,
           std::unique_ptr<uring::Kernel> kernel);
    [[nodiscard]] tl::expected<void, Failure> make_workers();
    void restore_leases();
    void take_passed_sockets();
    [[nodiscard]] tl::expected<std::vector<std::unique_ptr<Door>>, Failure> open_missing(
        const std::vector<conf::Endpoint>& endpoints) const;
    void open_door(std::unique_ptr<Door> door);
    void close_doors_not_in(const std::vector<conf::Endpoint>& endpoints);

    void on_accept(uring::Listener& listener, uring::Fd socket) override;
    void admit_client(Arrival client);
    void refuse(int socket, const uring::Address& peer, const Refusal& refusal);
    void note_refused(const uring::Address& peer, const Refusal& refusal);
    void tell_held_back();
    void on_accept_pause(uring::Listener& listener, int error) override;
    void on_listener_joined(uring::Listener& listener) override;
    void on_worker_drained(Worker& worker) override;
    void on_worker_ssh(Worker& worker, Arrival client) override;
    void on_workers_alive() override;
    void on_worker_silent(std::size_t number) override;
    void on_keys_touched() override;
    void on_key_watch_joined() override;
    void on_leases_changed() override;
    void on_held_tunnels_idle() override;
    [[nodiscard]] std::string status() const override;
    void on_status_changed(const std::string& status) override;
    [[nodiscard]] Status control_status() const override;
    [[nodiscard]] std::vector<TunnelEntry> control_tunnels() const override {
        return leases_.entries();
    }
    std::size_t control_kick(const std::string& called) override;
    tl::expected<Checked, Failure> control_reload() override;
    [[nodiscard]] tl::expected<Checked, Failure> control_check() const override;
    [[nodiscard]] Answer control_explain(const Question& question) const override;
    void control_drain() override;
    [[nodiscard]] conf::Log control_log() const override { return log_levels_; }
    void control_set_log(const conf::Log& levels) override;
    void on_control_joined() override { stop_ring_if_joined(); }
    void on_tunnel_sockets_joined() override { stop_ring_if_joined(); }
    void on_event_command_idle() override { stop_ring_if_joined(); }
    void use_tunnel_sockets();
    void open_control();
    [[nodiscard]] std::string metrics_page() const override;
    void on_metrics_joined() override { stop_ring_if_joined(); }
    void on_web_arrival(WebArrival arrival) override;
    void on_web_refused(const uring::Address& peer, const Refusal& refusal) override;
    void on_web_parts_changed() override;
    void on_domain_lost(const std::string& domain, const std::string& owner,
                        const std::string& why) override;
    void on_domain_desk_joined() override { stop_ring_if_joined(); }
    void follow_domains();
    void on_web_gate_joined() override { stop_ring_if_joined(); }
    void tell_waiting_visitors();
    [[nodiscard]] tl::expected<uring::Fd, Failure> bind_metrics(const conf::Metrics& next) const;
    void serve_metrics(uring::Fd socket);

    void wait_signal();
    void on_signal(uring::Completion completion);
    tl::expected<void, Failure> reload();
    [[nodiscard]] tl::expected<void, Failure> try_reload();
    void refresh_keys();
    void keys_failed(const Failure& failure);
    void warn_of_complaints() const;
    void warn_of_restart_keys(const conf::Config& from, const conf::Config& to) const;
    void drain();
    void drain_in_force();
    void end_now();
    void worker_drained();
    void stop();
    void stop_ring_if_joined();
    void start_watchdog();
    // `function(worker)` makes what each of them is sent.
    template <class Function>
    void tell_workers(Function function);
    // Likewise; `done` is called here when all of them have been through it, in a later turn.
    template <class Function>
    void tell_workers(Function function, void (Server::*done)());
    void reload_in_force();
    void keys_in_force();

    Log& log_;
    PolicyPtr policy_;
    std::string config_path_;
    WebCommons web_;  // tickets of which go with messages that the ring holds
    uring::Ring ring_;
    Admission admission_;
    Owners owners_;
    NewsBoard news_;
    Leases leases_{&news_};
    CodeCounts refusals_;  // of this thread
    HeldTunnels held_{ring_, leases_, log_, admission_.ration(), refusals_, *this};
    LeaseDesk desk_{leases_, ring_, held_};
    TunnelSockets tunnel_sockets_{ring_,
                                  leases_,
                                  desk_,
                                  log_,
                                  policy_->config.server.runtime_dir + "/tunnels",
                                  static_cast<TunnelSockets::Events&>(*this)};
    Directory directory_{ring_, leases_, log_, policy_->config.server.runtime_dir, tunnel_sockets_};
    EventCommand event_command_{ring_, news_.for_command(), log_,
                                static_cast<EventCommand::Events&>(*this)};
    Orphans orphans_{ring_, event_command_};
    LeaseUpkeep upkeep_{ring_, leases_, log_, policy_->config.server.state_dir};
    Metrics metrics_{ring_, kMetricsBuffers, static_cast<Metrics::Events&>(*this)};
    std::vector<conf::Endpoint> metrics_at_;  // as configured; and where that is
    std::string metrics_address_;
    uring::Fd metrics_socket_;  // from its making until run()
    PasswordChecker password_checker_;
    DomainDesk domains_{ring_, static_cast<DomainDesk::Events&>(*this)};
    std::uint64_t domains_revision_ = 0;  // of the http names that are followed
    WebGate web_gate_{ring_, web_, log_, static_cast<WebGate::Events&>(*this)};
    std::optional<WebGate::Prepared> web_prepared_;  // from its making until run()
    std::vector<std::unique_ptr<Worker>> workers_;
    std::size_t next_worker_ = 0;  // for an http visitor
    std::vector<std::unique_ptr<Door>> doors_;
    std::vector<std::unique_ptr<Door>> closed_doors_;
    uring::Fd control_socket_;   // that systemd passed
    PassedSockets passed_;       // what nobody has asked for yet
    bool doors_passed_ = false;  // systemd decides where we listen
    Stage stage_ = Stage::serving;
    std::size_t drained_workers_ = 0;
    bool stopping_told_ = false;    // to the log and to systemd
    std::int64_t watchdog_ms_ = 0;  // as systemd asked for
    Watchdog watchdog_{ring_, static_cast<Watchdog::Events&>(*this)};
    StatusLine status_line_{ring_, static_cast<StatusLine::Events&>(*this)};
    Control control_{ring_,
                     kControlBuffers,
                     static_cast<ControlHost&>(*this),
                     news_.for_watch(),
                     log_,
                     static_cast<Control::Events&>(*this)};
    conf::Log log_levels_ = policy_->config.log;  // as they are now
    std::int64_t since_s_ = 0;                    // by the wall clock
    std::string reload_failure_;                  // of the last reload; empty: it did not fail
    uring::Fd signals_;
    signalfd_siginfo signal_{};
    KeyWatch key_watch_{ring_, static_cast<KeyWatch::Events&>(*this)};
    std::string keys_unwatched_;  // what was last said of it
    std::string keys_failure_;
    uring::Op signal_op_ = uring::Op::to<&Server::on_signal>(this);
    uring::Timer ration_over_ = uring::Timer::to<&Server::tell_held_back>(this, ring_.timers());
    uring::Timer deadline_ = uring::Timer::to<&Server::end_now>(this, ring_.timers());
};

template <class Function>
void Server::tell_workers(Function function) {
    for (const auto& worker : workers_) {
        ring_.post(worker->ring_descriptor(), uring::make_message(function(*worker)));
    }
}

template <class Function>
void Server::tell_workers(Function function, void (Server::*done)()) {
    auto left = std::make_shared<std::atomic<std::size_t>>(workers_.size());
    tell_workers([&](Worker& worker) {
        return [this, &worker, done, left, call = function(worker)]() mutable {
            call();
            if (left->fetch_sub(1) == 1) {
                worker.ring().post(ring_.descriptor(),
                                   uring::make_message([this, done] { (this->*done)(); }));
            }
        };
    });
}

}  // namespace portreeve::daemon
