#include "daemon/domain_proofs.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <string_view>
#include <vector>

#include "conf/values.h"
#include "uring/timer.h"

namespace portreeve::daemon {
namespace {

using Kind = DomainProofs::Verdict::Kind;

constexpr std::string_view kOurs = "_portreeve.";
constexpr std::string_view kSish = "_sish.";
constexpr std::size_t kNameBytesMax = 253;

// Base64 may end with "=", which ssh-keygen does not print.
std::string_view unpadded(std::string_view fingerprint) {
    return fingerprint.substr(0, fingerprint.find_last_not_of('=') + 1);
}

bool has_word(std::string_view record, std::string_view fingerprint) {
    constexpr std::string_view kBetween = " ,\t";
    while (!record.empty()) {
        const auto end = std::min(record.find_first_of(kBetween), record.size());
        if (unpadded(record.substr(0, end)) == fingerprint) {
            return true;
        }
        record.remove_prefix(std::min(end + 1, record.size()));
    }
    return false;
}

bool proves(const dns::TxtAnswer& ours, std::string_view fingerprint) {
    return ours && std::any_of(ours->records.begin(), ours->records.end(),
                               [&](const auto& text) { return has_word(text, fingerprint); });
}

bool proves_to_sish(const dns::TxtAnswer& sish, std::string_view fingerprint) {
    return sish && std::find(sish->records.begin(), sish->records.end(), fingerprint) !=
                       sish->records.end();
}

bool is_known(const dns::TxtAnswer& answer) {
    return answer || answer.error().denies();
}

// "_portreeve.blog.example.org. has no TXT record"
std::string found_there(const dns::TxtAnswer& ours, const std::string& name) {
    if (!ours) {
        return name + " has no TXT record";
    }
    const auto more = ours->records.size() - 1;
    return name + " TXT is " + conf::in_quotes(ours->records.front()) +
           (more > 0 ? " and " + std::to_string(more) + " more" : "");
}

std::string cannot_tell(const std::string& domain, const std::string& why) {
    return "whether " + domain + " belongs to this key cannot be told: " + why;
}

std::string why_not(const dns::TxtAnswer& ours, const std::string& domain,
                    const std::string& fingerprint) {
    const std::string name = std::string(kOurs) + domain + ".";
    return domain + " is not proven to belong to this key: " + found_there(ours, name) +
           "; it needs the record: " + name + " TXT \"" + fingerprint + "\"";
}

}  // namespace

// What is known of one pair, and how it is asked about.
struct DomainProofs::Entry {
    Entry(DomainProofs& of, const Pair& which) : proofs(of), pair(which) {}

    void look_up();
    void on_ours(dns::TxtAnswer answer) {
        ours = std::move(answer);
        look_at();
    }
    void on_sish(dns::TxtAnswer answer) {
        sish = std::move(answer);
        look_at();
    }
    void look_at();
    [[nodiscard]] Verdict judge();
    void learn(const Verdict& verdict);
    void deny(const Verdict& verdict);
    void keep(Verdict verdict, std::int64_t for_ms);
    void recheck() { look_up(); }
    void start();
    [[nodiscard]] bool asking() const {
        return queued || from_ours.running() || from_sish.running();
    }
    [[nodiscard]] bool may_go() const { return users == 0 && !asking(); }

    DomainProofs& proofs;
    const Pair pair;
    Verdict known;  // until `known_until_ms`
    std::int64_t known_until_ms = 0;
    std::uint32_t ttl_s = 0;  // of the records that prove it
    std::size_t users = 0;
    bool queued = false;
    bool stands = false;  // proven, and not denied twice since; of one in use
    int denials = 0;      // in a row
    std::vector<Answer> waiting;
    std::optional<dns::TxtAnswer> ours;
    std::optional<dns::TxtAnswer> sish;
    std::optional<std::list<Entry*>::iterator> spare_at;
    dns::Lookup from_ours = dns::Lookup::to<&Entry::on_ours>(this, proofs.source_);
    dns::Lookup from_sish = dns::Lookup::to<&Entry::on_sish>(this, proofs.source_);
    uring::Timer timer = uring::Timer::to<&Entry::recheck>(this, proofs.ring_.timers());
};

void DomainProofs::Entry::look_up() {
    if (asking()) {
        return;
    }
    timer.stop();
    queued = true;
    proofs.queued_.push_back(this);
    proofs.touch(*this);
    proofs.look_up_next();
}

void DomainProofs::Entry::start() {
    queued = false;
    ours.reset();
    sish.reset();
    from_ours.start(std::string(kOurs) + pair.first);
    from_sish.start(std::string(kSish) + pair.first);
}

// One that proves it is enough; for anything else both have to be there.
void DomainProofs::Entry::look_at() {
    if ((!ours || !sish) && !(ours && proves(*ours, pair.second)) &&
        !(sish && proves_to_sish(*sish, pair.second))) {
        return;
    }
    from_ours.stop();
    from_sish.stop();
    --proofs.asking_;
    proofs.look_up_next();
    Verdict verdict = judge();
    learn(verdict);
    if (verdict.kind == Kind::not_asked && users > 0 && stands && denials == 0) {
        verdict = {Kind::proven, {}};
    }
    proofs.waiting_ -= waiting.size();
    for (Answer& answer : std::exchange(waiting, {})) {
        proofs.say_later(std::move(answer), verdict);
    }
    proofs.touch(*this);
}

DomainProofs::Verdict DomainProofs::Entry::judge() {
    for (const auto* answer : {&ours, &sish}) {
        const bool proven = *answer && (answer == &ours ? proves(**answer, pair.second)
                                                        : proves_to_sish(**answer, pair.second));
        if (proven) {
            ttl_s = (**answer)->ttl_s;
            return {Kind::proven, {}};
        }
    }
    for (const auto* answer : {&ours, &sish}) {
        if (!is_known(**answer)) {
            return {Kind::not_asked, cannot_tell(pair.first, (*answer)->error().sentence)};
        }
    }
    return {Kind::not_proven, why_not(*ours, pair.first, pair.second)};
}

void DomainProofs::Entry::learn(const Verdict& verdict) {
    switch (verdict.kind) {
        case Kind::proven:
            denials = 0;
            stands = true;
            keep(verdict, std::clamp(std::int64_t{ttl_s} * 1000, kProvenMsMin, kProvenMsMax));
            break;
        case Kind::not_proven:
            deny(verdict);
            break;
        case Kind::not_asked:  // nothing was learnt
            if (users > 0 && stands) {
                timer.start_at(proofs.ring_.now_ms() + kRefusedMs);
            }
            break;
    }
}

void DomainProofs::Entry::deny(const Verdict& verdict) {
    const bool lost = users > 0 && stands && ++denials >= 2;
    stands = stands && users > 0 && !lost;
    keep(verdict, kRefusedMs);
    if (lost) {
        proofs.lose_later(pair, verdict.sentence);
    }
}

void DomainProofs::Entry::keep(Verdict verdict, std::int64_t for_ms) {
    known = std::move(verdict);
    known_until_ms = proofs.ring_.now_ms() + for_ms;
    if (users > 0 && stands) {
        timer.start_at(known_until_ms);
    }
}

DomainProofs::DomainProofs(uring::Ring& ring, dns::TxtSource& source, Events& events)
    : ring_(ring), source_(source), events_(events) {
}

DomainProofs::~DomainProofs() = default;

DomainProofs::Pair DomainProofs::pair_of(const std::string& domain,
                                         const std::string& fingerprint) {
    auto name =
        conf::parse_domain(domain.substr(0, domain.size() - (domain.ends_with('.') ? 1 : 0)));
    return {name ? std::move(*name) : std::string(), std::string(unpadded(fingerprint))};
}

void DomainProofs::ask(const std::string& domain, const std::string& fingerprint, Answer answer) {
    const Pair pair = pair_of(domain, fingerprint);
    if (pair.first.empty() || kOurs.size() + pair.first.size() > kNameBytesMax) {
        say_later(std::move(answer), {Kind::not_proven, conf::in_quotes(domain) +
                                                            " is no domain that could be proven"});
        return;
    }
    if (!pair.second.starts_with("SHA256:")) {
        say_later(std::move(answer),
                  {Kind::not_proven, pair.first + " can be proven to belong to a key only"});
        return;
    }
    Entry* entry = find(pair);
    if (entry != nullptr && !entry->asking() && ring_.now_ms() < entry->known_until_ms) {
        say_later(std::move(answer), entry->known);
        return;
    }
    if (waiting_ >= kWaitingMax || asked_by(pair.second) >= kAskedByOneMax ||
        (entry == nullptr && (entry = make(pair)) == nullptr)) {
        say_later(
            std::move(answer),
            {Kind::not_asked, cannot_tell(pair.first, "too many domains are asked about at once")});
        return;
    }
    ++waiting_;
    entry->waiting.push_back(std::move(answer));
    entry->look_up();
}

void DomainProofs::use(const std::string& domain, const std::string& fingerprint) {
    const Pair pair = pair_of(domain, fingerprint);
    Entry* entry = find(pair);
    if (entry == nullptr) {  // it had to go since it was proven
        entry = make(pair);
    }
    if (entry == nullptr) {
        return;
    }
    if (entry->users++ == 0) {
        entry->stands = true;
        entry->timer.start_at(std::max(entry->known_until_ms, ring_.now_ms()));
    }
    touch(*entry);
}

void DomainProofs::leave(const std::string& domain, const std::string& fingerprint) {
    Entry* entry = find(pair_of(domain, fingerprint));
    if (entry == nullptr || entry->users == 0) {
        return;
    }
    if (--entry->users == 0) {
        entry->timer.stop();
    }
    touch(*entry);
}

DomainProofs::Entry* DomainProofs::find(const Pair& pair) {
    const auto found = entries_.find(pair);
    return found == entries_.end() ? nullptr : found->second.get();
}

// Nothing where all are needed.
DomainProofs::Entry* DomainProofs::make(const Pair& pair) {
    if (entries_.size() >= kEntriesMax) {
        if (spare_.empty()) {
            return nullptr;
        }
        const Pair oldest = spare_.front()->pair;
        spare_.pop_front();
        entries_.erase(oldest);
    }
    Entry& made = *entries_.emplace(pair, std::make_unique<Entry>(*this, pair)).first->second;
    touch(made);
    return &made;
}

// Something about it has changed: it comes last among those that may go, or is none of them.
void DomainProofs::touch(Entry& entry) {
    if (entry.spare_at) {
        spare_.erase(*entry.spare_at);
        entry.spare_at.reset();
    }
    if (entry.may_go()) {
        entry.spare_at = spare_.insert(spare_.end(), &entry);
    }
}

void DomainProofs::look_up_next() {
    while (asking_ < kAskingMax && !queued_.empty()) {
        Entry* const next = queued_.front();
        queued_.pop_front();
        ++asking_;
        next->start();
    }
}

// Questions that wait for an answer; those in use are asked about again whatever it says.
std::size_t DomainProofs::asked_by(const std::string& fingerprint) const {
    return std::accumulate(
        entries_.begin(), entries_.end(), std::size_t{0}, [&](std::size_t sum, const auto& one) {
            return sum + (one.first.second == fingerprint ? one.second->waiting.size() : 0);
        });
}

void DomainProofs::say_later(Answer answer, Verdict verdict) {
    later_.emplace_back(
        [answer = std::move(answer), verdict = std::move(verdict)] { answer(verdict); });
    ring_.post(say_);
}

void DomainProofs::lose_later(const Pair& pair, const std::string& why) {
    later_.emplace_back([this, pair, why] {
        const Entry* entry = find(pair);
        if (entry != nullptr && entry->users > 0) {
            events_.on_proof_lost(pair.first, pair.second, why);
        }
    });
    ring_.post(say_);
}

void DomainProofs::say() {
    for (const auto& call : std::exchange(later_, {})) {
        call();
    }
}

}  // namespace portreeve::daemon
