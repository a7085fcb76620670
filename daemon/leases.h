// Who has which address: every tunnel's address is somebody's lease, which outlives the session.
//
//   claim() -> a client holds it -> hold(): the main thread does -> claim() by its owner …
//                    \-> end(): cancelled          \-> end(): the lease is over
//
// An owner who asks for an address that it has gets it back at once, whoever holds it; a stranger
// is refused. Port 0 gives back what the same owner and label had for the same words, in order.
// Names may be shared; then all of their owners serve in turn.
//
// Owns: all leases. Called by: workers and the main thread, through their LeaseDesk, when tunnels
// come and go; one lock, never taken for a visitor's data. Bounds: [limits] of tunnels and
// sessions for those with a client, leases_per_key for those without.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

#include "conf/config.h"
#include "daemon/binding.h"
#include "daemon/http_names.h"
#include "daemon/lease.h"
#include "daemon/lease_store.h"
#include "daemon/news_board.h"
#include "daemon/refusal.h"
#include "daemon/tunnel_entry.h"
#include "ssh/session.h"

namespace portreeve::daemon {

class Leases {
  public:
    // `news` is told what becomes of tunnels.
    explicit Leases(NewsBoard* news = nullptr) : news_(news) {}
    Leases(const Leases&) = delete;
    Leases& operator=(const Leases&) = delete;
    Leases(Leases&&) = delete;
    Leases& operator=(Leases&&) = delete;
    ~Leases() = default;

    // Whether somebody is one of those that a rule of the owner's names, or the owner himself.
    using IsAmong = std::function<bool(const std::string& owner, const ssh::Audience& audience)>;
    // Who asks.
    struct Claimant {
        std::string owner;
        std::string label;
        LeaseHolder holder;
        std::string address;  // of the client
        // Sessions of the same owner and label that do not answer any more: what they have of
        // port 0 may be taken, as if they were gone.
        std::vector<LeaseHolder> silent;
        NameRules name_rules;  // of the names that it asks for
        IsAmong is_among;      // whether it is
        // Why it can have no more than it has open; then what it has in another session can be
        // taken over, and nothing else be had.
        std::optional<Refusal> full = {};
    };
    // Who had a lease until now, and has to be told.
    struct Displaced {
        LeasePtr lease;
        LeaseHolder holder;
    };
    // What a holder has: listening sockets to accept from for as long as the turn is its own.
    struct Claim {
        LeasePtr lease;
        std::uint64_t turn = 0;
        std::vector<uring::Fd> sockets;
        std::vector<Displaced> displaced;
        std::int64_t until_s = 0;    // when its time is over, if no client holds it
        std::uint32_t kept_max = 0;  // of those held for its owner, how many at most; 0: any number
        bool again = false;          // the lease is older than this claim
        TunnelRulesPtr rules = {};   // … and this is what its owner said of visitors then
        std::string taken_from = {};  // the client that was here with it; empty: none was
    };
    struct Counts {
        struct Kind {
            std::uint32_t open = 0;
            std::uint32_t held = 0;
            bool operator==(const Kind&) const = default;
        };
        Kind ports;
        Kind names;
        Kind http;
        [[nodiscard]] std::size_t open() const { return ports.open + names.open + http.open; }
        [[nodiscard]] std::size_t held() const { return ports.held + names.held + http.held; }
    };
    // Where requests for a host and path go.
    struct HttpPlace {
        LeasePtr lease;
        std::uint64_t turn = 0;
        LeaseHolder holder;
        bool held = false;         // its owner is away
        std::int64_t since_s = 0;  // … since when
        // No other lease serves this host, whatever the path: the answer holds while
        // http_revision() does.
        bool alone = false;
        bool several_paths = false;  // of this host, or one that is not all of them
        bool passes_tls = false;     // TLS for it is the target's to open
    };

    // `http`: what the wish means, if it is for an http name. `ended`: also where the wish is
    // refused, what the owner had at the same place in other words, and has no more.
    [[nodiscard]] tl::expected<Claim, Refusal> claim(const Claimant& who,
                                                     const ssh::ForwardWish& wish,
                                                     const conf::Forward& rules,
                                                     const HttpName* http = nullptr,
                                                     std::vector<Displaced>* ended = nullptr);
    // The session is over, and why: `by` holds the lease until `until_s`. nullopt: it was another's
    // already.
    [[nodiscard]] std::optional<Claim> hold(const LeasePtr& lease, std::uint64_t turn,
                                            LeaseHolder by, std::int64_t until_s,
                                            const Refusal& why);
    // Something went wrong with it, for others to see. False: it is as it was noted last.
    bool note_error(const LeasePtr& lease, const Refusal& error);
    // The address is nobody's any more. False: somebody else has it since `turn`.
    bool end(const LeasePtr& lease, std::uint64_t turn, const Refusal& why);
    // Those of `owner` (of all, if empty) that are called so (TunnelEntry::is_called) are
    // nobody's any more.
    [[nodiscard]] std::vector<Displaced> kick(const std::string& owner, const std::string& called,
                                              const Refusal& why);
    // This name, in lower case, is the server's own from now on, and no other is; those who had it
    // have it no more.
    [[nodiscard]] std::vector<Displaced> reserve(const std::string& name);
    // How http names are written where they are shown.
    void use_urls(HttpUrls urls);
    // Whether TLS for the http names that `holder` has goes to its targets unopened.
    void set_pass_tls(const LeaseHolder& holder, bool pass);
    // Whether that is so of any name. Without the lock.
    [[nodiscard]] bool pass_tls() const { return pass_tls_count_.load() > 0; }
    // Of all that `holder` has: what it says of visitors; nullptr: nothing.
    void say_rules(const LeaseHolder& holder, const TunnelRulesPtr& rules);
    // Of the names that `holder` has.
    void set_name_rules(const LeaseHolder& holder, const NameRules& rules);
    // Its address is its owner's as before, but nobody listens there until it is claimed again.
    void unbind(const LeasePtr& lease);
    // A lease of before the start. `sockets` are what systemd kept of it, or none: then it is bound
    // again, or, where that fails, kept without sockets.
    [[nodiscard]] Claim restore(const LeaseRecord& record, LeaseHolder by,
                                std::vector<uring::Fd> sockets);

    // Why the wish would be refused for what others have; nullopt: not for that.
    [[nodiscard]] std::optional<Refusal> why_anothers(const std::string& owner,
                                                      const std::string& label,
                                                      const IsAmong& is_among,
                                                      const ssh::ForwardWish& wish,
                                                      const conf::Forward& rules,
                                                      const HttpName* http = nullptr) const;
    // nullopt: it has ended.
    [[nodiscard]] std::optional<LeaseHolder> holder_of(const LeasePtr& lease) const;
    // The private name that is asked for here, if there is one that the caller may reach; else
    // nullptr. Of several the one whose turn it is, of those whose owners are here if any is.
    [[nodiscard]] LeasePtr find_name(const std::string& name, std::uint16_t port,
                                     const IsAmong& may_reach);
    // Of several paths the longest that the request's is below (http::is_below); of several owners
    // the one whose turn it is, of those that are here and not set aside, if any is. `path` is the
    // request's, with its query. `chosen` was the answer before, and is again if it is as good as
    // any: its turn has come already.
    [[nodiscard]] std::optional<HttpPlace> find_http(std::string_view host, std::string_view path,
                                                     std::int64_t now_ms,
                                                     const LeasePtr& chosen = nullptr);
    // Whether that could be a lease whose target opens TLS itself. Nobody's turn is over by it.
    [[nodiscard]] bool may_pass_tls(std::string_view host) const;
    // The hosts of http names, with their owners.
    [[nodiscard]] std::set<std::pair<std::string, std::string>> http_hosts() const;
    // Another number whenever find_http() could answer otherwise, but for whose turn it is; to be
    // asked before it. Without the lock.
    [[nodiscard]] std::uint64_t http_revision() const { return http_revision_.load(); }
    // The target of this lease refuses: others of the same host and path are preferred until then
    // (steady ms; 0: it answers again).
    void set_aside(const LeasePtr& lease, std::int64_t until_ms);
    // What a wish for an http name would get, as visitors write it; empty: nothing.
    [[nodiscard]] std::string url_for(const Claimant& who, const HttpName& name) const;
    // Of an http lease, as visitors write it.
    [[nodiscard]] std::string url_of(const LeasePtr& lease) const;
    // Other clients with a tunnel on a port of the server's choice, of the same owner and label;
    // the first kSiblingsMax, for a label that so many share is not about one machine.
    static constexpr std::size_t kSiblingsMax = 8;
    [[nodiscard]] std::vector<LeaseHolder> siblings(const Claimant& who) const;
    [[nodiscard]] std::string label_of(const LeasePtr& lease) const;
    [[nodiscard]] std::vector<LeaseRecord> records() const;
    // Another number whenever records() would be others.
    [[nodiscard]] std::uint64_t revision() const { return revision_.load(); }
    // Duplicates, for systemd's store; none when there is no such lease.
    [[nodiscard]] std::vector<uring::Fd> sockets_of(const std::string& id) const;
    [[nodiscard]] std::vector<LeasePtr> all() const;
    // Without the lock.
    [[nodiscard]] Counts counts() const {
        return {port_count_.load(), name_count_.load(), http_count_.load()};
    }
    // All of them, as others see them; those of one owner, where `owner` is not empty.
    [[nodiscard]] std::vector<TunnelEntry> entries(const std::string& owner = {}) const;

  private:
    using Lock = std::lock_guard<std::mutex>;

    // The leases of one host, of http; each list has the oldest first.
    struct HttpHost {
        std::vector<LeasePtr> all;
        std::map<std::string, std::vector<LeasePtr>, std::less<>> by_path;
    };

    // What a claim is about, on its way through the steps below.
    struct Asking {
        const Claimant& who;
        const ssh::ForwardWish& wish;
        const Wanted& wanted;
        const conf::PortRange& pool;
        LeaseKind kind = LeaseKind::tcp;
        const HttpName* http = nullptr;
    };
    [[nodiscard]] tl::expected<Claim, Refusal> claim_port(const Asking& asking,
                                                          std::vector<Displaced>* ended);
    [[nodiscard]] tl::expected<Claim, Refusal> claim_any(const Asking& asking);
    [[nodiscard]] tl::expected<Claim, Refusal> claim_name(const Asking& asking);
    [[nodiscard]] tl::expected<Claim, Refusal> claim_http(const Asking& asking);
    [[nodiscard]] tl::expected<Claim, Refusal> claim_http_at(const Asking& asking);
    [[nodiscard]] tl::expected<Claim, Refusal> bind_new(const Asking& asking, std::uint32_t seed);
    [[nodiscard]] tl::expected<Claim, Refusal> add(const Asking& asking, Bound bound);
    static void put_claimant(Lease& lease, const Asking& asking);
    void keep(const LeasePtr& lease);
    void pass_tls_of(Lease& lease, bool pass);
    void keep_http(const LeasePtr& lease);
    void forget_http(const LeasePtr& lease);
    [[nodiscard]] tl::expected<Claim, Refusal> take_over(const Asking& asking,
                                                         const LeasePtr& lease);
    [[nodiscard]] tl::expected<Claim, Refusal> give(const LeasePtr& lease, LeaseHolder to);
    [[nodiscard]] std::vector<LeasePtr> in_the_way(const Wanted& wanted, std::uint16_t port) const;
    [[nodiscard]] std::vector<LeasePtr> in_the_way(const std::string& name) const;
    [[nodiscard]] const std::vector<LeasePtr>& at_host(std::string_view host) const;
    // Of what the wish may mean, the host that the claimant has already, or the first that he may
    // have.
    [[nodiscard]] tl::expected<std::string, Refusal> host_for(const std::string& owner,
                                                              const std::string& label,
                                                              const IsAmong& is_among,
                                                              const HttpName& name) const;
    template <class IsAsked>
    [[nodiscard]] static LeasePtr own_of(const std::vector<LeasePtr>& found, const Claimant& who,
                                         bool shared, IsAsked is_asked);
    // Of a name: whether one more may have it.
    [[nodiscard]] static bool is_shared(const std::vector<LeasePtr>& found,
                                        const IsAmong& is_among);
    // The refusal for the first that is not `owner`'s.
    [[nodiscard]] static std::optional<Refusal> anothers(const std::vector<LeasePtr>& found,
                                                         const std::string& owner);
    void drop(const LeasePtr& lease, const Refusal& why);
    void hold_until(Lease& lease, std::int64_t until_s);
    [[nodiscard]] std::atomic<Counts::Kind>& count_of(const Lease& lease);
    // Under the lock, so that what is told of a tunnel is told in order.
    void tell(conf::EventKind kind, const Lease& lease, const Refusal* why = nullptr,
              const std::string& former_client = {}) const;
    static void close_sockets(Lease& lease);
    static void put_error(Lease& lease, const Refusal& error);
    [[nodiscard]] TunnelEntry entry_of(const Lease& lease) const;

    NewsBoard* news_;
    mutable std::mutex lock_;
    std::atomic<std::uint64_t> revision_{1};
    std::atomic<Counts::Kind> port_count_;  // written under the lock
    std::atomic<Counts::Kind> name_count_;
    std::atomic<Counts::Kind> http_count_;
    std::atomic<std::uint64_t> http_revision_{1};
    std::list<LeasePtr> leases_;  // in the order in which they were asked for
    std::multimap<std::uint16_t, LeasePtr> by_port_;
    std::multimap<std::string, LeasePtr> by_name_;  // in lower case; the oldest first
    std::map<std::string, HttpHost, std::less<>> by_host_;
    HttpUrls urls_;
    std::uint64_t last_turn_ = 0;
    std::atomic<std::uint32_t> pass_tls_count_{0};  // written under the lock
    std::string reserved_;                          // likewise; empty: none
};

// Of a name, what the claimant has already: that of his label, so that the machines of one key are
// told apart; that of another one, if the name is not shared.
template <class IsAsked>
LeasePtr Leases::own_of(const std::vector<LeasePtr>& found, const Claimant& who, bool shared,
                        IsAsked is_asked) {
    LeasePtr own;
    for (const LeasePtr& lease : found) {
        if (lease->terms().owner == who.owner && is_asked(lease->terms())) {
            if (lease->label_ == who.label) {
                return lease;
            }
            own = shared || own ? own : lease;
        }
    }
    return own;
}

}  // namespace portreeve::daemon
