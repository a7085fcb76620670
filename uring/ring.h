// The completion loop of one thread: operations go in, completions come out as calls to their Op.
//
// A turn is always the same: run posted tasks, submit and wait (for a completion, the next timer,
// or not at all), copy the completions out, call each Op, run due timers. No callback ever runs
// inside a submission, so an owner that submits is never re-entered.
//
// Owns: the Kernel, the timers, the posted tasks. Called by: its own thread only, except
// descriptor() and figures(). Bounds: a full submission queue is flushed, and what the kernel still
// cannot take is parked in order; parked entries are bounded by the number of Ops that exist.
#pragma once

#include <sys/socket.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>

#include "uring/counter.h"
#include "uring/kernel.h"
#include "uring/op.h"
#include "uring/socket.h"
#include "uring/task.h"
#include "uring/timer.h"

namespace portreeve::uring {

// Work for another ring: made by one thread, delivered and destroyed by the other.
class Message {
  public:
    Message() = default;
    Message(const Message&) = delete;
    Message& operator=(const Message&) = delete;
    Message(Message&&) = delete;
    Message& operator=(Message&&) = delete;
    virtual ~Message() = default;
    virtual void deliver() noexcept = 0;

  private:
    friend class Ring;
    // For another try when the target could not take it yet. Writing it is the sender's last
    // access, with release, and reading it the receiver's first, with acquire: the kernel orders
    // the hand-over anyway, but a race detector sees only this.
    std::atomic<int> target_{-1};
};

// make_message([fd = std::move(fd), &worker]() mutable { worker.adopt(std::move(fd)); })
template <class Function>
std::unique_ptr<Message> make_message(Function function) {
    class Call final : public Message {
      public:
        explicit Call(Function&& call) : call_(std::move(call)) {}
        void deliver() noexcept override { call_(); }

      private:
        Function call_;
    };
    return std::make_unique<Call>(std::move(function));
}

class Ring {
  public:
    static constexpr auto kTurnBounds =
        std::to_array<std::uint64_t>({0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024});
    // Any thread may read them.
    struct Figures {
        Counter turns;
        Counter completions;
        Counter parked;           // entries that had to wait for room in the queue
        Counter resent_messages;  // the target was full, or not enabled yet
        Counter overflows;        // turns that found more completions than the queue can hold
        Counter no_buffers;       // receives that found all buffers lent out
        Histogram<kTurnBounds> per_turn;  // completions
    };

    explicit Ring(std::unique_ptr<Kernel> kernel);
    Ring(const Ring&) = delete;
    Ring& operator=(const Ring&) = delete;
    Ring(Ring&&) = delete;
    Ring& operator=(Ring&&) = delete;
    ~Ring();

    // Makes this thread the ring's own. 0 or -errno.
    [[nodiscard]] int enable() { return kernel_->enable(); }
    // Turns until stop(). Returns 0, or -errno if the kernel refused to go on.
    int run();
    void stop() { stopping_ = true; }
    // One turn; waits only when `may_wait`. 0 or -errno.
    int turn(bool may_wait);

    // Operations. Each arms `op`; addresses passed must live until its terminal completion.
    void accept_each(Op& op, int listener);
    // `poll_first`: the socket is known to be empty, so do not try it before waiting.
    void receive(Op& op, int socket, std::uint16_t buffer_group, std::uint32_t bytes_max,
                 bool poll_first);
    void send(Op& op, int socket, std::span<const std::byte> bytes);
    void send_message(Op& op, int socket, const msghdr& message);
    void read(Op& op, int descriptor, std::span<std::byte> into);
    // Completes with 0 or -errno. Ended by cancel() alone: a shutdown would make the kernel begin
    // anew.
    void connect(Op& op, int socket, const Address& address);
    // Once: completes with the events that are there, or with -errno.
    void poll(Op& op, int descriptor, std::uint32_t events);
    // Asks for the end of `op`, armed or not; its own terminal completion is the only answer.
    void cancel(const Op& op);

    // Hands `message` to the ring whose descriptor() is `target`; it waits for one that is not
    // enabled yet, and is destroyed undelivered when that ring is gone. Messages arrive in order,
    // except that one which had to be sent again comes after others. While messages to a ring are
    // under way, its descriptor must not become another file's.
    void post(int target, std::unique_ptr<Message> message);
    void post(Task& task) { tasks_.post(task); }

    [[nodiscard]] int descriptor() const { return kernel_->descriptor(); }
    [[nodiscard]] Kernel& kernel() { return *kernel_; }
    [[nodiscard]] TimerHeap& timers() { return timers_; }
    // The time of this turn: read once, so that a batch sees one time.
    [[nodiscard]] std::int64_t now_ms() const { return now_ms_; }
    [[nodiscard]] const Figures& figures() const { return figures_; }
    void note_no_buffers() { figures_.no_buffers.add(1); }

  private:
    // What `user_data` holds besides an Op's address, told apart by the low bits (an Op is
    // aligned).
    enum Tag : std::uint64_t { kOp = 0, kDelivered = 1, kUndelivered = 2, kTagMask = 3 };
    static constexpr std::size_t kBatch = 256;

    io_uring_sqe& next_sqe();
    void submit_parked();
    void submit_message(int target, Message* message);
    static void free_message(std::uint64_t user_data);
    void dispatch(const Cqe& cqe);
    [[nodiscard]] std::int64_t wait_ms() const;

    std::unique_ptr<Kernel> kernel_;
    TimerHeap timers_;
    Task::List tasks_;
    std::deque<io_uring_sqe> parked_;
    std::array<Cqe, kBatch> batch_;
    Figures figures_;
    std::int64_t now_ms_;
    bool stopping_ = false;
};

}  // namespace portreeve::uring
