// A question for the TXT records of a name and what becomes of it, apart from who answers: the
// Resolver in the daemon, whatever suits in a test.
//
// A Lookup lives in whoever asks, like a uring::Timer: it never moves, and its destructor forgets
// the question. Each question is answered once, in a turn after the call that asked it, unless it
// is forgotten before.
//
// Called by: the thread of the source; a callback may ask anew, and may destroy its Lookup.
// Bounds: one question at a time for each Lookup; an answer is as large as a DNS message can be, 64
// KiB.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

namespace portreeve::dns {

struct Txt {
    std::vector<std::string> records;  // the strings of one record are joined
    std::uint32_t ttl_s = 0;           // the shortest among them, and the aliases on the way there
    bool operator==(const Txt&) const = default;
};

struct LookupError {
    enum class Kind {
        no_such_name,
        no_data,        // the name is there and has no TXT record
        no_answer,      // in the time that there is
        server_failed,  // none is there, or they say that they cannot, or what cannot be read
        not_asked,      // the name is none, or too many questions are open
    };
    Kind kind = Kind::not_asked;
    std::string sentence;

    // The name's owner says that there is none; all else may be different in a moment.
    [[nodiscard]] bool denies() const {
        return kind == Kind::no_such_name || kind == Kind::no_data;
    }
};

using TxtAnswer = tl::expected<Txt, LookupError>;

class Lookup;

class TxtSource {
  public:
    TxtSource() = default;
    TxtSource(const TxtSource&) = delete;
    TxtSource& operator=(const TxtSource&) = delete;
    virtual ~TxtSource() = default;

  private:
    friend class Lookup;
    virtual void ask(Lookup& lookup, const std::string& name) = 0;
    // Of one that was asked and is not answered.
    virtual void forget(Lookup& lookup) = 0;
};

class Lookup {
  public:
    // Lookup lookup_ = Lookup::to<&Owner::on_txt>(this, source);
    template <auto Method, class Owner>
    static Lookup to(Owner* owner, TxtSource& source) {
        return Lookup(source, owner, [](void* self, TxtAnswer answer) {
            (static_cast<Owner*>(self)->*Method)(std::move(answer));
        });
    }

    Lookup(const Lookup&) = delete;
    Lookup& operator=(const Lookup&) = delete;
    Lookup(Lookup&&) = delete;
    Lookup& operator=(Lookup&&) = delete;
    ~Lookup() { stop(); }

    // `name` is whole ("_portreeve.example.org", with or without a dot at its end): no domain is
    // tried behind it. Only while not running().
    void start(const std::string& name) {
        running_ = true;
        source_.ask(*this, name);
    }
    void stop() {
        if (running_) {
            running_ = false;
            source_.forget(*this);
        }
    }
    [[nodiscard]] bool running() const { return running_; }
    // By the source alone, as the last thing it does with this object.
    void answer(TxtAnswer answer) {
        running_ = false;
        callback_(owner_, std::move(answer));
    }

  private:
    using Callback = void (*)(void*, TxtAnswer);
    Lookup(TxtSource& source, void* owner, Callback callback)
        : source_(source), owner_(owner), callback_(callback) {}

    TxtSource& source_;
    void* owner_;
    Callback callback_;
    bool running_ = false;
};

}  // namespace portreeve::dns
