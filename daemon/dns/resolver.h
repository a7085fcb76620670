// Asks DNS servers for TXT records without ever waiting for one: c-ares writes the questions, and
// its sockets and its clock are a ring's.
//
//   no channel -> ask() -> a channel of c-ares, while anything is asked -> the last answer -> none
//
// A channel lives for one burst of questions, so that the system's resolv.conf is read when it is
// needed and not only at start, no socket stays open, and the next burst has ports of its own.
//
// c-ares closes its sockets when it likes to; what is polled is a duplicate, closed by its Watch
// once the poll has joined.
//
// Owns: the channel, the polls of its sockets, the questions. Called by: one thread, on its ring;
// destroyed only when idle(), not inside a callback, and after all Lookups. Bounds: questions_max
// questions in c-ares, of which one that is forgotten counts until c-ares has done with it;
// total_ms for each; what c-ares opens for them, a UDP and a TCP socket for each server.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <string>

#include "daemon/dns/txt.h"
#include "uring/fd.h"
#include "uring/ring.h"
#include "uring/task.h"
#include "uring/timer.h"

struct ares_channeldata;

namespace portreeve::dns {

class Resolver final : public TxtSource {
  public:
    class Events {
      public:
        Events() = default;
        Events(const Events&) = delete;
        Events& operator=(const Events&) = delete;
        virtual ~Events() = default;
        // After close(), if it was not idle then.
        virtual void on_resolver_joined() = 0;
    };

    struct Limits {
        int try_ms = 2'000;  // for each server, the second time twice as long
        std::int64_t total_ms = 5'000;
        std::size_t questions_max = 256;
    };

    Resolver(uring::Ring& ring, Events& events) : Resolver(ring, events, Limits{}) {}
    Resolver(uring::Ring& ring, Events& events, Limits limits);
    Resolver(const Resolver&) = delete;
    Resolver& operator=(const Resolver&) = delete;
    Resolver(Resolver&&) = delete;
    Resolver& operator=(Resolver&&) = delete;
    ~Resolver() override;

    // From the next burst on: this one ("192.0.2.53:53", "[::1]:5353"); empty: the system's.
    void use_server(std::string server) { server_ = std::move(server); }
    // What is still asked is not answered, and neither is what is asked from now on.
    void close();
    [[nodiscard]] bool idle() const;

  private:
    struct Question;
    struct Watch;

    void ask(Lookup& lookup, const std::string& name) override;
    void forget(Lookup& lookup) override;
    [[nodiscard]] std::optional<std::string> open_channel();
    void send(Question& question);
    void end_channel();
    void note_socket(int socket, std::uint32_t events);
    void process(int readable, int writable);
    void clock_due();
    void tend();
    void settle();
    void deliver();

    uring::Ring& ring_;
    Events& events_;
    const Limits limits_;
    std::string server_;
    ares_channeldata* channel_ = nullptr;
    std::list<Question> questions_;
    std::list<Watch> watches_;
    bool closed_ = false;
    bool told_ = false;  // that it has joined
    uring::Timer clock_ = uring::Timer::to<&Resolver::clock_due>(this, ring_.timers());
    uring::Task settle_ = uring::Task::to<&Resolver::settle>(this);
};

}  // namespace portreeve::dns
