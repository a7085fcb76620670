// One thread with one ring, and the clients that live on it from their first byte to their last.
//
// The main thread speaks to it by messages only; adopt(), use(), drain() and end_all() are what
// those messages call, on the worker's own thread.
//
// Owns: ring, receive buffers, slabs, clients. Called by: Server (construction, load(), start(),
// join()); everything else on its own thread. Bounds: clients by Admission; buffers by their shape.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <latch>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <tl/expected.hpp>

#include "daemon/client.h"
#include "daemon/log.h"
#include "daemon/policy.h"
#include "daemon/proxy/proxy_front.h"
#include "uring/buffer_ring.h"
#include "uring/byte_queue.h"
#include "uring/ring.h"

namespace portreeve::daemon {

class Worker final : private Client::Events, private LeaseKeeper, private ProxyFront::Events {
  public:
    class Events {
      public:
        Events() = default;
        Events(const Events&) = delete;
        Events& operator=(const Events&) = delete;
        virtual ~Events() = default;
        // Called on the worker's thread: it was asked to drain, and its last client has gone.
        virtual void on_worker_drained(Worker& worker) = 0;
        // Likewise: who came to an https port speaks ssh.
        virtual void on_worker_ssh(Worker& worker, Arrival client) = 0;
    };

    // The error is a sentence.
    static tl::expected<std::unique_ptr<Worker>, std::string> make(unsigned number,
                                                                   Client::Commons commons,
                                                                   PolicyPtr policy,
                                                                   Events& events);
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;
    Worker(Worker&&) = delete;
    Worker& operator=(Worker&&) = delete;
    ~Worker() override = default;

    // From the main thread. start() returns when the ring takes messages; one that is sent to a
    // ring not yet enabled would be lost, and a connection with it.
    void start();
    void join() { thread_.join(); }
    [[nodiscard]] int ring_descriptor() const override { return ring_.descriptor(); }
    [[nodiscard]] const WorkerFigures& figures() const { return figures_; }
    [[nodiscard]] const uring::Ring::Figures& ring_figures() const { return ring_.figures(); }
    // CPU time of its thread so far.
    [[nodiscard]] std::uint64_t cpu_ns() const;
    [[nodiscard]] std::uint32_t load() const { return load_.load(std::memory_order_relaxed); }
    void note_adoption() { load_.fetch_add(1, std::memory_order_relaxed); }

    // On the worker's thread.
    void adopt(Arrival arrival, Admission::Ticket ticket);
    void use(PolicyPtr policy, ssh::Acceptor acceptor);
    void use(PolicyPtr policy);  // with the host keys and algorithms of before
    void take_web(WebArrival arrival);
    void use_parts(const WebParts& parts) { front_.use_parts(parts); }
    // Leases are not as they were.
    void look_again() { front_.look_again(); }
    void drain();
    void end_all();
    void stop() { ring_.stop(); }
    [[nodiscard]] uring::Ring& ring() { return ring_; }

  private:
    Worker(unsigned number, Client::Commons commons, PolicyPtr policy, Events& events,
           std::unique_ptr<uring::Kernel> kernel, ssh::Acceptor acceptor);
    [[nodiscard]] const PolicyPtr& policy() const override { return policy_; }
    void on_client_done(Client& client) override;
    void on_lease_taken(const LeasePtr& lease, std::uint64_t client, const Refusal& why) override;
    void on_lease_visitors(const LeasePtr& lease, std::uint64_t client,
                           std::vector<Arrival> visitors) override;
    void on_life_asked(std::uint64_t client, const LeaseHolder& asker) override;
    void on_life_shown(std::uint64_t client, const LeaseHolder& sibling) override;
    void on_web_visitor(WebArrival visitor) override;
    void on_domain_answer(std::uint64_t client, const std::string& domain,
                          const DomainProofs::Verdict& verdict) override;
    [[nodiscard]] Target* find_target(const LeasePtr& lease, const LeaseHolder& holder) override;
    [[nodiscard]] bool is_here(const LeaseHolder& holder) const override {
        return holder.keeper == this;
    }
    void on_front_empty() override { ring_.post(sweep_); }
    void on_front_ssh(Arrival client) override { events_.on_worker_ssh(*this, std::move(client)); }
    [[nodiscard]] Client* find(std::uint64_t number) const;
    void run();
    void check(int rc) const;
    void sweep();

    unsigned number_;
    Client::Commons commons_;
    Events& events_;
    PolicyPtr policy_;
    uring::Ring ring_;
    std::unique_ptr<uring::BufferRing> buffers_;
    std::unique_ptr<uring::BufferRing> bulk_buffers_;
    uring::SlabPool slabs_;
    WorkerFigures figures_;
    ssh::Acceptor acceptor_;
    LeaseDesk desk_;
    ProxyFront front_;
    std::uint64_t last_number_ = 0;  // of a client; 0 is none
    std::vector<std::unique_ptr<Client>> clients_;
    std::vector<std::unique_ptr<Client>> done_;
    uring::Task sweep_ = uring::Task::to<&Worker::sweep>(this);
    std::atomic<std::uint32_t> load_{0};
    std::latch enabled_{1};
    std::thread thread_;
    clockid_t cpu_clock_ = 0;  // of the thread
    bool draining_ = false;
    bool drained_ = false;  // and said so
};

}  // namespace portreeve::daemon
