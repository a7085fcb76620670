#include "daemon/leases.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <utility>

#include "daemon/login.h"
#include "daemon/names.h"
#include "daemon/wish_text.h"
#include "ssh/text.h"

namespace portreeve::daemon {
namespace {

std::string new_id() {
    std::array<unsigned char, 8> bytes{};
    static_cast<void>(!getrandom(bytes.data(), bytes.size(), 0));
    static constexpr std::string_view kDigits = "0123456789abcdef";
    std::string id;
    for (const unsigned char byte : bytes) {
        id += kDigits[byte >> 4U];
        id += kDigits[byte & 0xfU];
    }
    return id;
}

// Whether a socket at one could take what is meant for the other.
bool overlap(const std::string& one, const std::string& other) {
    const bool v6 = one.find(':') != std::string::npos;
    if (v6 != (other.find(':') != std::string::npos)) {
        return false;
    }
    const char* everywhere = v6 ? "::" : "0.0.0.0";
    return one == other || one == everywhere || other == everywhere;
}

bool overlap(const std::vector<std::string>& some, const std::vector<std::string>& others) {
    return std::any_of(some.begin(), some.end(), [&](const std::string& one) {
        return std::any_of(others.begin(), others.end(),
                           [&](const std::string& other) { return overlap(one, other); });
    });
}

tl::expected<std::vector<uring::Fd>, int> duplicates(const std::vector<uring::Fd>& sockets) {
    std::vector<uring::Fd> made;
    for (const uring::Fd& socket : sockets) {
        made.emplace_back(fcntl(socket.get(), F_DUPFD_CLOEXEC, 0));
        if (!made.back()) {
            return tl::unexpected(-errno);
        }
    }
    return made;
}

// Where in the pool to look first: the same place whenever the same owner asks in the same words,
// so that even after its lease a port is likely to be the one it was.
std::uint32_t seed_of(const std::string& owner, const std::string& label,
                      const std::string& requested, std::size_t earlier) {
    const std::string words = owner + '\n' + label + '\n' + requested + '\n';
    return static_cast<std::uint32_t>(std::hash<std::string>()(words + std::to_string(earlier)));
}

// By 1 or -1: a lease is open, or held, or not any more.
void count(std::atomic<Leases::Counts::Kind>& counted, bool held, int by) {
    Leases::Counts::Kind now = counted.load();
    (held ? now.held : now.open) += static_cast<std::uint32_t>(by);
    counted.store(now);
}

// What a record keeps of them: who may visit.
TunnelRulesPtr rules_of(const LeaseRecord& record) {
    if (record.allow.empty() && record.deny.empty()) {
        return nullptr;
    }
    TunnelRules rules;
    rules.admitted = {parse_networks(record.allow).value_or(std::vector<conf::Network>()),
                      parse_networks(record.deny).value_or(std::vector<conf::Network>())};
    return std::make_shared<TunnelRules>(std::move(rules));
}

Refusal in_use(const Lease& lease, std::string_view whose) {
    return {"address_in_use", lease.address_text() + " is in use by " + std::string(whose)};
}

}  // namespace

tl::expected<Leases::Claim, Refusal> Leases::claim(const Claimant& who,
                                                   const ssh::ForwardWish& wish,
                                                   const conf::Forward& rules, const HttpName* http,
                                                   std::vector<Displaced>* ended) {
    const Wanted nowhere;
    if (http != nullptr) {
        const Lock guard(lock_);
        return claim_http({who, wish, nowhere, rules.pool, LeaseKind::http, http});
    }
    if (is_name(wish.address)) {
        const Lock guard(lock_);
        return claim_name({who, wish, nowhere, rules.pool, LeaseKind::name});
    }
    const auto wanted = addresses_for(wish.address, rules.bind);
    if (!wanted) {
        return tl::unexpected(wanted.error());
    }
    const Asking asking{who, wish, *wanted, rules.pool};
    const Lock guard(lock_);
    return wish.port == 0 ? claim_any(asking) : claim_port(asking, ended);
}

std::optional<Refusal> Leases::anothers(const std::vector<LeasePtr>& found,
                                        const std::string& owner) {
    for (const LeasePtr& lease : found) {
        if (lease->terms().owner != owner) {
            return Refusal{"address_leased", lease->address_text() +
                                                 (lease->held_until_s_ == 0
                                                      ? " is in use by another key"
                                                      : " is kept for another key, which is away")};
        }
    }
    return std::nullopt;
}

tl::expected<Leases::Claim, Refusal> Leases::claim_port(const Asking& asking,
                                                        std::vector<Displaced>* ended) {
    const auto found =
        in_the_way(asking.wanted, static_cast<std::uint16_t>(std::min(asking.wish.port, 65'535U)));
    if (auto why = anothers(found, asking.who.owner)) {
        return tl::unexpected(std::move(*why));
    }
    LeasePtr own;
    std::vector<Displaced> given_up;
    for (const LeasePtr& lease : found) {
        const Lease::Terms& terms = lease->terms();
        if (lease->holder_ == asking.who.holder) {
            return tl::unexpected(in_use(*lease, "this session"));
        }
        if (terms.requested == asking.wish.address && terms.hosts == asking.wanted.hosts) {
            own = lease;
        } else if (lease->held_until_s_ != 0) {
            given_up.push_back({lease, lease->holder_});
        } else {
            return tl::unexpected(in_use(*lease, "another tunnel of this key"));
        }
    }
    if (asking.who.full && (!own || own->held_until_s_ != 0)) {
        return tl::unexpected(*asking.who.full);
    }
    // What the owner had there under other words is not wanted any more, and in the way.
    for (const Displaced& one : given_up) {
        drop(one.lease, {"taken_over", "its owner asks for the address in other words"});
    }
    auto claim = own ? take_over(asking, own) : bind_new(asking, 0);
    if (claim) {
        claim->displaced.insert(claim->displaced.end(), given_up.begin(), given_up.end());
    } else if (ended != nullptr) {
        *ended = std::move(given_up);
    }
    return claim;
}

tl::expected<Leases::Claim, Refusal> Leases::claim_any(const Asking& asking) {
    const Claimant& who = asking.who;
    std::size_t earlier = 0;
    for (const LeasePtr& lease : leases_) {
        const Lease::Terms& terms = lease->terms();
        if (terms.requested_port != 0 || terms.owner != who.owner || lease->label_ != who.label ||
            terms.requested != asking.wish.address || terms.hosts != asking.wanted.hosts) {
            continue;
        }
        const bool silent =
            std::find(who.silent.begin(), who.silent.end(), lease->holder_) != who.silent.end();
        if (lease->held_until_s_ == 0 && !silent) {
            ++earlier;
            continue;
        }
        if (auto claim = take_over(asking, lease)) {
            return claim;
        }
    }
    return bind_new(asking, seed_of(who.owner, who.label, asking.wish.address, earlier));
}

// The oldest owner of a name says who may have it too. One who has it already needs nobody.
bool Leases::is_shared(const std::vector<LeasePtr>& found, const IsAmong& is_among) {
    return !found.empty() && found.front()->name_rules_.share != ssh::Audience{} &&
           is_among(found.front()->terms().owner, found.front()->name_rules_.share);
}

tl::expected<Leases::Claim, Refusal> Leases::claim_name(const Asking& asking) {
    if (!reserved_.empty() && ssh::lower_case(asking.wish.address) == reserved_) {
        return tl::unexpected(servers_own_name(asking.wish.address));
    }
    const Claimant& who = asking.who;
    const auto found = in_the_way(asking.wish.address);
    const bool shared = is_shared(found, who.is_among);
    const LeasePtr same = own_of(found, who, shared, [&](const Lease::Terms& terms) {
        return terms.port == asking.wish.port;
    });
    if (same == nullptr) {
        if (auto why = shared ? std::nullopt : anothers(found, who.owner)) {
            return tl::unexpected(std::move(*why));
        }
        return add(asking, {{}, static_cast<std::uint16_t>(asking.wish.port), false, {}});
    }
    if (same->holder_ == who.holder) {
        return tl::unexpected(in_use(*same, "this session"));
    }
    return take_over(asking, same);
}

tl::expected<Leases::Claim, Refusal> Leases::take_over(const Asking& asking,
                                                       const LeasePtr& lease) {
    if (asking.who.full && lease->held_until_s_ != 0) {
        return tl::unexpected(*asking.who.full);
    }
    // What took its place may have gone by now.
    if (lease->sockets_.empty() && lease->kind() == LeaseKind::tcp) {
        auto bound = bind_forward(asking.wanted, lease->terms().port, asking.pool, 0, {});
        if (!bound) {
            return tl::unexpected(bound.error());
        }
        lease->sockets_ = std::move(bound->sockets);
    }
    const LeaseHolder former = lease->holder_;
    const std::string former_client = lease->client_;
    const bool was_held = lease->held_until_s_ != 0;
    auto claim = give(lease, asking.who.holder);
    if (claim) {
        ++revision_;
        put_claimant(*lease, asking);
        pass_tls_of(*lease, false);
        lease->error_.clear();
        hold_until(*lease, 0);
        claim->displaced.push_back({lease, former});
        claim->again = true;
        claim->rules = lease->rules_said_;
        if (was_held) {
            tell(conf::EventKind::up, *lease);
        } else {
            const Refusal why{"taken_over", "taken over by a newer session of the same key"};
            tell(conf::EventKind::taken, *lease, &why, former_client);
            claim->taken_from = former_client;
        }
    }
    return claim;
}

tl::expected<Leases::Claim, Refusal> Leases::bind_new(const Asking& asking, std::uint32_t seed) {
    if (asking.who.full) {
        return tl::unexpected(*asking.who.full);
    }
    auto bound =
        bind_forward(asking.wanted, asking.wish.port, asking.pool, seed,
                     [&](std::uint16_t port) { return !in_the_way(asking.wanted, port).empty(); });
    if (!bound) {
        return tl::unexpected(bound.error());
    }
    return add(asking, std::move(*bound));
}

tl::expected<Leases::Claim, Refusal> Leases::add(const Asking& asking, Bound bound) {
    if (asking.who.full) {
        return tl::unexpected(*asking.who.full);
    }
    const bool is_http = asking.http != nullptr;
    auto lease = std::make_shared<Lease>(
        Lease::Terms{new_id(), asking.who.owner, without_credentials(asking.wish.address),
                     static_cast<std::uint16_t>(asking.wish.port), bound.port, asking.wanted.hosts,
                     std::move(bound.note), asking.kind, is_http ? asking.http->host : "",
                     is_http ? asking.http->path : ""});
    put_claimant(*lease, asking);
    lease->sockets_ = std::move(bound.sockets);
    auto claim = give(lease, asking.who.holder);
    if (claim) {
        keep(lease);
        tell(conf::EventKind::up, *lease);
    }
    return claim;
}

void Leases::put_claimant(Lease& lease, const Asking& asking) {
    lease.label_ = asking.who.label;
    lease.name_rules_ = asking.who.name_rules;
    lease.client_ = asking.who.address;
    lease.since_s_ = wall_clock_s();
    lease.asked_port_ = static_cast<std::uint16_t>(asking.wish.port);
    lease.aside_until_ms_ = 0;
}

std::atomic<Leases::Counts::Kind>& Leases::count_of(const Lease& lease) {
    return lease.kind() == LeaseKind::tcp    ? port_count_
           : lease.kind() == LeaseKind::name ? name_count_
                                             : http_count_;
}

// Open and held change in one store: whoever reads them finds each lease once.
void Leases::hold_until(Lease& lease, std::int64_t until_s) {
    Counts::Kind now = count_of(lease).load();
    --(lease.held_until_s_ != 0 ? now.held : now.open);
    ++(until_s != 0 ? now.held : now.open);
    lease.held_until_s_ = until_s;
    count_of(lease).store(now);
}

void Leases::keep(const LeasePtr& lease) {
    ++revision_;
    leases_.push_back(lease);
    count(count_of(*lease), lease->held_until_s_ != 0, 1);
    switch (lease->kind()) {
        case LeaseKind::tcp:
            by_port_.emplace(lease->terms().port, lease);
            break;
        case LeaseKind::name:
            by_name_.emplace(ssh::lower_case(lease->terms().requested), lease);
            break;
        case LeaseKind::http:
            keep_http(lease);
            break;
    }
}

tl::expected<Leases::Claim, Refusal> Leases::give(const LeasePtr& lease, LeaseHolder to) {
    auto sockets = duplicates(lease->sockets_);
    if (!sockets) {
        return tl::unexpected(
            Refusal{"bind_failed", lease->address_text() + ": " + std::strerror(-sockets.error())});
    }
    http_revision_ += lease->kind() == LeaseKind::http ? 1 : 0;
    lease->holder_ = to;
    const std::uint64_t turn = lease->turn_.load(std::memory_order_relaxed) + 1;
    lease->turn_.store(turn, std::memory_order_release);
    return Claim{lease, turn, std::move(*sockets), {}, 0, false};
}

std::optional<Leases::Claim> Leases::hold(const LeasePtr& lease, std::uint64_t turn, LeaseHolder by,
                                          std::int64_t until_s, const Refusal& why) {
    const Lock guard(lock_);
    if (!lease->held_since(turn)) {
        return std::nullopt;
    }
    auto claim = give(lease, by);
    if (!claim) {
        drop(lease, claim.error());
        return std::nullopt;
    }
    ++revision_;
    hold_until(*lease, until_s);
    lease->since_s_ = wall_clock_s();
    put_error(*lease, why);
    tell(conf::EventKind::held, *lease, &why);
    claim->until_s = until_s;
    return std::move(*claim);
}

void Leases::put_error(Lease& lease, const Refusal& error) {
    constexpr std::size_t kErrorBytesMax = 200;  // a client has a say in it
    lease.error_ =
        std::string(std::string_view(error.code)) + ": " + error.sentence.substr(0, kErrorBytesMax);
    lease.error_s_ = wall_clock_s();
}

bool Leases::note_error(const LeasePtr& lease, const Refusal& error) {
    const Lock guard(lock_);
    const std::string before = lease->error_;
    const std::int64_t before_s = lease->error_s_;
    put_error(*lease, error);
    return lease->error_ != before || lease->error_s_ != before_s;
}

bool Leases::end(const LeasePtr& lease, std::uint64_t turn, const Refusal& why) {
    const Lock guard(lock_);
    if (!lease->held_since(turn)) {
        return false;
    }
    drop(lease, why);
    return true;
}

void Leases::unbind(const LeasePtr& lease) {
    const Lock guard(lock_);
    close_sockets(*lease);
}

// Whoever accepts from a duplicate holds the port with it. Shut down, the socket gives it up now:
// the next wish for it, which may be here already, finds it free.
void Leases::close_sockets(Lease& lease) {
    for (const uring::Fd& socket : lease.sockets_) {
        shutdown(socket.get(), SHUT_RD);
    }
    lease.sockets_.clear();
}

void Leases::drop(const LeasePtr& lease, const Refusal& why) {
    tell(conf::EventKind::down, *lease, &why);
    ++revision_;
    close_sockets(*lease);
    lease->holder_ = {};
    lease->ended_ = true;
    lease->turn_.fetch_add(1, std::memory_order_release);
    leases_.remove(lease);
    count(count_of(*lease), lease->held_until_s_ != 0, -1);
    const auto forget = [&lease](auto& index, const auto& key) {
        const auto [first, last] = index.equal_range(key);
        index.erase(std::find_if(first, last, [&](const auto& at) { return at.second == lease; }));
    };
    switch (lease->kind()) {
        case LeaseKind::tcp:
            forget(by_port_, lease->terms().port);
            break;
        case LeaseKind::name:
            forget(by_name_, ssh::lower_case(lease->terms().requested));
            break;
        case LeaseKind::http:
            forget_http(lease);
            break;
    }
}

Leases::Claim Leases::restore(const LeaseRecord& record, LeaseHolder by,
                              std::vector<uring::Fd> sockets) {
    auto lease = std::make_shared<Lease>(
        Lease::Terms{record.id, record.owner, record.requested, record.requested_port, record.port,
                     record.hosts, record.note, record.kind(), record.host, record.path});
    lease->label_ = record.label;
    lease->asked_port_ = record.requested_port;
    lease->sockets_ = std::move(sockets);
    lease->held_until_s_ = record.held_until_s;
    lease->since_s_ = wall_clock_s();
    lease->rules_said_ = rules_of(record);
    lease->name_rules_ = {ssh::Audience::parse(record.reach).value_or(ssh::Audience{}),
                          ssh::Audience::parse(record.share).value_or(ssh::Audience{})};
    const Lock guard(lock_);
    if (lease->sockets_.empty() && lease->kind() == LeaseKind::tcp) {
        if (auto bound = bind_forward({record.hosts, false, {}}, record.port, {}, 0, {})) {
            lease->sockets_ = std::move(bound->sockets);
        }
    }
    keep(lease);
    auto claim = give(lease, by);
    if (!claim) {
        lease->holder_ = by;
        claim = Claim{lease, lease->turn_.load(std::memory_order_relaxed), {}, {}, 0, false};
    }
    claim->until_s = record.held_until_s;
    return std::move(*claim);
}

std::vector<LeasePtr> Leases::in_the_way(const Wanted& wanted, std::uint16_t port) const {
    std::vector<LeasePtr> found;
    const auto [first, last] = by_port_.equal_range(port);
    for (auto at = first; at != last; ++at) {
        if (overlap(at->second->terms().hosts, wanted.hosts)) {
            found.push_back(at->second);
        }
    }
    return found;
}

std::vector<LeasePtr> Leases::in_the_way(const std::string& name) const {
    std::vector<LeasePtr> found;
    const auto [first, last] = by_name_.equal_range(ssh::lower_case(name));
    std::transform(first, last, std::back_inserter(found),
                   [](const auto& at) { return at.second; });
    return found;
}

std::optional<Refusal> Leases::why_anothers(const std::string& owner, const std::string& label,
                                            const IsAmong& is_among, const ssh::ForwardWish& wish,
                                            const conf::Forward& rules,
                                            const HttpName* http) const {
    const Lock guard(lock_);
    if (http != nullptr) {
        const auto host = host_for(owner, label, is_among, *http);
        return host ? std::nullopt : std::optional(host.error());
    }
    if (is_name(wish.address)) {
        const auto found = in_the_way(wish.address);
        return is_shared(found, is_among) ? std::nullopt : anothers(found, owner);
    }
    const auto wanted = addresses_for(wish.address, rules.bind);
    if (!wanted || wish.port == 0 || wish.port > 65'535U) {
        return std::nullopt;
    }
    return anothers(in_the_way(*wanted, static_cast<std::uint16_t>(wish.port)), owner);
}

std::optional<LeaseHolder> Leases::holder_of(const LeasePtr& lease) const {
    const Lock guard(lock_);
    return lease->ended_ ? std::nullopt : std::optional(lease->holder_);
}

LeasePtr Leases::find_name(const std::string& name, std::uint16_t port, const IsAmong& may_reach) {
    const Lock guard(lock_);
    LeasePtr next;
    const auto comes_before = [](const Lease& one, const Lease& other) {
        const bool held = one.held_until_s_ != 0;
        return held == (other.held_until_s_ != 0) ? one.last_turn_ < other.last_turn_ : !held;
    };
    for (const LeasePtr& lease : in_the_way(name)) {
        if (lease->terms().port == port &&
            may_reach(lease->terms().owner, lease->name_rules_.reach) &&
            (next == nullptr || comes_before(*lease, *next))) {
            next = lease;
        }
    }
    if (next) {
        next->last_turn_ = ++last_turn_;
    }
    return next;
}

std::vector<LeaseHolder> Leases::siblings(const Claimant& who) const {
    const Lock guard(lock_);
    std::vector<LeaseHolder> found;
    for (const LeasePtr& lease : leases_) {
        const Lease::Terms& terms = lease->terms();
        if (terms.requested_port == 0 && terms.owner == who.owner && lease->label_ == who.label &&
            lease->held_until_s_ == 0 && !(lease->holder_ == who.holder) &&
            found.size() < kSiblingsMax &&
            std::find(found.begin(), found.end(), lease->holder_) == found.end()) {
            found.push_back(lease->holder_);
        }
    }
    return found;
}

std::string Leases::label_of(const LeasePtr& lease) const {
    const Lock guard(lock_);
    return lease->label_;
}

std::vector<uring::Fd> Leases::sockets_of(const std::string& id) const {
    const Lock guard(lock_);
    const auto found = std::find_if(leases_.begin(), leases_.end(),
                                    [&](const LeasePtr& lease) { return lease->terms().id == id; });
    if (found == leases_.end()) {
        return {};
    }
    return duplicates((*found)->sockets_).value_or(std::vector<uring::Fd>());
}

std::vector<Leases::Displaced> Leases::reserve(const std::string& name) {
    const Lock guard(lock_);
    reserved_ = name;
    const Refusal why{"kicked", servers_own_name(name).sentence};
    std::vector<Displaced> displaced;
    for (const LeasePtr& lease : name.empty() ? std::vector<LeasePtr>() : in_the_way(name)) {
        displaced.push_back({lease, lease->holder_});
        drop(lease, why);
    }
    return displaced;
}

void Leases::say_rules(const LeaseHolder& holder, const TunnelRulesPtr& rules) {
    const Lock guard(lock_);
    for (const LeasePtr& lease : leases_) {
        if (lease->holder_ == holder && lease->rules_said_ != rules) {
            ++revision_;
            lease->rules_said_ = rules;
        }
    }
}

void Leases::set_name_rules(const LeaseHolder& holder, const NameRules& rules) {
    const Lock guard(lock_);
    for (const LeasePtr& lease : leases_) {
        if (lease->holder_ == holder && lease->kind() != LeaseKind::tcp &&
            lease->name_rules_ != rules) {
            ++revision_;
            lease->name_rules_ = rules;
        }
    }
}

}  // namespace portreeve::daemon
