// A visitor between a real socket and a real client: half-close in each order, refusals, resets, a
// client that goes, and a visitor that does not read.

#include "daemon/visitor.h"

#include <gmock/gmock.h>
#include <sys/socket.h>

#include "tests/unit/ssh/conversation.h"

namespace portreeve::daemon {
namespace {

using ssh::testing::Conversation;
using ssh::testing::difference;
using ssh::testing::noise;

class OneVisitor : public Conversation, private Visitor::Events {
  protected:
    void SetUp() override {
        log_in();
        auto [near, far] = ssh::testing::tcp_pair();
        outside_ = std::move(far);
        Visitor::Events& self = *this;
        usage_ = owners_.usage_of("an owner");
        visitor_ = std::make_unique<Visitor>(
            bench.ring(), bench.pools(), Arrival(std::move(near)),
            Visitor::Share{*usage_->take_visitor(0), from_visitor_, to_visitor_, kind_, &tunnel_},
            self);
        visitor_->open(*session, "localhost", 4242);
    }
    void TearDown() override {
        if (visitor_ && done_ == 0) {
            visitor_->cut();
            EXPECT_TRUE(bench.until([this] { return done_ == 1; }));
        }
        EXPECT_LE(done_, 1);
        visitor_.reset();
    }

    void client_takes() {
        channel_ = on_peer([this] { return peer->accept(); });
        ASSERT_NE(channel_, nullptr);
    }
    void say(const std::string& bytes) const {
        ASSERT_EQ(::send(outside_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
                  static_cast<ssize_t>(bytes.size()));
    }
    // Reads what has come for the visitor, without waiting; sets ended_ at the end.
    void listen() {
        char buffer[65536];
        for (;;) {
            const ssize_t count = ::recv(outside_.get(), buffer, sizeof(buffer), MSG_DONTWAIT);
            if (count <= 0) {
                ended_ = ended_ || count == 0 || errno != EAGAIN;
                return;
            }
            heard_.append(buffer, static_cast<std::size_t>(count));
        }
    }
    bool hears(std::size_t bytes) {
        return bench.until([&, this] {
            listen();
            return heard_.size() >= bytes;
        });
    }
    bool hears_the_end() {
        return bench.until([this] {
            listen();
            return ended_;
        });
    }
    bool is_done() {
        return bench.until([this] { return done_ == 1; });
    }

    Owners owners_;
    std::shared_ptr<Owners::Usage> usage_;
    Throttle from_visitor_{bench.ring()};
    Throttle to_visitor_{bench.ring()};
    KindFigures kind_;
    Traffic tunnel_;
    uring::Fd outside_;
    std::unique_ptr<Visitor> visitor_;
    ssh_channel channel_ = nullptr;
    std::string heard_;
    std::string refusal_;
    bool ended_ = false;
    uring::Fd unserved_;
    int done_ = 0;

  private:
    void on_visitor_refused(Visitor&, std::string_view reason) override { refusal_ = reason; }
    void on_visitor_unserved(Visitor&, Arrival arrival) override {
        unserved_ = std::move(arrival.socket);
    }
    void on_visitor_done(Visitor&) override { ++done_; }
};

TEST_F(OneVisitor, BytesGoBothWaysAndAreCounted) {
    client_takes();
    const std::string request = noise(20'000, 1);
    const std::string answer = noise(50'000, 2);
    say(request);
    EXPECT_EQ(
        difference(on_peer([&] { return ssh::testing::read_bytes(channel_, request.size()); }),
                   request),
        "");
    EXPECT_TRUE(on_peer([&] { return ssh::testing::write_bytes(channel_, answer); }));
    EXPECT_TRUE(hears(answer.size()));
    EXPECT_EQ(difference(heard_, answer), "");
    EXPECT_EQ(visitor_->figures().from_visitor_bytes, request.size());
    EXPECT_EQ(visitor_->figures().to_visitor_bytes, answer.size());
    const Traffic::Figures counted{1, 1, request.size(), answer.size()};
    EXPECT_EQ(kind_.traffic.figures(), counted);
    EXPECT_EQ(tunnel_.figures(), counted);
    EXPECT_EQ(visitor_->peer().host(), "127.0.0.1");
}

TEST_F(OneVisitor, ItsFirstByteOfTheClientIsTimedOnce) {
    client_takes();
    say("question");
    EXPECT_EQ(on_peer([this] { return ssh::testing::read_bytes(channel_, 8); }), "question");
    EXPECT_EQ(kind_.first_byte_ms.figures(), DurationHistogram::Figures{});
    bench.advance_ms(60'001);
    EXPECT_TRUE(on_peer([&] { return ssh::testing::write_bytes(channel_, "answer"); }));
    EXPECT_TRUE(hears(6));
    bench.advance_ms(100'000);
    EXPECT_TRUE(on_peer([&] { return ssh::testing::write_bytes(channel_, "another"); }));
    EXPECT_TRUE(hears(13));
    const auto timed = kind_.first_byte_ms.figures();
    EXPECT_EQ(timed.counts.back(), 1U);
    EXPECT_GE(timed.sum, 60'001U);
    EXPECT_LT(timed.sum, 100'000U);
}

TEST_F(OneVisitor, IsNotReadBeforeTheClientTookIt) {
    say("early");
    ASSERT_TRUE(bench.rest());
    EXPECT_EQ(visitor_->figures().from_visitor_bytes, 0U);
    client_takes();
    EXPECT_EQ(on_peer([this] { return ssh::testing::read_bytes(channel_, 5); }), "early");
}

TEST_F(OneVisitor, MayEndFirstAndStillHear) {
    client_takes();
    say("question");
    ASSERT_EQ(::shutdown(outside_.get(), SHUT_WR), 0);
    EXPECT_EQ(on_peer([this] { return ssh::testing::read_to_end(channel_); }), "question");
    const std::string answer = noise(300'000, 3);
    start_on_peer([&] {
        EXPECT_TRUE(ssh::testing::write_bytes(channel_, answer));
        ssh_channel_send_eof(channel_);
    });
    EXPECT_TRUE(hears_the_end());
    finish_on_peer();
    EXPECT_EQ(difference(heard_, answer), "");
    EXPECT_TRUE(is_done());
    EXPECT_EQ(visitor_->end_reason(), "visitor_ended");
}

TEST_F(OneVisitor, MayHearTheEndFirstAndStillSpeak) {
    client_takes();
    on_peer([this] {
        EXPECT_TRUE(ssh::testing::write_bytes(channel_, "greeting"));
        ssh_channel_send_eof(channel_);
    });
    EXPECT_TRUE(hears_the_end());
    EXPECT_EQ(heard_, "greeting");
    EXPECT_EQ(done_, 0);
    say("answer");
    ASSERT_EQ(::shutdown(outside_.get(), SHUT_WR), 0);
    EXPECT_EQ(on_peer([this] { return ssh::testing::read_to_end(channel_); }), "answer");
    EXPECT_TRUE(is_done());
    EXPECT_EQ(visitor_->end_reason(), "client_ended");
}

TEST_F(OneVisitor, IsHungUpOnWhenTheClientRefuses) {
    EXPECT_TRUE(on_peer([this] { return peer->refuse(); }));
    EXPECT_TRUE(hears_the_end());
    EXPECT_TRUE(is_done());
    EXPECT_EQ(visitor_->end_reason(), "target_refused");
    EXPECT_EQ(ssh::open_failure_in(refusal_), ssh::OpenFailure::prohibited) << refusal_;
    EXPECT_EQ(kind_.traffic.figures(), Traffic::Figures{});
}

TEST_F(OneVisitor, ThatResetsTakesItsChannelAlong) {
    client_takes();
    const linger cut{.l_onoff = 1, .l_linger = 0};
    ASSERT_EQ(::setsockopt(outside_.get(), SOL_SOCKET, SO_LINGER, &cut, sizeof(cut)), 0);
    outside_.reset();
    EXPECT_TRUE(is_done());
    EXPECT_EQ(visitor_->end_reason(), "visitor_lost");
    on_peer([this] {
        EXPECT_EQ(ssh::testing::read_to_end(channel_), "");
        ssh_channel_close(channel_);
    });
    EXPECT_TRUE(bench.until([this] { return session->channel_count() == 0; }));
}

TEST_F(OneVisitor, GetsAllThatTheClientSentBeforeItClosed) {
    client_takes();
    const std::string bytes = noise(400'000, 4);
    start_on_peer([&] {
        EXPECT_TRUE(ssh::testing::write_bytes(channel_, bytes));
        ssh_channel_close(channel_);
    });
    EXPECT_TRUE(hears_the_end());
    finish_on_peer();
    EXPECT_EQ(difference(heard_, bytes), "");
    outside_.reset();  // as who has heard everything
    EXPECT_TRUE(is_done());
    EXPECT_EQ(visitor_->end_reason(), "client_ended");
}

TEST_F(OneVisitor, IsGivenBackUntouchedWhenItsSessionEndsBeforeTheAnswer) {
    say("who is there?");
    session->end("lost", "a test");
    ASSERT_TRUE(is_done());
    ASSERT_TRUE(unserved_);
    char heard[64];
    EXPECT_EQ(::recv(unserved_.get(), heard, sizeof(heard), MSG_DONTWAIT), 13);
    EXPECT_EQ(::send(unserved_.get(), "back", 4, MSG_NOSIGNAL), 4);
    EXPECT_TRUE(hears(4));
}

TEST_F(OneVisitor, IsCutOffSomeTimeAfterItsSessionIsLost) {
    client_takes();
    peer->vanish();
    EXPECT_TRUE(hears_the_end());
    bench.advance_ms(Visitor::kLingerMs - 5'000);
    ASSERT_TRUE(bench.rest());
    EXPECT_EQ(done_, 0);
    bench.advance_ms(5'001);
    EXPECT_TRUE(is_done());
    EXPECT_EQ(visitor_->end_reason(), "session");
}

TEST_F(OneVisitor, PassesNoFasterThanItsThrottles) {
    from_visitor_.set_rate(4'000, nullptr);
    to_visitor_.set_rate(4'000, nullptr);
    client_takes();
    const std::string up = noise(20'000, 6);
    const std::string down = noise(20'000, 7);
    say(up);
    start_on_peer([&] {
        EXPECT_TRUE(ssh::testing::write_bytes(channel_, down));
        EXPECT_EQ(difference(ssh::testing::read_bytes(channel_, up.size()), up), "");
    });
    // A quarter of a second's worth passes at once, and what both ends may hold besides; the rest
    // takes its time: seconds, which the machine does not need until it is looked at.
    ASSERT_TRUE(bench.until([this] { return visitor_->figures().from_visitor_bytes >= 1'000; }));
    ASSERT_TRUE(bench.rest());
    EXPECT_LT(visitor_->figures().from_visitor_bytes, up.size());
    EXPECT_LT(visitor_->figures().to_visitor_bytes, down.size());
    for (int step = 0; step < 200 && peer->busy(); ++step) {
        bench.advance_ms(100);
        ASSERT_TRUE(bench.rest());
    }
    EXPECT_TRUE(hears(down.size()));
    finish_on_peer();
    EXPECT_EQ(difference(heard_, down), "");
}

TEST_F(OneVisitor, ThatReadsNothingHoldsNoMoreThanItsShare) {
    client_takes();
    start_on_peer(
        [this] { static_cast<void>(ssh::testing::write_bytes(channel_, noise(30'000'000, 5))); });
    std::uint64_t before = 0;
    ASSERT_TRUE(bench.until([&, this] {
        const std::uint64_t now = visitor_->figures().to_visitor_bytes;
        const bool still = bench.rest() && now > 0 && now == before;
        before = now;
        return still;
    }));
    // What the kernel took for its socket buffers comes on top.
    EXPECT_LT(visitor_->figures().to_visitor_bytes, 20'000'000U);
    EXPECT_TRUE(peer->busy());
    peer->vanish();
    finish_on_peer();
}

TEST_F(OneVisitor, ThatReadsNothingIsCutOffSomeTimeAfterItsClientWent) {
    client_takes();
    on_peer([this] {
        // More than the socket buffers of both ends take.
        ssh_set_blocking(peer->handle(), 0);
        for (int round = 0; round < 400; ++round) {
            const std::string piece = noise(32'768, 6);
            ssh_channel_write(channel_, piece.data(), static_cast<std::uint32_t>(piece.size()));
        }
    });
    ASSERT_TRUE(bench.rest());
    peer->vanish();
    wait_for_end();
    ASSERT_TRUE(bench.rest());
    if (done_ == 0) {
        bench.advance_ms(Visitor::kLingerMs + 1);
    }
    EXPECT_TRUE(is_done());
}

TEST_F(OneVisitor, CanBeCutAtAnyTime) {
    visitor_->cut();
    EXPECT_TRUE(is_done());
    EXPECT_EQ(visitor_->end_reason(), "session");
    EXPECT_TRUE(hears_the_end());
}

}  // namespace
}  // namespace portreeve::daemon
