// Channels that the client opens towards somewhere else, as -L, -W and -J do: refused or open at
// once, shut for data while nobody takes it, and handed from one user to the next.
#include <gmock/gmock.h>

#include "tests/unit/ssh/conversation.h"

namespace portreeve::ssh {
namespace {

using testing::Conversation;
using testing::difference;
using testing::noise;
using testing::RecordingUser;

class Direct : public Conversation {
  protected:
    void SetUp() override { log_in(); }

    // The peer's end; nullptr: it was refused.
    ssh_channel ask() {
        return on_peer([this] {
            ssh_channel channel = ssh_channel_new(peer->handle());
            const int rc = ssh_channel_open_forward(channel, "db.example", 5432, "192.0.2.7", 5555);
            return rc == SSH_OK ? channel : nullptr;
        });
    }
    ssh_channel open() {
        owner.direct = &first_;
        owner.on_direct_open = [this](Channel& channel) { first_.channel = &channel; };
        return ask();
    }
    // A channel whose first user takes nothing, as while its target is not connected.
    ssh_channel open_shut() {
        first_.room = 0;
        return open();
    }
    // From the first user to the second.
    void hand_over() {
        second_.channel = std::exchange(first_.channel, nullptr);
        second_.channel->set_user(second_);
    }

    RecordingUser first_;
    RecordingUser second_;
};

TEST_F(Direct, IsRefusedWhenTheOwnerHasNoUserForIt) {
    EXPECT_EQ(ask(), nullptr);
    EXPECT_EQ(session->channel_count(), 0U);
    EXPECT_EQ(owner.ended, 0) << "a refusal ends nothing but itself";
}

TEST_F(Direct, CarriesWhatItWasAskedFor) {
    ASSERT_NE(open(), nullptr);
    ASSERT_EQ(owner.directs.size(), 1U);
    EXPECT_EQ(owner.directs[0].host, "db.example");
    EXPECT_EQ(owner.directs[0].port, 5432);
    EXPECT_EQ(owner.directs[0].originator, "192.0.2.7");
    EXPECT_EQ(owner.directs[0].originator_port, 5555);
    ASSERT_NE(first_.channel, nullptr);
    EXPECT_TRUE(first_.channel->open());
    EXPECT_EQ(session->channel_count(), 1U);
}

TEST_F(Direct, BytesGoBothWays) {
    ssh_channel channel = open();
    ASSERT_NE(channel, nullptr);
    const std::string request = noise(300'000, 1);
    const std::string answer = noise(300'000, 2);
    EXPECT_TRUE(on_peer([&] { return testing::write_bytes(channel, request); }));
    EXPECT_TRUE(bench.until([&] { return first_.received.size() == request.size(); }));
    EXPECT_EQ(difference(first_.received, request), "");
    first_.send(answer, true);
    EXPECT_EQ(difference(on_peer([&] { return testing::read_to_end(channel); }), answer), "");
}

TEST_F(Direct, ANewUserIsOfferedAllThatTheFirstLeft) {
    ssh_channel channel = open_shut();
    ASSERT_NE(channel, nullptr);
    const std::string bytes = noise(20'000, 3);
    on_peer([&] {
        EXPECT_TRUE(testing::write_bytes(channel, bytes));
        ssh_channel_send_eof(channel);
    });
    ASSERT_TRUE(bench.rest());
    EXPECT_EQ(first_.received, "");
    hand_over();
    EXPECT_TRUE(bench.until([&] { return second_.eofs == 1; }));
    EXPECT_EQ(difference(second_.received, bytes), "");
    EXPECT_EQ(first_.eofs, 0);
}

TEST_F(Direct, ANewUserIsToldOfAnEndThatTheFirstWasToldOf) {
    ssh_channel channel = open_shut();
    ASSERT_NE(channel, nullptr);
    on_peer([&] { ssh_channel_send_eof(channel); });
    ASSERT_TRUE(bench.until([&] { return first_.eofs == 1; }));
    hand_over();
    EXPECT_TRUE(bench.until([&] { return second_.eofs == 1; }));
    second_.send("still open this way", true);
    EXPECT_EQ(on_peer([&] { return testing::read_to_end(channel); }), "still open this way");
}

TEST_F(Direct, WhoSendsAndClosesEarlyIsStillHeard) {
    ssh_channel channel = open_shut();
    ASSERT_NE(channel, nullptr);
    on_peer([&] {
        EXPECT_TRUE(testing::write_bytes(channel, "last words"));
        ssh_channel_close(channel);
    });
    ASSERT_TRUE(bench.rest());
    EXPECT_EQ(first_.closed, 0);
    hand_over();
    EXPECT_TRUE(bench.until([&] { return second_.closed == 1; }));
    EXPECT_EQ(second_.received, "last words");
    EXPECT_TRUE(bench.until([this] { return session->channel_count() == 0; }));
}

// libssh opens its window by itself when the first bytes come (1.28 MB, in place of 32 kB), and no
// wider while nobody takes them.
TEST_F(Direct, TakesNoMoreThanALibsshWindowWhileNobodyReads) {
    ssh_channel channel = open_shut();
    ASSERT_NE(channel, nullptr);
    on_peer_alone([&] { ssh_set_blocking(peer->handle(), 0); });
    std::size_t taken = 0;
    on_peer([&] {
        const std::string piece = noise(32'768, 4);
        for (int round = 0; round < 200; ++round) {
            const int rc =
                ssh_channel_write(channel, piece.data(), static_cast<std::uint32_t>(piece.size()));
            taken += rc > 0 ? static_cast<std::size_t>(rc) : 0;
            peer->answer();
        }
    });
    EXPECT_GT(taken, 0U);
    EXPECT_LE(taken, 1'400'000U);
    EXPECT_EQ(first_.received, "");
}

}  // namespace
}  // namespace portreeve::ssh
