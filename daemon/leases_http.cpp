// Leases of http names: who may have which host, and where requests for it go.

#include <algorithm>
#include <utility>

#include "daemon/leases.h"

namespace portreeve::daemon {
namespace {

// Takes one end of the path off at a time, from all of it to nothing: "/a/b", "/a", "". False: that
// was it.
bool shorten(std::string_view& path) {
    if (path.empty()) {
        return false;
    }
    path = path.substr(0, path.rfind('/') == std::string_view::npos ? 0 : path.rfind('/'));
    return true;
}

std::string_view without_query(std::string_view path) {
    return path.substr(0, path.find('?'));
}

}  // namespace

const std::vector<LeasePtr>& Leases::at_host(std::string_view host) const {
    static const std::vector<LeasePtr> kNone;
    const auto found = by_host_.find(host);
    return found == by_host_.end() ? kNone : found->second.all;
}

tl::expected<std::string, Refusal> Leases::host_for(const std::string& owner,
                                                    const std::string& label,
                                                    const IsAmong& is_among,
                                                    const HttpName& name) const {
    std::vector<std::string> hosts{name.host};
    hosts.insert(hosts.end(), name.other_hosts.begin(), name.other_hosts.end());
    // Nobody's name changes because somebody left who had the better one.
    const auto own = std::find_if(hosts.begin(), hosts.end(), [&](const std::string& host) {
        const auto& all = at_host(host);
        return name.is_derived && std::any_of(all.begin(), all.end(), [&](const LeasePtr& lease) {
                   return lease->terms().owner == owner && lease->label_ == label;
               });
    });
    if (own != hosts.end()) {
        return *own;
    }
    std::optional<Refusal> why;
    for (std::string& host : hosts) {
        const auto& all = at_host(host);
        const bool shared = !name.is_derived && is_shared(all, is_among);
        auto anothers_now = shared ? std::nullopt : anothers(all, owner);
        if (!anothers_now) {
            return std::move(host);
        }
        why = why ? std::move(why) : std::move(anothers_now);
    }
    return tl::unexpected(std::move(*why));
}

tl::expected<Leases::Claim, Refusal> Leases::claim_http(const Asking& asking) {
    const Claimant& who = asking.who;
    const auto host = host_for(who.owner, who.label, who.is_among, *asking.http);
    if (!host) {
        return tl::unexpected(host.error());
    }
    HttpName name = *asking.http;
    name.host = *host;
    return claim_http_at({who, asking.wish, asking.wanted, asking.pool, asking.kind, &name});
}

tl::expected<Leases::Claim, Refusal> Leases::claim_http_at(const Asking& asking) {
    const Claimant& who = asking.who;
    const auto& all = at_host(asking.http->host);
    const bool shared = is_shared(all, who.is_among);
    const LeasePtr lease = own_of(all, who, shared, [&](const Lease::Terms& terms) {
        return terms.path == asking.http->path;
    });
    if (lease == nullptr) {
        return add(asking, {{}, static_cast<std::uint16_t>(asking.wish.port), false, {}});
    }
    if (lease->holder_ == who.holder) {
        return tl::unexpected(
            Refusal{"address_in_use", lease->address_text() +
                                          " is in use by this session; one forward serves both "
                                          "http and https"});
    }
    return take_over(asking, lease);
}

void Leases::keep_http(const LeasePtr& lease) {
    ++http_revision_;
    HttpHost& host = by_host_[lease->terms().host];
    host.all.push_back(lease);
    host.by_path[lease->terms().path].push_back(lease);
}

// By 1 or -1, where it changes.
void Leases::pass_tls_of(Lease& lease, bool pass) {
    if (lease.passes_tls_ != pass) {
        lease.passes_tls_ = pass;
        pass_tls_count_ += pass ? 1U : ~0U;
        ++http_revision_;
    }
}

void Leases::set_pass_tls(const LeaseHolder& holder, bool pass) {
    const Lock guard(lock_);
    for (const LeasePtr& lease : leases_) {
        if (lease->holder_ == holder && lease->kind() == LeaseKind::http) {
            pass_tls_of(*lease, pass);
        }
    }
}

void Leases::forget_http(const LeasePtr& lease) {
    ++http_revision_;
    pass_tls_of(*lease, false);
    const auto host = by_host_.find(lease->terms().host);
    const auto path = host->second.by_path.find(lease->terms().path);
    std::erase(host->second.all, lease);
    std::erase(path->second, lease);
    if (path->second.empty()) {
        host->second.by_path.erase(path);
    }
    if (host->second.all.empty()) {
        by_host_.erase(host);
    }
}

bool Leases::may_pass_tls(std::string_view host) const {
    if (!pass_tls()) {
        return false;
    }
    const Lock guard(lock_);
    const auto& all = at_host(host);
    return std::any_of(all.begin(), all.end(),
                       [](const LeasePtr& lease) { return lease->passes_tls_; });
}

std::optional<Leases::HttpPlace> Leases::find_http(std::string_view host, std::string_view path,
                                                   std::int64_t now_ms, const LeasePtr& chosen) {
    const Lock guard(lock_);
    const auto found = by_host_.find(host);
    if (found == by_host_.end()) {
        return std::nullopt;
    }
    const auto& by_path = found->second.by_path;
    // Longer ones nobody has: what is behind it ends at a "/", or in the middle of a word.
    std::string_view rest = without_query(path);
    rest = rest.substr(0, rest.find('/', std::min(rest.size(), kHttpPathBytesMax)));
    auto at = by_path.find(rest);
    while (at == by_path.end() && shorten(rest)) {
        at = by_path.find(rest);
    }
    if (at == by_path.end()) {
        return std::nullopt;
    }
    // The owner is here, and his target answers; the owner is here; and then whose turn it is.
    const auto rank = [now_ms, &chosen](const Lease& lease) {
        const bool held = lease.held_until_s_ != 0;
        return std::tuple(held, !held && lease.aside_until_ms_ > now_ms, &lease != chosen.get(),
                          lease.last_turn_);
    };
    const LeasePtr& next = *std::min_element(
        at->second.begin(), at->second.end(),
        [&](const LeasePtr& one, const LeasePtr& other) { return rank(*one) < rank(*other); });
    next->last_turn_ = ++last_turn_;
    return HttpPlace{next,
                     next->turn_.load(std::memory_order_relaxed),
                     next->holder_,
                     next->held_until_s_ != 0,
                     next->since_s_,
                     found->second.all.size() == 1 && next->terms().path.empty(),
                     by_path.size() > 1 || !next->terms().path.empty(),
                     next->passes_tls_};
}

void Leases::set_aside(const LeasePtr& lease, std::int64_t until_ms) {
    const Lock guard(lock_);
    if (std::exchange(lease->aside_until_ms_, until_ms) != until_ms) {
        ++http_revision_;
    }
}

std::set<std::pair<std::string, std::string>> Leases::http_hosts() const {
    const Lock guard(lock_);
    std::set<std::pair<std::string, std::string>> hosts;
    for (const auto& [host, leases] : by_host_) {
        for (const LeasePtr& lease : leases.all) {
            hosts.emplace(host, lease->terms().owner);
        }
    }
    return hosts;
}

std::string Leases::url_for(const Claimant& who, const HttpName& name) const {
    const Lock guard(lock_);
    const auto host = host_for(who.owner, who.label, who.is_among, name);
    return host ? urls_.text(*host, name.path) : std::string();
}

std::string Leases::url_of(const LeasePtr& lease) const {
    const Lock guard(lock_);
    return urls_.text(lease->terms().host, lease->terms().path);
}

void Leases::use_urls(HttpUrls urls) {
    const Lock guard(lock_);
    urls_ = std::move(urls);
}

}  // namespace portreeve::daemon
