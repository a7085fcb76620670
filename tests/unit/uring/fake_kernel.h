// A kernel made of a seed: it takes the submissions of one Ring and completes them in random order,
// late, short, interrupted, or not as hoped, as the real one may but seldom does. Time is its own:
// a wait in which nothing can happen moves the clock.
//
// What the program must never do to a kernel is checked here and fails the test: closing a
// descriptor that an operation holds, changing bytes that are being sent, giving a buffer back
// twice, one operation submitted twice.
//
// Called by: one thread; several fakes may send messages to each other. Bounds: none, tests are
// small.
#pragma once

#include <sys/stat.h>

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/unit/uring/seeds.h"
#include "uring/fd.h"
#include "uring/kernel.h"

namespace portreeve::uring::test {

// Chances in per cent, and sizes.
struct Faults {
    unsigned late = 0;        // what could complete waits for another turn
    unsigned shorten = 0;     // receives and sends move less than they could
    unsigned interrupt = 0;   // -EINTR or -EAGAIN instead of a result
    unsigned no_buffers = 0;  // -ENOBUFS although there are buffers
    unsigned drop_more = 0;   // a multishot ends with a success
    unsigned odd_cancel = 0;  // -EALREADY; the operation ends later, its own way
    std::uint32_t submission_entries = 1024;
    std::uint32_t completion_entries = 16384;

    static Faults many() { return {30, 50, 10, 10, 30, 40, 1024, 16384}; }
};

// A socket: its bytes are in memory, and only its shutdown and its closing are real, by a
// socketpair whose other half tells the fake what the program did to its own.
class FakeSocket {
  public:
    FakeSocket();

    // The descriptor, for the code under test to own.
    [[nodiscard]] Fd take() { return std::move(ours_); }
    [[nodiscard]] int number() const { return number_; }

    std::string input;           // what the program will receive,
    bool input_ends = false;     // then the end,
    int broken = 0;              // or this -errno, for sends too
    std::string output;          // what it has sent,
    std::size_t room = 1 << 30;  // and how much more it may
    int arrivals = 0;            // of a listening socket
    std::deque<int> accept_errors;

    [[nodiscard]] bool output_ended() const;  // by shutdown of writing, of both, or close
    [[nodiscard]] bool shut_down() const;     // by shutdown of both, or close
    [[nodiscard]] bool closed() const;

  private:
    Fd ours_;
    Fd peer_;
    int number_;
    ino_t inode_;
};

class FakeKernel final : public Kernel {
  public:
    explicit FakeKernel(std::uint64_t seed, Faults faults = {});
    FakeKernel(const FakeKernel&) = delete;
    FakeKernel& operator=(const FakeKernel&) = delete;
    FakeKernel(FakeKernel&&) = delete;
    FakeKernel& operator=(FakeKernel&&) = delete;
    ~FakeKernel() override;

    int enable() override;
    io_uring_sqe* next_sqe() override;
    int submit() override;
    // -EDEADLK when told to wait for ever for nothing: the test has found a lost wake-up.
    int submit_and_wait(std::int64_t wait_ms) override;
    std::size_t reap(std::span<Cqe> out) override;
    [[nodiscard]] bool completions_overflowed() const override { return !overflow_.empty(); }
    int register_buffers(io_uring_buf_ring* ring, std::uint32_t entries,
                         std::uint16_t group) override;
    int unregister_buffers(std::uint16_t group) override;
    [[nodiscard]] int descriptor() const override { return descriptor_; }
    [[nodiscard]] std::int64_t now_ms() const override { return now_ms_; }

    [[nodiscard]] FakeSocket& socket();
    Faults faults;
    // What has been submitted, in order, by opcode and user_data; and what waits for an end.
    std::vector<std::pair<std::uint8_t, std::uint64_t>> submitted;
    [[nodiscard]] std::size_t pending() const { return pending_.size(); }
    // How many bytes the receive now in the kernel's hands asks for; 0 when there is none.
    [[nodiscard]] std::size_t asked(const FakeSocket& socket) const;
    [[nodiscard]] bool asks_poll_first(const FakeSocket& socket) const;
    // Completes it as given, whatever the operation is; false when there is none.
    bool complete(std::uint8_t opcode, std::int32_t res, std::uint32_t flags = 0);
    // The same, with a buffer that holds nothing or a result's bytes.
    bool complete_with_buffer(std::uint8_t opcode, std::int32_t res, std::uint16_t group);
    // Buffers that the program has and has not given back.
    [[nodiscard]] std::size_t buffers_lent(std::uint16_t group);
    [[nodiscard]] std::size_t buffers_free(std::uint16_t group);
    // How connects end, in the order they are tried: 0 or -errno; those beyond wait.
    std::deque<int> connect_results;
    // What a message to this ring or from it is refused with from now on; 0 for not at all.
    int refuse_messages = 0;
    void pass_ms(std::int64_t ms) { now_ms_ += ms; }

  private:
    struct Pending {
        std::string bytes;       // of a send, as they were when it was submitted
        bool cancelled = false;  // ends with -ECANCELED if it has no better end
        std::unique_ptr<const io_uring_sqe> sqe;
    };
    struct Answer {
        std::int32_t res = 0;
        std::uint32_t flags = 0;
    };
    struct Group {
        io_uring_buf_ring* ring = nullptr;
        std::uint32_t entries = 0;
        std::uint16_t head = 0;  // the next to hand out
        std::uint16_t seen = 0;  // up to here the program's returns were checked
        std::set<std::uint16_t> free;
    };

    [[nodiscard]] const io_uring_sqe* receive_of(const FakeSocket& socket) const;
    void take_in(const io_uring_sqe& sqe);
    void cancel(const io_uring_sqe& sqe);
    void send_message(const io_uring_sqe& sqe);
    // Completes what can be, in random order; `patiently` leaves some of it for later.
    void progress(bool patiently);
    std::optional<Answer> attempt(Pending& op);
    std::optional<Answer> receive(Pending& op, FakeSocket& socket);
    std::optional<Answer> send(Pending& op, FakeSocket& socket);
    std::optional<Answer> read(Pending& op, FakeSocket& socket);
    std::optional<Answer> accept(FakeSocket& socket);
    std::optional<Answer> poll(Pending& op);
    std::optional<Answer> connect(const Pending& op);
    void push(std::uint64_t user_data, Answer answer);
    void flush_overflow();
    void check_returns(Group& group);
    std::optional<io_uring_buf> pick_buffer(std::uint16_t number);
    [[nodiscard]] std::size_t shortened(std::size_t bytes);

    Dice dice_;
    int descriptor_;
    std::int64_t now_ms_;
    bool enabled_ = false;
    std::deque<io_uring_sqe> submission_;
    std::deque<Cqe> completion_;
    std::deque<Cqe> overflow_;
    std::vector<Pending> pending_;
    std::map<int, FakeSocket> sockets_;
    std::map<std::uint16_t, Group> groups_;
};

}  // namespace portreeve::uring::test
