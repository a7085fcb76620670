#include "daemon/dns/resolver.h"

#include <ares.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "daemon/dns/answer.h"

namespace portreeve::dns {

using Kind = LookupError::Kind;

// One question: of its asker, until it is answered or forgotten, and of c-ares, until that has done
// with it.
struct Resolver::Question {
    Question(Resolver& of, Lookup& by, const std::string& what)
        : resolver(of), lookup(&by), name(what) {}

    static void done(void* self, int status, int timeouts, unsigned char* bytes, int count);
    void answer_with(TxtAnswer what) {
        if (lookup != nullptr && !answer) {
            answer = std::move(what);
        }
        resolver.ring_.post(resolver.settle_);
    }
    void fail(Kind kind, std::string why) {
        answer_with(tl::unexpected(LookupError{kind, std::move(why)}));
    }
    void time_over() {
        fail(Kind::no_answer, "no DNS server answered for " + name + ". within " +
                                  std::to_string(resolver.limits_.total_ms) + " ms");
    }
    [[nodiscard]] bool over() const { return lookup == nullptr && !in_ares; }

    Resolver& resolver;
    Lookup* lookup;
    std::string name;
    std::optional<TxtAnswer> answer;
    bool in_ares = false;
    uring::Timer limit = uring::Timer::to<&Question::time_over>(this, resolver.ring_.timers());
};

// The poll of one of c-ares's sockets.
struct Resolver::Watch {
    Watch(Resolver& of, int number)
        : resolver(of), socket(number), duplicate(::fcntl(number, F_DUPFD_CLOEXEC, 0)) {}

    void ready(uring::Completion completion);
    void want(std::uint32_t events);
    void poll() {
        // Without a duplicate the question runs into its time limit.
        if (socket >= 0 && duplicate && wanted != 0 && !op.armed()) {
            polled = wanted;
            resolver.ring_.poll(op, duplicate.get(), wanted);
        }
    }
    [[nodiscard]] bool over() const { return socket < 0 && !op.armed(); }

    Resolver& resolver;
    int socket;  // c-ares's own number; -1: it has closed it
    uring::Fd duplicate;
    std::uint32_t wanted = 0;
    std::uint32_t polled = 0;
    uring::Op op = uring::Op::to<&Watch::ready>(this);
};

namespace {

bool is_asked_for(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
}

// c-ares reads a backslash, and what it cannot write it may cut off.
bool can_be_asked_for(const std::string& name) {
    return !name.empty() && std::all_of(name.begin(), name.end(), is_asked_for);
}

TxtAnswer why_not(int status, const std::string& name) {
    const auto error = [](Kind kind, std::string why) {
        return tl::unexpected(LookupError{kind, std::move(why)});
    };
    switch (status) {
        case ARES_ENOTFOUND:
            return error(Kind::no_such_name, name + ". does not exist");
        case ARES_ENODATA:
            return error(Kind::no_data, name + ". has no TXT record");
        case ARES_EBADNAME:
            return error(Kind::not_asked, "\"" + name + "\" is not a name that DNS can have");
        case ARES_ETIMEOUT:
            return error(Kind::no_answer, "no DNS server answered for " + name + ".");
        case ARES_ECONNREFUSED:  // and what remains when each of them says that it cannot
            return error(Kind::server_failed,
                         "DNS servers cannot be reached, or refuse to answer for " + name + ".");
        default:
            return error(Kind::server_failed, "the DNS server could not answer for " + name +
                                                  ".: " + ares_strerror(status));
    }
}

}  // namespace

void Resolver::Question::done(void* self, int status, int, unsigned char* bytes, int count) {
    auto& question = *static_cast<Question*>(self);
    question.in_ares = false;
    question.limit.stop();
    question.answer_with(status == ARES_SUCCESS ? read_txt({bytes, static_cast<std::size_t>(count)})
                                                : why_not(status, question.name));
}

void Resolver::Watch::want(std::uint32_t events) {
    wanted = events;
    if (events == 0) {
        socket = -1;
        resolver.ring_.post(resolver.settle_);
    }
    if (op.armed() && wanted != polled) {
        resolver.ring_.cancel(op);
    }
}

void Resolver::Watch::ready(uring::Completion completion) {
    resolver.ring_.post(resolver.settle_);
    if (socket < 0 || completion.res == -ECANCELED) {
        return;  // over, or polled anew by settle()
    }
    const auto events = completion.res < 0 ? wanted : static_cast<std::uint32_t>(completion.res);
    const bool broken = (events & (POLLERR | POLLHUP)) != 0;
    const int number = socket;
    resolver.process((events & POLLIN) != 0 || broken ? number : ARES_SOCKET_BAD,
                     (events & POLLOUT) != 0 ? number : ARES_SOCKET_BAD);
}

Resolver::Resolver(uring::Ring& ring, Events& events, Limits limits)
    : ring_(ring), events_(events), limits_(limits) {
    ares_library_init(ARES_LIB_INIT_ALL);
}

Resolver::~Resolver() {
    ares_library_cleanup();
}

bool Resolver::idle() const {
    return channel_ == nullptr && watches_.empty() && questions_.empty();
}

void Resolver::ask(Lookup& lookup, const std::string& name) {
    Question& question = questions_.emplace_back(*this, lookup, name);
    while (question.name.ends_with('.')) {
        question.name.pop_back();
    }
    if (closed_) {
        question.lookup = nullptr;
        ring_.post(settle_);
    } else if (!can_be_asked_for(question.name)) {
        question.fail(Kind::not_asked, "\"" + question.name + "\" is not a name to ask DNS for");
    } else if (std::count_if(questions_.begin(), questions_.end(), [](const Question& other) {
                   return other.in_ares;
               }) >= static_cast<std::ptrdiff_t>(limits_.questions_max)) {
        question.fail(Kind::not_asked, "too many questions to DNS are open already (" +
                                           std::to_string(limits_.questions_max) + ")");
    } else if (auto why = open_channel()) {
        question.fail(Kind::not_asked, std::move(*why));
    } else {
        send(question);
    }
}

void Resolver::send(Question& question) {
    question.in_ares = true;
    question.limit.start_at(ring_.now_ms() + limits_.total_ms);
    ares_query(channel_, question.name.c_str(), 1, 16, Question::done, &question);
    ring_.post(settle_);
}

void Resolver::forget(Lookup& lookup) {
    for (Question& question : questions_) {
        if (question.lookup == &lookup) {
            question.lookup = nullptr;
        }
    }
    ring_.post(settle_);
}

// A sentence that says why there is none.
std::optional<std::string> Resolver::open_channel() {
    if (channel_ != nullptr) {
        return std::nullopt;
    }
    ares_options options{};
    options.flags = ARES_FLAG_EDNS;
    options.ednspsz = 1232;  // what passes everywhere in one piece; beyond, c-ares takes to TCP
    options.timeout = limits_.try_ms;
    options.tries = 2;
    options.sock_state_cb_data = this;
    options.sock_state_cb = [](void* self, ares_socket_t socket, int readable, int writable) {
        static_cast<Resolver*>(self)->note_socket(
            socket, (readable != 0 ? POLLIN : 0U) | (writable != 0 ? POLLOUT : 0U));
    };
    int status = ares_init_options(&channel_, &options,
                                   ARES_OPT_FLAGS | ARES_OPT_EDNSPSZ | ARES_OPT_TIMEOUTMS |
                                       ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);
    if (status != ARES_SUCCESS) {
        channel_ = nullptr;
    } else if (!server_.empty()) {
        status = ares_set_servers_ports_csv(channel_, server_.c_str());
    }
    if (status == ARES_SUCCESS) {
        return std::nullopt;
    }
    end_channel();
    return "DNS cannot be asked" + (server_.empty() ? "" : " at " + server_) + ": " +
           ares_strerror(status);
}

// What c-ares still has is answered from inside of it.
void Resolver::end_channel() {
    if (auto* channel = std::exchange(channel_, nullptr)) {
        ares_destroy(channel);
    }
    clock_.stop();
}

void Resolver::note_socket(int socket, std::uint32_t events) {
    const auto found = std::find_if(watches_.begin(), watches_.end(),
                                    [&](const Watch& watch) { return watch.socket == socket; });
    if (found != watches_.end()) {
        found->want(events);
    } else if (events != 0) {
        watches_.emplace_back(*this, socket).want(events);
    }
}

void Resolver::process(int readable, int writable) {
    if (channel_ != nullptr) {
        ares_process_fd(channel_, readable, writable);
    }
}

void Resolver::clock_due() {
    process(ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    ring_.post(settle_);
}

// Polls what c-ares waits for, and wakes it when it wants to be.
void Resolver::tend() {
    for (Watch& watch : watches_) {
        watch.poll();
    }
    timeval left{};
    if (ares_timeout(channel_, nullptr, &left) != nullptr) {
        clock_.start_at(ring_.now_ms() + left.tv_sec * 1000 + left.tv_usec / 1000 + 1);
    } else {
        clock_.stop();
    }
}

// At the end of whatever happened: outside of c-ares and of every callback.
void Resolver::settle() {
    deliver();
    if (std::none_of(questions_.begin(), questions_.end(),
                     [](const Question& question) { return question.lookup != nullptr; })) {
        end_channel();
    }
    questions_.remove_if([](const Question& question) { return question.over(); });
    watches_.remove_if([](const Watch& watch) { return watch.over(); });
    if (channel_ != nullptr) {
        tend();
    }
    if (closed_ && idle() && !std::exchange(told_, true)) {
        events_.on_resolver_joined();
    }
}

// A callback may ask, which appends, and forget, which removes nothing yet. What it asks waits for
// another turn even where the answer is there.
void Resolver::deliver() {
    auto question = questions_.begin();
    for (auto left = questions_.size(); left > 0; --left, ++question) {
        if (question->lookup != nullptr && question->answer) {
            auto answer = std::move(*question->answer);
            question->answer.reset();
            question->limit.stop();
            std::exchange(question->lookup, nullptr)->answer(std::move(answer));
        }
    }
}

void Resolver::close() {
    closed_ = true;
    told_ = idle();
    for (Question& question : questions_) {
        question.lookup = nullptr;
    }
    ring_.post(settle_);
}

}  // namespace portreeve::dns
