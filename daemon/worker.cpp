#include "daemon/worker.h"

#include <pthread.h>

#include <algorithm>
#include <cstring>
#include <ctime>
#include <utility>

#include "daemon/indexed.h"

namespace portreeve::daemon {
namespace {

// Many small buffers for many small arrivals, few large ones for bulk: 1.5 MiB a worker in all.
constexpr std::uint16_t kBufferGroup = 0;
constexpr uring::BufferRing::Shape kBuffers{.count = 128, .bytes = 4 * 1024};
constexpr std::uint16_t kBulkBufferGroup = 1;
constexpr uring::BufferRing::Shape kBulkBuffers{.count = 4, .bytes = 256 * 1024};

}  // namespace

tl::expected<std::unique_ptr<Worker>, std::string> Worker::make(unsigned number,
                                                                Client::Commons commons,
                                                                PolicyPtr policy, Events& events) {
    auto kernel = uring::make_kernel();
    if (!kernel) {
        return tl::unexpected(kernel.error().sentence);
    }
    auto acceptor = ssh::Acceptor::make(policy->host_keys, policy->algorithms);
    if (!acceptor) {
        return tl::unexpected(acceptor.error());
    }
    std::unique_ptr<Worker> made(new Worker(number, commons, std::move(policy), events,
                                            std::move(*kernel), std::move(*acceptor)));
    uring::Kernel& rings = made->ring_.kernel();
    auto buffers = uring::BufferRing::make(rings, kBufferGroup, kBuffers);
    auto bulk_buffers = uring::BufferRing::make(rings, kBulkBufferGroup, kBulkBuffers);
    if (!buffers || !bulk_buffers) {
        const int error = buffers ? bulk_buffers.error() : buffers.error();
        return tl::unexpected(std::string("receive buffers cannot be registered with io_uring: ") +
                              std::strerror(-error));
    }
    made->buffers_ = std::move(*buffers);
    made->bulk_buffers_ = std::move(*bulk_buffers);
    made->front_.set_pools({*made->buffers_, made->slabs_, made->bulk_buffers_.get()});
    return made;
}

Worker::Worker(unsigned number, Client::Commons commons, PolicyPtr policy, Events& events,
               std::unique_ptr<uring::Kernel> kernel, ssh::Acceptor acceptor)
    : number_(number),
      commons_(commons),
      events_(events),
      policy_(std::move(policy)),
      ring_(std::move(kernel)),
      acceptor_(std::move(acceptor)),
      desk_(commons.leases, ring_, commons.held),
      front_(ring_, desk_, commons.leases, commons.web, commons.log, figures_,
             static_cast<ProxyFront::Events&>(*this)) {
    front_.use(policy_->config);
}

void Worker::start() {
    thread_ = std::thread([this] { run(); });
    pthread_setname_np(thread_.native_handle(), ("worker-" + std::to_string(number_)).c_str());
    pthread_getcpuclockid(thread_.native_handle(), &cpu_clock_);
    enabled_.wait();
}

std::uint64_t Worker::cpu_ns() const {
    constexpr std::uint64_t kNsPerSecond = 1'000'000'000;
    timespec time{};
    if (clock_gettime(cpu_clock_, &time) != 0) {
        return 0;  // the thread has ended
    }
    return static_cast<std::uint64_t>(time.tv_sec) * kNsPerSecond +
           static_cast<std::uint64_t>(time.tv_nsec);
}

void Worker::run() {
    check(ring_.enable());
    enabled_.count_down();
    check(ring_.run());
    const uring::Ring::Figures& figures = ring_.figures();
    commons_.log.debug("worker_stopped", {{"worker", std::to_string(number_)},
                                          {"turns", std::to_string(figures.turns)},
                                          {"completions", std::to_string(figures.completions)},
                                          {"parked", std::to_string(figures.parked)},
                                          {"resent", std::to_string(figures.resent_messages)}});
}

// Without its ring a worker can neither serve nor end its clients: systemd starts a new daemon.
void Worker::check(int rc) const {
    if (rc < 0) {
        commons_.log.error("worker_failed",
                           {{"worker", std::to_string(number_)}, {"why", std::strerror(-rc)}});
        std::abort();
    }
}

void Worker::adopt(Arrival arrival, Admission::Ticket ticket) {
    Client::Events& self = *this;
    const std::string said = std::move(arrival.said);
    auto& client = clients_.emplace_back(
        std::make_unique<Client>(Client::Place{ring_,
                                               {*buffers_, slabs_, bulk_buffers_.get()},
                                               commons_,
                                               desk_,
                                               {this, ++last_number_},
                                               figures_},
                                 self, std::move(arrival), std::move(ticket)));
    client->index = clients_.size() - 1;
    client->open(acceptor_, said);
    if (draining_) {
        client->drain();
    }
}

void Worker::use(PolicyPtr policy, ssh::Acceptor acceptor) {
    acceptor_ = std::move(acceptor);
    use(std::move(policy));
}

void Worker::use(PolicyPtr policy) {
    policy_ = std::move(policy);
    front_.use(policy_->config);
    for (const auto& client : clients_) {
        client->use_policy();
    }
}

void Worker::drain() {
    draining_ = true;
    for (const auto& client : clients_) {
        client->drain();
    }
    front_.drain();
    ring_.post(sweep_);
}

void Worker::end_all() {
    for (const auto& client : clients_) {
        client->end("stopping", "the server is stopping");
    }
    front_.cut();
}

void Worker::take_web(WebArrival arrival) {
    front_.take(std::move(arrival));
}

void Worker::on_web_visitor(WebArrival visitor) {
    take_web(std::move(visitor));
}

void Worker::on_domain_answer(std::uint64_t client, const std::string& domain,
                              const DomainProofs::Verdict& verdict) {
    if (Client* const asker = find(client); asker != nullptr) {
        asker->hear_domain(domain, verdict);
    }
}

Target* Worker::find_target(const LeasePtr& lease, const LeaseHolder& holder) {
    Client* const client = find(holder.client);
    return client == nullptr ? nullptr : client->find_target(lease);
}

void Worker::on_client_done(Client& client) {
    done_.push_back(take_indexed(clients_, client.index));
    load_.fetch_sub(1, std::memory_order_relaxed);
    ring_.post(sweep_);
}

Client* Worker::find(std::uint64_t number) const {
    const auto found = std::find_if(clients_.begin(), clients_.end(), [number](const auto& client) {
        return client->number() == number;
    });
    return found == clients_.end() ? nullptr : found->get();
}

void Worker::on_lease_taken(const LeasePtr& lease, std::uint64_t client, const Refusal& why) {
    if (Client* former = find(client); former != nullptr) {
        former->lose_lease(lease, why);
    }
}

void Worker::on_lease_visitors(const LeasePtr& lease, std::uint64_t client,
                               std::vector<Arrival> visitors) {
    if (Client* holder = find(client); holder != nullptr) {
        holder->take_visitors(lease, std::move(visitors));
    } else {
        desk_.pass_on(lease, std::move(visitors));
    }
}

void Worker::on_life_asked(std::uint64_t client, const LeaseHolder& asker) {
    if (Client* sibling = find(client); sibling != nullptr) {
        sibling->show_life(asker);
    } else {
        desk_.show_life(asker, {this, client});  // what it had is free to be claimed
    }
}

void Worker::on_life_shown(std::uint64_t client, const LeaseHolder& sibling) {
    if (Client* asker = find(client); asker != nullptr) {
        asker->hear_life(sibling);
    }
}

void Worker::sweep() {
    done_.clear();
    if (draining_ && clients_.empty() && front_.empty() && !drained_) {
        drained_ = true;
        events_.on_worker_drained(*this);
    }
}

}  // namespace portreeve::daemon
