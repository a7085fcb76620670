// Whether a domain belongs to a key: its owner says so in DNS, by a TXT record with the key's
// fingerprint.
//
//     _portreeve.blog.example.org.  TXT  "SHA256:…"           as a word among others, if need be
//     _sish.blog.example.org.       TXT  "SHA256:…"           alone, as sish wants it
//
//   ask() -> both names looked up -> proven, not proven: kept for a while; could not be asked: not
//   use() -> asked again whenever that is over, until leave()
//
// What is in use is lost only when DNS denies it twice in a row, kRefusedMs apart. Until then a
// server that fails changes nothing: it is asked again, and whoever asks meanwhile hears "proven".
//
// Owns: what is known, the questions. Called by: the main thread, on its ring; destroyed before the
// source, and what is asked then is not answered. Bounds: kEntriesMax pairs of domain and key, of
// which those that were looked up longest ago go first, and never one in use or being asked;
// kWaitingMax questions that wait, of one key kAskedByOneMax; two lookups for each of kAskingMax
// pairs at a time, and the others in turn.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "daemon/dns/txt.h"
#include "uring/ring.h"
#include "uring/task.h"

namespace portreeve::daemon {

class DomainProofs final {
  public:
    static constexpr std::int64_t kProvenMsMin = 60'000;  // the record's TTL in between
    static constexpr std::int64_t kProvenMsMax = 3'600'000;
    static constexpr std::int64_t kRefusedMs = 30'000;
    static constexpr std::size_t kEntriesMax = 4096;
    static constexpr std::size_t kWaitingMax = 1024;
    static constexpr std::size_t kAskedByOneMax = 256;
    static constexpr std::size_t kAskingMax = 100;

    struct Verdict {
        enum class Kind { proven, not_proven, not_asked };
        Kind kind = Kind::not_asked;
        std::string sentence;  // empty: proven; else which record is missing, or why nobody knows
    };
    using Answer = std::function<void(const Verdict& verdict)>;

    class Events {
      public:
        Events() = default;
        Events(const Events&) = delete;
        Events& operator=(const Events&) = delete;
        virtual ~Events() = default;
        // Of a pair in use, once; it is not looked up again until it is asked about.
        virtual void on_proof_lost(const std::string& domain, const std::string& fingerprint,
                                   const std::string& why) = 0;
    };

    DomainProofs(uring::Ring& ring, dns::TxtSource& source, Events& events);
    DomainProofs(const DomainProofs&) = delete;
    DomainProofs& operator=(const DomainProofs&) = delete;
    DomainProofs(DomainProofs&&) = delete;
    DomainProofs& operator=(DomainProofs&&) = delete;
    ~DomainProofs();

    // `answer` is called once, in a later turn. The fingerprint is the key's, "SHA256:…".
    void ask(const std::string& domain, const std::string& fingerprint, Answer answer);
    // A tunnel lives by this proof, from when it was proven on: as many leave() as use().
    void use(const std::string& domain, const std::string& fingerprint);
    void leave(const std::string& domain, const std::string& fingerprint);

    [[nodiscard]] std::size_t entries() const { return entries_.size(); }

  private:
    struct Entry;
    using Pair = std::pair<std::string, std::string>;  // domain, fingerprint

    static Pair pair_of(const std::string& domain, const std::string& fingerprint);
    void say_later(Answer answer, Verdict verdict);
    void lose_later(const Pair& pair, const std::string& why);
    void say();
    [[nodiscard]] Entry* find(const Pair& pair);
    [[nodiscard]] Entry* make(const Pair& pair);
    void touch(Entry& entry);
    void look_up_next();
    [[nodiscard]] std::size_t asked_by(const std::string& fingerprint) const;

    uring::Ring& ring_;
    dns::TxtSource& source_;
    Events& events_;
    std::map<Pair, std::unique_ptr<Entry>> entries_;
    std::list<Entry*> spare_;  // those that may go, the first one first
    std::size_t waiting_ = 0;
    std::size_t asking_ = 0;
    std::deque<Entry*> queued_;                // for their turn to be asked
    std::deque<std::function<void()>> later_;  // what is said when nothing is being changed
    uring::Task say_ = uring::Task::to<&DomainProofs::say>(this);
};

}  // namespace portreeve::daemon
