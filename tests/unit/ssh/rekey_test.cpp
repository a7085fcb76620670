// A new key exchange in the middle of everything: started by the peer under load, and started by a
// peer that never goes through with it.

#include <gmock/gmock.h>

#include <atomic>

#include "tests/unit/ssh/conversation.h"

namespace portreeve::ssh {
namespace {

using testing::Conversation;
using testing::difference;
using testing::noise;
using testing::RecordingUser;

class Rekey : public Conversation {
  protected:
    void SetUp() override {
        // The peer asks for new keys after this many bytes in either direction.
        ssh_options_set(peer->handle(), SSH_OPTIONS_REKEY_DATA, &kRekeyBytes);
        log_in();
        far = carry(user);
    }

    // The peer starts an exchange by writing past its limit, and then says nothing more.
    void begin_without_end() {
        on_peer_alone([this] {
            ssh_set_blocking(peer->handle(), 0);
            const std::string piece = noise(16'384, 1);
            for (int count = 0; count < 8; ++count) {
                ssh_channel_write(far, piece.data(), static_cast<std::uint32_t>(piece.size()));
            }
        });
        ASSERT_TRUE(bench.rest());
    }

    static constexpr std::uint64_t kRekeyBytes = 32'768;
    RecordingUser user;
    ssh_channel far = nullptr;
    // What the peer waits for, so that it goes through with an exchange that its last bytes began.
    std::atomic<bool> done_ = false;
};

TEST_F(Rekey, UnderLoadFromThePeer) {
    const std::string bytes = noise(2'000'000, 1);
    start_on_peer([&] {
        EXPECT_TRUE(testing::write_bytes(far, bytes, 10'000));
        ssh_channel_send_eof(far);
        peer->serve_until([this] { return done_.load(); });
    });
    EXPECT_TRUE(bench.until([&] { return user.eofs == 1; }));
    done_ = true;
    finish_on_peer();
    EXPECT_EQ(difference(user.received, bytes), "");
}

TEST_F(Rekey, UnderLoadToThePeer) {
    const std::string bytes = noise(2'000'000, 2);
    user.send(bytes, true, 20'000);
    EXPECT_EQ(difference(on_peer([this] { return testing::read_to_end(far); }), bytes), "");
    EXPECT_EQ(user.unsent_bytes(), 0U);
}

TEST_F(Rekey, UnderLoadBothWays) {
    const std::string up = noise(1'000'000, 3);
    const std::string down = noise(1'000'000, 4);
    std::string got;
    user.send(down, true, 10'000);
    start_on_peer([&] {
        for (std::size_t done = 0; done < up.size(); done += 10'000) {
            EXPECT_TRUE(testing::write_bytes(far, up.substr(done, 10'000)));
            got +=
                testing::read_bytes(far, std::min<std::size_t>(10'000, down.size() - got.size()));
        }
        ssh_channel_send_eof(far);
        got += testing::read_to_end(far);
        peer->serve_until([this] { return done_.load(); });
    });
    EXPECT_TRUE(bench.until([&] { return user.eofs == 1; }));
    done_ = true;
    finish_on_peer();
    EXPECT_EQ(difference(user.received, up), "");
    EXPECT_EQ(difference(got, down), "");
}

TEST_F(Rekey, APeerThatNeverFinishesStopsTheWriters) {
    begin_without_end();
    user.send(noise(50'000'000, 5));
    ASSERT_TRUE(bench.rest());
    // One write may be on its way when the exchange begins; after that nothing is taken.
    EXPECT_GE(user.unsent_bytes(), 50'000'000U - 2 * 65'536);
    EXPECT_TRUE(session->congested());
    EXPECT_EQ(user.channel->writable_bytes(), 0U);
    EXPECT_EQ(user.writable, 0);
    EXPECT_EQ(owner.ended, 0);
}

TEST_F(Rekey, WhatWaitedGoesOutInOrderWhenThePeerFinishesAfterAll) {
    begin_without_end();
    const std::string bytes = noise(500'000, 6);
    user.send(bytes, true);
    ASSERT_TRUE(bench.rest());
    ASSERT_GT(user.unsent_bytes(), 0U);
    const std::string got = on_peer([this] {
        ssh_set_blocking(peer->handle(), 1);
        return testing::read_to_end(far);
    });
    EXPECT_EQ(difference(got, bytes), "");
    EXPECT_FALSE(session->congested());
}

class WordsSpokenMeanwhile : public Rekey {
  protected:
    // Ends the channel after what was said, and checks how that arrives once the exchange is over.
    void arrive_before_the_end(const std::string& out, const std::string& error) {
        user.channel->send_exit_status(7);
        user.leave();
        ASSERT_TRUE(bench.rest());
        start_on_peer([&, this] {
            ssh_set_blocking(peer->handle(), 1);
            EXPECT_EQ(testing::read_to_end(far), out);
            char text[16] = {};
            EXPECT_EQ(ssh_channel_read(far, text, sizeof(text), 1), static_cast<int>(error.size()));
            EXPECT_EQ(text, error);
            EXPECT_EQ(ssh_channel_get_exit_status(far), 7);
            ssh_channel_close(far);
            peer->serve_until([this] { return done_.load(); });
        });
        EXPECT_TRUE(bench.until([this] { return session->channel_count() == 0; }));
        done_ = true;
        finish_on_peer();
    }
};

TEST_F(WordsSpokenMeanwhile, OnBothStreams) {
    begin_without_end();
    user.channel->write_later("out");
    user.channel->write_error_later("error");
    arrive_before_the_end("out", "error");
}

TEST_F(WordsSpokenMeanwhile, OnTheErrorStreamAlone) {
    begin_without_end();
    user.channel->write_error_later("error");
    arrive_before_the_end("", "error");
}

TEST_F(Rekey, KeepaliveDropsAPeerThatNeverFinishes) {
    begin_without_end();
    for (int interval = 0; interval < 3; ++interval) {
        EXPECT_EQ(owner.ended, 0);
        bench.advance_ms(15'001);
        ASSERT_TRUE(bench.rest());
    }
    EXPECT_EQ(owner.ended, 1);
    EXPECT_EQ(user.closed, 1);
}

TEST_F(Rekey, ASessionThatEndsMeanwhileEnds) {
    begin_without_end();
    user.send(noise(200'000, 7));
    session->end("stopping", "the server is stopping");
    wait_for_end();
    EXPECT_EQ(user.closed, 1);
    peer->vanish();
    EXPECT_TRUE(bench.until([this] { return owner.joined == 1; }));
}

}  // namespace
}  // namespace portreeve::ssh
