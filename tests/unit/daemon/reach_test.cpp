// What one client reaches: which addresses a host stands for, and the dial in front of the Visitor,
// with every end that it may come to.

#include "daemon/reach.h"

#include <gmock/gmock.h>
#include <sys/socket.h>

#include "tests/unit/ssh/conversation.h"

namespace portreeve::daemon {
namespace {

using ssh::testing::Conversation;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using uring::Address;

std::vector<std::string> addresses(const std::string& host) {
    std::vector<std::string> texts;
    const auto found = addresses_to_reach(host, 80);
    if (!found) {
        return {std::string(found.error().code)};
    }
    for (const Address& address : *found) {
        texts.push_back(address.text());
    }
    return texts;
}

TEST(AddressesToReach, ALiteralIsItself) {
    EXPECT_THAT(addresses("192.0.2.1"), ElementsAre("192.0.2.1:80"));
    EXPECT_THAT(addresses("2001:db8::1"), ElementsAre("[2001:db8::1]:80"));
}

TEST(AddressesToReach, LocalhostIsBothFamiliesLoopback) {
    EXPECT_THAT(addresses("localhost"), ElementsAre("127.0.0.1:80", "[::1]:80"));
    EXPECT_THAT(addresses("LocalHost"), ElementsAre("127.0.0.1:80", "[::1]:80"));
}

TEST(AddressesToReach, AnythingElseIsANameAndNotLookedUp) {
    for (const char* host : {"", "*", "db", "example.com", "127.1", "[::1]", "fe80::1%lo"}) {
        EXPECT_THAT(addresses(host), ElementsAre("name_not_found")) << host;
    }
    EXPECT_THAT(addresses_to_reach("db", 80).error().sentence, HasSubstr("no private name \"db\""));
    EXPECT_LT(addresses_to_reach(std::string(5000, 'x'), 80).error().sentence.size(), 400U);
}

class OneReach : public Conversation, private Reach::Events {
  protected:
    void SetUp() override { log_in(); }
    void TearDown() override {
        if (reach_ && done_ == 0) {
            reach_->cut();
            EXPECT_TRUE(is_done());
        }
        EXPECT_LE(done_, 1);
    }

    // Has the peer ask, and dials `address` for it.
    void reach(const Address& address) {
        Reach::Events& self = *this;
        reach_ = std::make_unique<Reach>(
            bench.ring(), bench.pools(), "target", std::vector{address},
            Visitor::Share{*usage_->take_visitor(1), throttle_, throttle_, kind_}, self);
        owner.direct = reach_.get();
        bool opened = false;
        owner.on_direct_open = [&](ssh::Channel& channel) {
            opened = true;
            reach_->attach(channel);
        };
        // For libssh's client an open that was closed before it looked has failed.
        channel_ = on_peer([this] {
            ssh_channel made = ssh_channel_new(peer->handle());
            static_cast<void>(ssh_channel_open_forward(made, "target", 80, "192.0.2.7", 5555));
            return made;
        });
        ASSERT_TRUE(opened);
        owner.on_direct_open = nullptr;
    }
    // … where nobody answers: the backlog is full, and the kernel tries again a second later.
    void reach_in_vain() {
        ASSERT_EQ(::listen(door_->get(), 0), 0);
        ASSERT_EQ(::connect(filler_.get(), address_.data(), address_.size()), 0);
        reach(address_);
    }
    bool is_done() {
        return bench.until([this] { return done_ == 1; });
    }
    // At once, and not when the dial's time is over.
    void is_done_soon() {
        ASSERT_TRUE(bench.rest());
        EXPECT_EQ(done_, 1);
    }
    // The peer's end of the channel has been closed by this side, and closes too.
    void channel_ends() {
        on_peer([this] {
            EXPECT_EQ(ssh::testing::read_to_end(channel_), "");
            EXPECT_NE(ssh_channel_is_closed(channel_), 0);
            ssh_channel_close(channel_);
        });
        EXPECT_TRUE(bench.until([this] { return session->channel_count() == 0; }));
    }

    Owners owners_;
    std::shared_ptr<Owners::Usage> usage_ = owners_.usage_of("an owner");
    KindFigures kind_;
    Throttle throttle_{bench.ring()};
    tl::expected<uring::Fd, int> door_ = uring::listen_on(*Address::parse("127.0.0.1", 0), false);
    Address address_ = Address::of_local(door_->get());
    uring::Fd filler_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    std::unique_ptr<Reach> reach_;
    ssh_channel channel_ = nullptr;
    int open_ = 0;
    int error_ = 0;
    int done_ = 0;

  private:
    void on_reach_open(Reach& reach) override {
        ++open_;
        EXPECT_EQ(reach.visitor()->peer().text(), address_.text());
    }
    void on_reach_failed(Reach& reach, int error) override {
        EXPECT_EQ(reach.visitor(), nullptr);
        error_ = error;
    }
    void on_reach_done(Reach&) override { ++done_; }
};

TEST_F(OneReach, JoinsTheTargetToTheChannel) {
    reach(address_);
    const uring::Fd target(::accept4(door_->get(), nullptr, nullptr, SOCK_CLOEXEC));
    on_peer([this] {
        EXPECT_TRUE(ssh::testing::write_bytes(channel_, "question"));
        ssh_channel_send_eof(channel_);
    });
    std::string heard;
    EXPECT_TRUE(bench.until([&] {
        char bytes[64];
        const ssize_t count = ::recv(target.get(), bytes, sizeof(bytes), MSG_DONTWAIT);
        heard.append(bytes, static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
        return count == 0;
    }));
    EXPECT_EQ(heard, "question");
    ASSERT_EQ(::send(target.get(), "answer", 6, MSG_NOSIGNAL), 6);
    ASSERT_EQ(::shutdown(target.get(), SHUT_WR), 0);
    EXPECT_EQ(on_peer([this] { return ssh::testing::read_to_end(channel_); }), "answer");
    EXPECT_TRUE(is_done());
    EXPECT_EQ(open_, 1);
    EXPECT_EQ(error_, 0);
    EXPECT_EQ(kind_.traffic.figures().visitors_total, 1U);
    EXPECT_EQ(kind_.first_byte_ms.figures(), DurationHistogram::Figures{}) << "it asks first";
}

TEST(DialFailure, IsOneOfAFew) {
    EXPECT_EQ(dial_failure_of(-ECONNREFUSED), DialFailure::refused);
    EXPECT_EQ(dial_failure_of(-ETIMEDOUT), DialFailure::timed_out);
    EXPECT_EQ(dial_failure_of(-ENETUNREACH), DialFailure::unreachable);
    EXPECT_EQ(dial_failure_of(-EHOSTUNREACH), DialFailure::unreachable);
    EXPECT_EQ(dial_failure_of(-EACCES), DialFailure::other);
}

TEST_F(OneReach, ThatIsRefusedClosesItsChannel) {
    door_->reset();
    reach(address_);
    EXPECT_TRUE(is_done());
    EXPECT_EQ(error_, -ECONNREFUSED);
    EXPECT_EQ(open_, 0);
    channel_ends();
}

TEST_F(OneReach, GivesUpInTime) {
    reach_in_vain();
    ASSERT_TRUE(bench.rest());
    EXPECT_EQ(done_, 0);
    bench.advance_ms(uring::Dialer::kTimeLimitMs + 1);
    EXPECT_TRUE(is_done());
    EXPECT_EQ(error_, -ETIMEDOUT);
    channel_ends();
}

TEST_F(OneReach, CanBeCutWhileItIsDialed) {
    reach_in_vain();
    reach_->cut();
    EXPECT_EQ(done_, 0) << "the kernel still has the connect";
    is_done_soon();
    EXPECT_EQ(error_, 0);
    channel_ends();
}

TEST_F(OneReach, IsDoneWhenItsClientClosesWhileItIsDialed) {
    reach_in_vain();
    on_peer([this] { ssh_channel_close(channel_); });
    is_done_soon();
    EXPECT_TRUE(bench.until([this] { return session->channel_count() == 0; }));
}

TEST_F(OneReach, IsDoneWhenItsSessionIsLostWhileItIsDialed) {
    reach_in_vain();
    peer->vanish();
    is_done_soon();
    EXPECT_EQ(error_, 0) << "nobody is left to be told";
}

}  // namespace
}  // namespace portreeve::daemon
