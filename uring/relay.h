// Two connected sockets joined: what one receives, the other sends, both ways at once, until both
// ends have said that nothing follows. For where the program need not see the bytes.
//
// Each way waits for its input with one POLL_ADD, then moves the bytes with splice(2): socket ->
// pipe -> socket, never blocking, until the input is empty or the output is full. Chosen by
// measuring; loopback, 2 cores, Linux 6.18, medians of 7 runs taken in turns (stream: two Stream,
// receive and send by the ring with a copy into slabs; op: the ring splices, IORING_OP_SPLICE,
// which runs on its worker threads):
//
//                                 stream     op splice   poll + splice(2)
//     bulk, 1 relay     MB/s        1301        1698         1373
//                       CPU-s/GB   0.600       0.433        0.351
//     bulk, 64 relays   MB/s         778        1711         1974
//                       CPU-s/GB   0.638       0.386        0.185
//     64-byte ping-pong p50 us      26.8        50.1         28.0
//                       CPU us      14.0        39.2         15.1
//
// Bytes that are not copied cost a half to a third of the CPU, and small ones lose nothing;
// splicing by the ring loses both ways to the hand-over to another thread. The default pipe of 64
// KiB is kept: with 256 KiB it was 0.315 and 0.182 CPU-s/GB, but an unprivileged user has pages for
// 256 such pipes only.
//
// Back-pressure: a way whose output is full does not read its input. Bounds: kPipeBytes and one
// pipe per way that has bytes in hand; an idle relay has none. A way gives others their turn after
// kRoundsMax. The program must ignore SIGPIPE: splice(2) has no MSG_NOSIGNAL.
//
// Ending is shutdown -> join -> close, as for a Stream. An error on either socket is passed on as a
// reset of both, so that nobody takes a cut for an end.
//
// Owns: both sockets. Called by: the ring's thread. Destroy it only after on_relay_joined().
#pragma once

#include <cstddef>
#include <vector>

#include "uring/fd.h"
#include "uring/ring.h"

namespace portreeve::uring {

struct Pipe {
    Fd out;  // read from this end
    Fd in;
};

// Empty pipes that were used before. At most kCachedMax are kept.
class PipePool {
  public:
    static constexpr std::size_t kCachedMax = 32;
    // 0 or -errno.
    [[nodiscard]] int take(Pipe& pipe);
    void give_back(Pipe pipe);
    [[nodiscard]] std::size_t cached() const { return cached_.size(); }

  private:
    std::vector<Pipe> cached_;
};

class Relay {
  public:
    class Events {
      public:
        Events() = default;
        Events(const Events&) = delete;
        Events& operator=(const Events&) = delete;
        virtual ~Events() = default;
        // Both sockets are closed. `error` is what cut the relay short, as -errno; 0 for none.
        virtual void on_relay_joined(Relay& relay, int error) = 0;
    };

    static constexpr std::size_t kPipeBytes = std::size_t{64} * 1024;
    static constexpr int kRoundsMax = 16;

    Relay(Ring& ring, PipePool& pipes, Fd left, Fd right, Events& events);
    Relay(const Relay&) = delete;
    Relay& operator=(const Relay&) = delete;
    Relay(Relay&&) = delete;
    Relay& operator=(Relay&&) = delete;
    ~Relay() = default;

    void open();
    // Drops what is on its way. With `reset`, both peers are told by RST that it was cut short.
    void close(bool reset = false);
    [[nodiscard]] bool closing() const { return closing_; }
    // Whether a way has bytes in hand.
    [[nodiscard]] bool holds_bytes() const;

  private:
    // One direction.
    class Way {
      public:
        Way(Relay& relay, const Fd& from, const Fd& to) : relay_(relay), from_(from), to_(to) {}
        void pump();
        [[nodiscard]] bool waiting() const { return ready_.armed(); }
        [[nodiscard]] bool ended() const { return ended_; }
        [[nodiscard]] bool holds_bytes() const { return held_bytes_ > 0; }
        void cancel() { relay_.ring_.cancel(ready_); }

      private:
        enum class Step { moved, waits, over };
        [[nodiscard]] Step pull();
        [[nodiscard]] Step push();
        [[nodiscard]] Step wait(const Fd& socket, std::uint32_t events);
        [[nodiscard]] Step fail(int error);
        void ready(Completion completion);

        Relay& relay_;
        const Fd& from_;
        const Fd& to_;
        Pipe pipe_;
        std::size_t held_bytes_ = 0;  // in the pipe
        bool input_ended_ = false;
        bool ended_ = false;  // … and the other side has been told
        Op ready_ = Op::to<&Way::ready>(this);
    };

    void way_ended();
    void cut(int error);
    void join_ways();
    void join();

    Ring& ring_;
    PipePool& pipes_;
    Events& events_;
    Fd left_;
    Fd right_;
    Way rightward_;
    Way leftward_;
    Task joined_ = Task::to<&Relay::join>(this);
    int error_ = 0;
    bool closing_ = false;
};

}  // namespace portreeve::uring
