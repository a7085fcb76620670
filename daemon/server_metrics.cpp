// The server as its metrics see it: where they are served, and what they are read from.

#include <cstring>

#include "daemon/endpoint_socket.h"
#include "daemon/metrics_text.h"
#include "daemon/server.h"

namespace portreeve::daemon {

// Empty where they are served already, or not at all.
tl::expected<uring::Fd, Failure> Server::bind_metrics(const conf::Metrics& next) const {
    if (next.listen == metrics_at_ || next.listen.empty()) {
        return uring::Fd();
    }
    const conf::Endpoint& place = next.listen.front();
    auto socket = listen_at(place, "[metrics] listen");
    const bool ours =
        !metrics_at_.empty() && place.port != 0 && metrics_at_.front().port == place.port;
    if (!socket && ours) {
        socket.error().sentences.front() += kPortIsOurs;
    }
    return socket;
}

void Server::serve_metrics(uring::Fd socket) {
    const conf::Metrics& now = policy_->config.metrics;
    desk_.reserve(now.alias);
    if (now.listen == metrics_at_) {
        return;
    }
    metrics_at_ = now.listen;
    if (!metrics_address_.empty()) {
        log_.info("listening_ended", {{"name", "metrics"}, {"address", metrics_address_}});
    }
    metrics_address_ = socket ? uring::Address::of_local(socket.get()).text() : "";
    if (socket) {
        log_.info("listening", {{"name", "metrics"}, {"address", metrics_address_}});
    }
    metrics_.listen(std::move(socket));
}

// Nothing here waits for a worker: what it counts is read while it counts.
std::string Server::metrics_page() const {
    ProcessFigures process = ProcessFigures::now();
    process.started_s = since_s_;
    Readings readings{admission_.counts(),
                      leases_.counts(),
                      policy_->config.limits,
                      refusals_,
                      held_.visitors_waiting(),
                      web_.admission.count(),
                      policy_->authorized_keys.size(),
                      !reload_failure_.empty(),
                      process,
                      {}};
    readings.workers.reserve(workers_.size());
    for (const auto& worker : workers_) {
        readings.workers.push_back(
            {worker->figures(), worker->ring_figures(), worker->load(), worker->cpu_ns()});
    }
    return metrics_text(readings);
}

}  // namespace portreeve::daemon
