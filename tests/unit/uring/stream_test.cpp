// A Stream under random schedules: what arrives, what leaves, how it ends, and what it never does.
#include "uring/stream.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/unit/uring/rings.h"

namespace portreeve::uring::test {
namespace {

constexpr std::uint16_t kGroup = 0;

std::string text_of(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::span<const std::byte> bytes(const std::string& text) {
    return std::as_bytes(std::span(text));
}

// What streams of one worker share.
struct Worker {
    explicit Worker(std::uint64_t seed = 1, Faults faults = {}, BufferRing::Shape shape = {4, 64})
        : fake(seed, faults), buffers(std::move(*BufferRing::make(fake.kernel, kGroup, shape))) {}
    Stream::Pools pools() { return {*buffers, slabs}; }
    FakeRing fake;
    std::unique_ptr<BufferRing> buffers;
    SlabPool slabs;
};

// The owner of a stream: writes down what happens, and checks what may happen when.
struct Owner final : Stream::Events {
    Owner(Worker& on, std::string name_for_peer = {})
        : worker(on), peer(on.fake.kernel.socket()), name(std::move(name_for_peer)) {
        stream = std::make_unique<Stream>(on.fake.ring, on.pools(), peer.take(), *this);
    }
    void on_input(std::span<const std::byte> arrived) override {
        expect_open("on_input");
        EXPECT_FALSE(arrived.empty());
        EXPECT_FALSE(input_ended) << "input after its end";
        EXPECT_LE(arrived.size(), credit) << "more than was asked for";
        EXPECT_FALSE(stream->receiving());
        credit = 0;
        input += text_of(arrived);
        after_event();
    }
    void on_input_end(int error) override {
        expect_open("on_input_end");
        EXPECT_FALSE(input_ended) << "two ends";
        input_ended = true;
        input_error = error;
        after_event();
    }
    void on_output_sent() override {
        expect_open("on_output_sent");
        after_event();
    }
    void on_output_failed(int error) override {
        expect_open("on_output_failed");
        EXPECT_EQ(stream->output_bytes(), 0U);
        output_error = error;
        after_event();
    }
    void on_receive_stopped() override {
        expect_open("on_receive_stopped");
        EXPECT_FALSE(stream->receiving());
        ++stopped;
    }
    void on_stream_joined() override {
        EXPECT_TRUE(closed) << "joined without close()";
        EXPECT_FALSE(joined) << "joined twice";
        EXPECT_TRUE(peer.closed());
        joined = true;
        stream.reset();
    }
    void receive(std::size_t bytes_max) {
        if (!stream->receiving() && !stream->input_ended() && !closed) {
            credit = bytes_max;
        }
        stream->receive(bytes_max);
    }
    void close(bool reset = false) {
        closed = true;
        stream->close(reset);
    }
    void expect_open(const char* event) const { EXPECT_FALSE(closed) << event << " after close()"; }
    void after_event() {
        if (then) {
            then();
        }
    }

    Worker& worker;
    FakeSocket& peer;
    std::string name;
    std::unique_ptr<Stream> stream;
    std::function<void()> then;
    std::string input;
    std::size_t credit = 0;
    int input_error = 1;
    int output_error = 0;
    int stopped = 0;
    bool input_ended = false;
    bool closed = false;
    bool joined = false;
};

TEST(Stream, AsksForNothingByItself) {
    Worker worker;
    Owner owner(worker);
    owner.peer.input = "hello";
    worker.fake.turn();
    EXPECT_EQ(owner.input, "");
    EXPECT_EQ(worker.fake.kernel.pending(), 0U);
    owner.receive(3);
    worker.fake.turn();
    EXPECT_EQ(owner.input, "hel");
    worker.fake.turn();
    EXPECT_EQ(owner.input, "hel");
    owner.close();
    worker.fake.turn_until([&] { return owner.joined; });
}

TEST(Stream, AsksTheKernelForNoMoreThanItsCredit) {
    Worker worker;
    Owner owner(worker);
    owner.receive(17);
    worker.fake.turn();
    EXPECT_EQ(worker.fake.kernel.asked(owner.peer), 17U);
    owner.stream->receive(50);  // one is asked for already
    worker.fake.turn();
    EXPECT_EQ(worker.fake.kernel.asked(owner.peer), 17U);
    ASSERT_TRUE(worker.fake.kernel.complete(IORING_OP_RECV, -ENOBUFS));
    worker.fake.turn();
    worker.fake.turn();
    EXPECT_EQ(worker.fake.kernel.asked(owner.peer), 17U);  // asked again, the same
    EXPECT_EQ(worker.fake.ring.figures().no_buffers, 1U);
    owner.close();
    worker.fake.turn_until([&] { return owner.joined; });
}

TEST(Stream, TakesBackWhatItAskedForAndAsksAgain) {
    Worker worker;
    Owner owner(worker);
    owner.stream->stop_receiving();  // nothing is asked for
    owner.receive(17);
    worker.fake.turn();
    owner.stream->stop_receiving();
    worker.fake.turn_until([&] { return owner.stopped == 1; });
    EXPECT_FALSE(owner.input_ended);
    owner.receive(17);
    owner.peer.input = "hello";
    worker.fake.turn_until([&] { return owner.input == "hello"; });
    owner.close();
    worker.fake.turn_until([&] { return owner.joined; });
    EXPECT_EQ(owner.stopped, 1);
}

TEST(Stream, LosesNothingThatCameBeforeItStopped) {
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        Worker worker(seed);
        Owner owner(worker);
        owner.receive(17);
        worker.fake.turn();
        owner.peer.input = "hello";
        owner.stream->stop_receiving();
        worker.fake.turn_until([&] { return owner.stopped == 1 || owner.input == "hello"; });
        if (owner.stopped == 1) {
            owner.receive(17);
            worker.fake.turn_until([&] { return owner.input == "hello"; });
        }
        owner.close();
        worker.fake.turn_until([&] { return owner.joined; });
    }
}

TEST(Stream, TriesAtOnceOnlyWhenTheSocketMayHoldSomething) {
    Worker worker;
    Owner owner(worker);
    const auto poll_first = [&] { return worker.fake.kernel.asks_poll_first(owner.peer); };
    owner.receive(10);
    worker.fake.turn();
    EXPECT_FALSE(poll_first());
    owner.peer.input = std::string(15, 'x');
    worker.fake.turn();
    owner.receive(10);
    EXPECT_EQ(worker.fake.kernel.submit(), 0);
    EXPECT_FALSE(poll_first());  // five were left
    worker.fake.turn();
    owner.receive(10);
    EXPECT_EQ(worker.fake.kernel.submit(), 0);
    EXPECT_TRUE(poll_first());  // all was taken
    owner.close();
    worker.fake.turn_until([&] { return owner.joined; });
}

TEST(Stream, SendsWhatABatchAppendedInOneGo) {
    Worker worker;
    Owner owner(worker);
    std::string all;
    for (int i = 0; i < 100; ++i) {
        const std::string part(1000, static_cast<char>('a' + i % 26));
        owner.stream->append(bytes(part));
        all += part;
    }
    worker.fake.turn();
    EXPECT_EQ(owner.peer.output, all);
    EXPECT_EQ(
        std::count_if(worker.fake.kernel.submitted.begin(), worker.fake.kernel.submitted.end(),
                      [](const auto& entry) {
                          return entry.first == IORING_OP_SEND || entry.first == IORING_OP_SENDMSG;
                      }),
        1);
    EXPECT_EQ(owner.stream->output_bytes(), 0U);
    owner.close();
    worker.fake.turn_until([&] { return owner.joined; });
}

TEST(Stream, EndsItsOutputOnlyAfterTheLastByte) {
    Worker worker;
    Owner owner(worker);
    owner.peer.room = 5;
    owner.stream->append(bytes("hello world"));
    owner.stream->end_output();
    owner.stream->append(bytes(" and more"));  // too late
    worker.fake.turn();
    worker.fake.turn();
    EXPECT_EQ(owner.peer.output, "hello");
    EXPECT_FALSE(owner.peer.output_ended());
    owner.peer.room = 100;
    worker.fake.turn_until([&] { return owner.stream->output_ended(); });
    EXPECT_EQ(owner.peer.output, "hello world");
    EXPECT_TRUE(owner.peer.output_ended());
    EXPECT_FALSE(owner.peer.shut_down());
    // The other direction goes on.
    owner.peer.input = "still here";
    owner.receive(100);
    worker.fake.turn();
    EXPECT_EQ(owner.input, "still here");
    owner.close();
    worker.fake.turn_until([&] { return owner.joined; });
}

TEST(Stream, GoesOnSendingAfterItsInputEnded) {
    Worker worker;
    Owner owner(worker);
    owner.peer.input_ends = true;
    owner.receive(10);
    worker.fake.turn();
    EXPECT_TRUE(owner.input_ended);
    EXPECT_EQ(owner.input_error, 0);
    owner.stream->receive(10);  // there is nothing to ask for any more
    EXPECT_FALSE(owner.stream->receiving());
    owner.stream->append(bytes("answer"));
    worker.fake.turn();
    EXPECT_EQ(owner.peer.output, "answer");
    owner.close();
    worker.fake.turn_until([&] { return owner.joined; });
}

TEST(Stream, ReportsABrokenConnectionOnBothSides) {
    Worker worker;
    Owner owner(worker);
    owner.peer.broken = -ECONNRESET;
    owner.receive(10);
    owner.stream->append(bytes("x"));
    worker.fake.turn();
    EXPECT_EQ(owner.input_error, -ECONNRESET);
    EXPECT_EQ(owner.output_error, -ECONNRESET);
    owner.stream->append(bytes("y"));
    EXPECT_EQ(owner.stream->output_bytes(), 0U);
    owner.close();
    worker.fake.turn_until([&] { return owner.joined; });
}

TEST(Stream, HoldsNothingWhileIdle) {
    Worker worker;
    Owner owner(worker);
    owner.peer.input = std::string(1000, 'x');
    while (owner.input.size() < 1000) {
        owner.receive(64);
        owner.stream->append(bytes("abc"));
        worker.fake.turn();
    }
    worker.fake.turn();
    EXPECT_EQ(worker.fake.kernel.buffers_lent(kGroup), 0U);
    EXPECT_EQ(worker.slabs.cached(), 1U);  // the one it used is back in the pool
    owner.close();
    worker.fake.turn_until([&] { return owner.joined; });
}

TEST(Stream, JoinsBeforeItsSocketIsClosedAndReportsItOnce) {
    for (const bool reset : {false, true}) {
        for (const bool sending : {false, true}) {
            for (const bool receiving : {false, true}) {
                Worker worker;
                Owner owner(worker);
                if (sending) {
                    owner.peer.room = 0;
                    owner.stream->append(bytes("stuck"));
                }
                if (receiving) {
                    owner.receive(10);
                }
                worker.fake.turn();
                EXPECT_EQ(worker.fake.kernel.pending(), std::size_t{sending} + receiving);
                owner.close(reset);
                owner.stream->close(!reset);  // the first one counts
                EXPECT_FALSE(owner.joined) << "joined inside close()";
                EXPECT_FALSE(owner.peer.closed());
                worker.fake.turn_until([&] { return owner.joined; });
                EXPECT_EQ(worker.fake.kernel.pending(), 0U);
            }
        }
    }
}

TEST(Stream, KeepsTheBytesOfASendUntilItIsJoined) {
    Worker worker;
    Owner closed(worker);
    Owner other(worker);
    closed.peer.room = 0;
    closed.stream->append(bytes("in the kernel's hands"));
    worker.fake.turn();
    closed.close();
    other.stream->append(bytes("would overwrite them if the slab were free"));
    worker.fake.turn_until([&] { return closed.joined; });  // the fake kernel compares them
    EXPECT_EQ(worker.slabs.cached(), 2U);
    other.close();
    worker.fake.turn_until([&] { return other.joined; });
}

// One stream's life as the dice will have it.
class Life {
  public:
    Life(Worker& worker, Dice& dice)
        : dice_(dice),
          owner_(worker),
          sent_to_us_(dice.text(dice.between(0, 3000))),
          sent_by_us_(dice.text(dice.chance(10) ? 60'000 : dice.between(0, 3000))),
          // Most streams come to their end; the others are closed on the way.
          events_until_close_(dice.chance(60) ? -1 : static_cast<int>(dice.between(0, 60))) {
        owner_.peer.room = dice.between(0, 500);
        owner_.then = [this] { act(); };
    }

    // What the owner may do at any time, inside an event or between turns.
    void act() {
        if (owner_.closed) {
            return;
        }
        if (events_until_close_ >= 0 && events_until_close_-- == 0) {
            owner_.close(dice_.chance(30));
            return;
        }
        if (dice_.chance(60)) {
            owner_.receive(dice_.between(1, 200));
        }
        if (dice_.chance(50) && appended_ < sent_by_us_.size()) {
            const std::size_t part =
                std::min(dice_.between(1, 5000), sent_by_us_.size() - appended_);
            owner_.stream->append(bytes(sent_by_us_.substr(appended_, part)));
            appended_ += part;
        }
        if (appended_ == sent_by_us_.size() && !end_asked_ && dice_.chance(30)) {
            owner_.stream->end_output();
            end_asked_ = true;
        }
        if (whole() && dice_.chance(50)) {
            owner_.close(dice_.chance(30));
        }
    }

    // What the peer may do between turns.
    void peer_acts() {
        if (dice_.chance(50) && put_ < sent_to_us_.size()) {
            const std::size_t part = std::min(dice_.between(1, 400), sent_to_us_.size() - put_);
            owner_.peer.input += sent_to_us_.substr(put_, part);
            put_ += part;
        }
        if (put_ == sent_to_us_.size() && dice_.chance(30)) {
            owner_.peer.input_ends = true;
        }
        if (dice_.chance(50)) {
            owner_.peer.room += dice_.between(1, 3000);
        }
    }

    [[nodiscard]] bool joined() const { return owner_.joined; }
    // All was carried and both ends were told.
    [[nodiscard]] bool whole() const {
        return owner_.input_ended && owner_.stream && owner_.stream->output_ended();
    }

    void check() {
        ASSERT_EQ(owner_.output_error, 0);
        if (owner_.input_ended) {
            ASSERT_EQ(owner_.input_error, 0);
            ASSERT_EQ(owner_.input.size(), sent_to_us_.size());
        }
        ASSERT_EQ(sent_to_us_.compare(0, owner_.input.size(), owner_.input), 0);
        ASSERT_EQ(sent_by_us_.compare(0, owner_.peer.output.size(), owner_.peer.output), 0);
        if (whole()) {
            ASSERT_EQ(owner_.peer.output.size(), sent_by_us_.size());
            ASSERT_TRUE(owner_.peer.output_ended());
        }
    }

  private:
    Dice& dice_;
    Owner owner_;
    std::string sent_to_us_;
    std::string sent_by_us_;
    std::size_t put_ = 0;
    std::size_t appended_ = 0;
    int events_until_close_;
    bool end_asked_ = false;
};

TEST(Stream, CarriesEveryByteOnceInOrderOnRandomSchedules) {
    for_each_seed(600, [](std::uint64_t seed) {
        Dice dice(seed);
        Faults faults = dice.chance(80) ? Faults::many() : Faults();
        if (dice.chance(50)) {
            faults.submission_entries = static_cast<std::uint32_t>(dice.between(1, 4));
            faults.completion_entries = static_cast<std::uint32_t>(dice.between(1, 4));
        }
        Worker worker(seed, faults, {static_cast<std::uint32_t>(1) << dice.between(0, 3), 64});
        std::vector<std::unique_ptr<Life>> lives;
        for (std::size_t i = dice.between(1, 4); i > 0; --i) {
            lives.push_back(std::make_unique<Life>(worker, dice));
        }
        const auto all_joined = [&] {
            return std::all_of(lives.begin(), lives.end(),
                               [](const auto& life) { return life->joined(); });
        };
        for (int turns = 0; !all_joined(); ++turns) {
            ASSERT_LT(turns, 20'000) << "a stream never came to its end";
            for (const auto& life : lives) {
                life->peer_acts();
                life->act();
            }
            ASSERT_NO_FATAL_FAILURE(worker.fake.turn());
            for (const auto& life : lives) {
                ASSERT_NO_FATAL_FAILURE(life->check());
            }
        }
        for (int i = 0; i < 20; ++i) {  // completions that overflowed may still come
            ASSERT_NO_FATAL_FAILURE(worker.fake.turn());
        }
        ASSERT_EQ(worker.fake.kernel.pending(), 0U);
        ASSERT_EQ(worker.fake.kernel.buffers_lent(kGroup), 0U);
    });
}

}  // namespace
}  // namespace portreeve::uring::test
