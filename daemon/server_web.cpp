// The server as http visitors see it: each goes to a worker in turn.

#include <utility>

#include "daemon/server.h"

namespace portreeve::daemon {

void Server::on_web_arrival(WebArrival arrival) {
    Worker& worker = *workers_[next_worker_++ % workers_.size()];
    ring_.post(worker.ring_descriptor(),
               uring::make_message([&worker, taken = std::move(arrival)]() mutable {
                   worker.take_web(std::move(taken));
               }));
}

// Told by closing the connection: there is no telling yet what it speaks.
void Server::on_web_refused(const uring::Address& peer, const Refusal& refusal) {
    note_refused(peer, refusal);
    if (!ration_over_.running()) {
        ration_over_.start_at(ring_.now_ms() + Ration::kPeriodMs);
    }
}

void Server::on_worker_ssh(Worker& worker, Arrival client) {
    worker.ring().post(ring_.descriptor(),
                       uring::make_message([this, taken = std::move(client)]() mutable {
                           admit_client(std::move(taken));
                       }));
}

void Server::on_web_parts_changed() {
    const WebParts parts = web_gate_.parts();
    const bool serves_tls = parts.tls != nullptr;
    HttpUrls urls = http_urls(policy_->config.http);
    if (serves_tls) {
        urls.scheme = "https";
    }
    if (const std::uint16_t port = web_gate_.port(serves_tls); port != 0) {
        urls.port = port;
    }
    leases_.use_urls(std::move(urls));
    directory_.changed();
    tell_workers(
        [&parts](Worker& worker) { return [&worker, parts] { worker.use_parts(parts); }; });
}

// Names below the server's own domain need no proof.
void Server::follow_domains() {
    const std::uint64_t revision = leases_.http_revision();
    if (std::exchange(domains_revision_, revision) == revision) {
        return;
    }
    auto hosts = leases_.http_hosts();
    std::erase_if(hosts, [&](const DomainDesk::Claimed& one) {
        return !needs_proof(one.first, policy_->config.http);
    });
    domains_.follow(hosts);
}

void Server::on_domain_lost(const std::string& domain, const std::string& owner,
                            const std::string& why) {
    desk_.kick(owner, domain, why);
}

void Server::tell_waiting_visitors() {
    if (web_.waiting.load() == 0) {
        return;
    }
    tell_workers([](Worker& worker) { return [&worker] { worker.look_again(); }; });
}

}  // namespace portreeve::daemon
