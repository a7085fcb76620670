// An owner's claim to one address, and who answers there at the moment: a client while its session
// lasts, then the main thread, until the owner is back or the lease ends.
//
// Its address is TCP, a private name, or a host and a path of http. A lease is bound for all of its
// life: that of TCP has listening sockets of its own, and each holder gets duplicates of them to
// accept from. So the address is never free in between, and connections that nobody has accepted
// yet wait in the kernel for the next holder.
//
// Owns: the sockets. Called by: whoever holds it, on any thread; what can change is Leases' alone,
// under its lock, but for the turn and the traffic. Bounds: two sockets.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "daemon/arrival.h"
#include "daemon/domain_proofs.h"
#include "daemon/lease_kind.h"
#include "daemon/proxy/rules.h"
#include "daemon/refusal.h"
#include "daemon/traffic.h"
#include "ssh/audience.h"
#include "uring/fd.h"

namespace portreeve::daemon {

class Lease;
struct WebArrival;  // daemon/proxy/web_arrival.h
using LeasePtr = std::shared_ptr<Lease>;

struct LeaseHolder;

// A thread that may hold leases. All but ring_descriptor() is called on that thread, by message.
class LeaseKeeper {
  public:
    LeaseKeeper() = default;
    LeaseKeeper(const LeaseKeeper&) = delete;
    LeaseKeeper& operator=(const LeaseKeeper&) = delete;
    virtual ~LeaseKeeper() = default;
    [[nodiscard]] virtual int ring_descriptor() const = 0;
    // Somebody else holds the lease now, or nobody; why is for the client that held it.
    virtual void on_lease_taken(const LeasePtr& lease, std::uint64_t client,
                                const Refusal& why) = 0;
    // Visitors of the lease who have not been served yet, perhaps none: a former holder accepts no
    // more, and the kernel may have woken it for somebody who still waits (uring/listener.h).
    virtual void on_lease_visitors(const LeasePtr& lease, std::uint64_t client,
                                   std::vector<Arrival> visitors) = 0;
    // Does the client still answer? Once it does, or when it is gone, `asker` is told by
    // on_life_shown(); while it is silent, nothing is.
    virtual void on_life_asked(std::uint64_t client, const LeaseHolder& asker) = 0;
    virtual void on_life_shown(std::uint64_t client, const LeaseHolder& sibling) = 0;
    // A visitor of http names who asks for a tunnel that a client of this thread has.
    virtual void on_web_visitor(WebArrival visitor) = 0;
    // Whether a domain belongs to the client's key, which it asked.
    virtual void on_domain_answer(std::uint64_t client, const std::string& domain,
                                  const DomainProofs::Verdict& verdict) = 0;
};

// Of a name: who may reach it, if it is private, and who may have it too, so that its owners serve
// in turn; both beside the owner himself.
struct NameRules {
    ssh::Audience reach;
    ssh::Audience share;
    bool operator==(const NameRules&) const = default;
};

// A client of a worker; or the main thread itself, which is client 0.
struct LeaseHolder {
    LeaseKeeper* keeper = nullptr;
    std::uint64_t client = 0;
    bool operator==(const LeaseHolder&) const = default;
};

class Lease {
  public:
    // What was asked for and what it got; `id` names it for ever, and its sockets in systemd's
    // store.
    struct Terms {
        std::string id;
        std::string owner;
        std::string requested;  // the address as the client wrote it, but for credentials
        std::uint16_t requested_port = 0;
        std::uint16_t port = 0;
        std::vector<std::string> hosts;  // of TCP alone
        std::string note;
        LeaseKind kind = LeaseKind::tcp;
        std::string host;  // of http: in lower case; and which paths of it: empty: all
        std::string path;
    };

    explicit Lease(Terms terms) : terms_(std::move(terms)) {}
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    Lease(Lease&&) = delete;
    Lease& operator=(Lease&&) = delete;
    ~Lease() = default;

    [[nodiscard]] const Terms& terms() const { return terms_; }
    // Whether nobody has held it since `turn`, the number that its holder was given.
    [[nodiscard]] bool held_since(std::uint64_t turn) const {
        return turn_.load(std::memory_order_acquire) == turn;
    }
    // "127.0.0.1:20001 and [::1]:20001", "pc42:22", "blog.example.com/api"
    [[nodiscard]] std::string address_text() const;
    [[nodiscard]] Traffic& traffic() { return traffic_; }
    // How many visitors of http wait for its owner.
    [[nodiscard]] std::atomic<std::uint32_t>& waiting() { return waiting_; }
    [[nodiscard]] LeaseKind kind() const { return terms_.kind; }

  private:
    friend class Leases;

    const Terms terms_;
    std::atomic<std::uint64_t> turn_{0};
    Traffic traffic_;
    std::atomic<std::uint32_t> waiting_{0};
    // Leases' lock guards what follows.
    std::string label_;
    NameRules name_rules_;
    TunnelRulesPtr rules_said_;  // what its owner said of visitors last, in this session or before
    std::uint64_t last_turn_ = 0;  // of a name: when a caller got it last, as Leases counts them
    // Of http, as its owner asked last.
    std::uint16_t asked_port_ = 0;
    bool passes_tls_ = false;          // TLS for it is its target's to open
    std::int64_t aside_until_ms_ = 0;  // steady: its target refuses, and others are preferred
    // Of TCP; none: it could not be bound again after a restart.
    std::vector<uring::Fd> sockets_;
    LeaseHolder holder_;
    std::string client_;        // the address of whoever had it last
    std::int64_t since_s_ = 0;  // when it was opened or held, by the wall clock
    std::string error_;         // what went wrong last, since it was opened
    std::int64_t error_s_ = 0;
    std::int64_t held_until_s_ = 0;  // by the wall clock; 0: its owner is here
    bool ended_ = false;
};

}  // namespace portreeve::daemon
