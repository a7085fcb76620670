// A connected socket on the ring: one receive and one send in flight at most, in that direction's
// order.
//
// Receiving is by credit: each receive() asks for one arrival of at most so many bytes, into a
// buffer that the kernel picks when data is there. Not asking is the back-pressure. Sending appends
// to a queue that goes out in one send at a time, submitted at the end of the batch of callbacks
// that filled it.
//
// Ending is always shutdown -> join -> close: close() shuts the socket down, the armed operations
// complete, then the descriptor is closed and on_stream_joined() is called, in a turn of its own;
// only after that may the Stream be destroyed.
//
// Owns: the socket and the bytes queued for it. Called by: the ring's thread; events may call back
// into the Stream, but not destroy it. Bounds: the input by the credit, the output by whoever
// appends.
#pragma once

#include <span>

#include "uring/buffer_ring.h"
#include "uring/byte_queue.h"
#include "uring/fd.h"
#include "uring/ring.h"

namespace portreeve::uring {

class Stream {
  public:
    class Events {
      public:
        Events() = default;
        Events(const Events&) = delete;
        Events& operator=(const Events&) = delete;
        virtual ~Events() = default;
        // What one receive() brought; never empty, valid during the call.
        virtual void on_input(std::span<const std::byte> bytes) = 0;
        // No more input: error 0 is the peer's orderly end, else -errno.
        virtual void on_input_end(int error) = 0;
        // The kernel took some of the output.
        virtual void on_output_sent() = 0;
        // The peer takes no more; what was queued is dropped.
        virtual void on_output_failed(int error) = 0;
        virtual void on_stream_joined() = 0;
        // After stop_receiving(), if nothing came first: nothing is armed.
        virtual void on_receive_stopped() {}
    };

    // What connections of one worker share. A stream that fills `buffers` is moved to the few large
    // `bulk_buffers` until it slows down: few, because the kernel uses them in turn, and what it
    // writes should still be in the cache when it is read. Without them `buffers` serves all.
    struct Pools {
        BufferRing& buffers;
        SlabPool& slabs;
        BufferRing* bulk_buffers = nullptr;
    };

    Stream(Ring& ring, Pools pools, Fd socket, Events& events);
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;
    Stream(Stream&&) = delete;
    Stream& operator=(Stream&&) = delete;
    ~Stream() = default;

    // Asks for one arrival of at most `bytes_max`; nothing if one is asked for already, or input
    // ended.
    void receive(std::size_t bytes_max);
    // Takes back what was asked for: on_receive_stopped() follows, or what came first.
    void stop_receiving();
    [[nodiscard]] bool receiving() const { return receive_.armed(); }
    [[nodiscard]] bool input_ended() const { return input_ended_; }

    void append(std::span<const std::byte> bytes);
    [[nodiscard]] std::size_t output_bytes() const { return output_.size(); }
    [[nodiscard]] bool sending() const { return send_.armed(); }
    // Sends what is queued, then tells the peer that nothing follows.
    void end_output();
    [[nodiscard]] bool output_failed() const { return output_failed_; }
    [[nodiscard]] bool output_ended() const { return output_ended_; }

    // A peer that has not acknowledged what was sent for so long is gone (TCP_USER_TIMEOUT); 0: the
    // kernel's own patience, a quarter of an hour.
    void set_patience_ms(std::int64_t patience_ms);

    // Drops what is queued. With `reset`, the peer is told by RST that the stream was cut short.
    void close(bool reset = false);
    // Closes, but hands back the socket instead, as it was before: nothing may be armed or queued.
    [[nodiscard]] Fd give_back();
    [[nodiscard]] bool closing() const { return closing_; }
    [[nodiscard]] int descriptor() const { return socket_.get(); }
    [[nodiscard]] Ring& ring() { return ring_; }

  private:
    static constexpr std::size_t kPiecesMax = 16;  // 256 KiB in one send

    void arm_receive();
    void received(Completion completion);
    void sent(Completion completion);
    void flush();
    void finish_output();
    void join();

    Ring& ring_;
    Pools pools_;
    Events& events_;
    Fd socket_;
    ByteQueue output_;
    std::unique_ptr<std::array<iovec, kPiecesMax>> pieces_;  // only while a send has several
    msghdr message_{};
    std::uint32_t receive_bytes_max_ = 0;
    Op receive_ = Op::to<&Stream::received>(this);
    Op send_ = Op::to<&Stream::sent>(this);
    Task flush_ = Task::to<&Stream::flush>(this);
    Task joined_ = Task::to<&Stream::join>(this);
    BufferRing* receive_buffers_;  // where the armed receive's buffer comes from
    bool bulk_ = false;            // the last receive was more than a small buffer's worth
    bool stopping_receive_ = false;
    bool drained_ = false;  // the last receive left nothing in the socket
    bool input_ended_ = false;
    bool output_ending_ = false;  // end_output() was asked for
    bool output_ended_ = false;   // … and the peer has been told
    bool output_failed_ = false;
    bool closing_ = false;
};

}  // namespace portreeve::uring
