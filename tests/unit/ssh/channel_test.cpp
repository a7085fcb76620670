// One channel, direction by direction: every byte in order, each side's end on its own, and
// back-pressure that neither loses, nor hoards, nor sleeps through its end.

#include "ssh/channel.h"

#include <gmock/gmock.h>

#include <atomic>
#include <random>

#include "tests/unit/ssh/conversation.h"

namespace portreeve::ssh {
namespace {

using testing::Conversation;
using testing::difference;
using testing::noise;
using testing::RecordingUser;

class Carried : public Conversation {
  protected:
    void SetUp() override {
        log_in();
        far = carry(user);
    }

    // Writes until the window stays shut, or it is clear that it never will; returns how much that
    // was.
    std::size_t fill(ssh_channel channel) {
        std::size_t filled = 0;
        for (std::size_t last = 1; last > 0 && filled < kClearlyTooMuch;) {
            last = on_peer([=, this] {
                peer->answer();
                const std::size_t window = ssh_channel_window_size(channel);
                return testing::write_bytes(channel, noise(window, 9)) ? window : 0;
            });
            filled += last;
            EXPECT_TRUE(bench.rest());
        }
        return filled;
    }

    static constexpr std::size_t kClearlyTooMuch = 20'000'000;

    RecordingUser user;
    ssh_channel far = nullptr;
};

TEST_F(Carried, BytesArriveUnchangedAtThePeer) {
    std::mt19937 random(1);
    const std::string bytes = noise(3'000'000, 1);
    std::string got;
    start_on_peer([&] {
        while (got.size() < bytes.size()) {
            const std::size_t count =
                std::min<std::size_t>(1 + random() % 70'000, bytes.size() - got.size());
            const std::string part = testing::read_bytes(far, count);
            if (part.empty()) {
                break;
            }
            got += part;
        }
    });
    std::mt19937 sizes(2);
    for (std::size_t done = 0; done < bytes.size();) {
        const std::size_t count = std::min<std::size_t>(1 + sizes() % 100'000, bytes.size() - done);
        user.send(bytes.substr(done, count), false, 1 + sizes() % 40'000);
        done += count;
        ASSERT_TRUE(bench.until([&] { return user.unsent_bytes() == 0; }));
    }
    finish_on_peer();
    EXPECT_EQ(difference(got, bytes), "");
}

TEST_F(Carried, BytesArriveUnchangedFromThePeer) {
    std::mt19937 random(3);
    const std::string bytes = noise(3'000'000, 2);
    user.room = 0;
    start_on_peer([&] {
        std::mt19937 sizes(4);
        for (std::size_t done = 0; done < bytes.size();) {
            const std::size_t count =
                std::min<std::size_t>(1 + sizes() % 50'000, bytes.size() - done);
            ASSERT_TRUE(testing::write_bytes(far, bytes.substr(done, count)));
            done += count;
        }
        ssh_channel_send_eof(far);
    });
    EXPECT_TRUE(bench.until([&] {
        if (user.room == 0) {
            user.take(1 + random() % 60'000);
        }
        return user.eofs > 0;
    }));
    finish_on_peer();
    EXPECT_EQ(difference(user.received, bytes), "");
}

TEST_F(Carried, BothDirectionsAtOnce) {
    const std::string up = noise(1'500'000, 5);
    const std::string down = noise(1'500'000, 6);
    std::string got;
    user.send(down, true);
    start_on_peer([&] {
        ssh_channel_set_blocking(far, 1);
        for (std::size_t done = 0; done < up.size(); done += 10'000) {
            ASSERT_TRUE(testing::write_bytes(far, up.substr(done, 10'000)));
            got +=
                testing::read_bytes(far, std::min<std::size_t>(10'000, down.size() - got.size()));
        }
        ssh_channel_send_eof(far);
        got += testing::read_to_end(far);
    });
    EXPECT_TRUE(bench.until([&] { return user.eofs == 1; }));
    finish_on_peer();
    EXPECT_EQ(difference(user.received, up), "");
    EXPECT_EQ(difference(got, down), "");
}

TEST_F(Carried, ThePeerMayEndItsDirectionAndStillListen) {
    on_peer([this] {
        ASSERT_TRUE(testing::write_bytes(far, "question"));
        ssh_channel_send_eof(far);
    });
    EXPECT_TRUE(bench.until([&] { return user.eofs == 1; }));
    EXPECT_EQ(user.received, "question");
    const std::string answer = noise(200'000, 7);
    user.send(answer, true);
    EXPECT_EQ(difference(on_peer([this] { return testing::read_to_end(far); }), answer), "");
    EXPECT_EQ(user.closed, 0);
    EXPECT_EQ(session->channel_count(), 1U);
}

TEST_F(Carried, ThisSideMayEndItsDirectionAndStillListen) {
    user.send("question", true);
    EXPECT_EQ(on_peer([this] { return testing::read_to_end(far); }), "question");
    const std::string answer = noise(200'000, 8);
    on_peer([&] {
        EXPECT_TRUE(testing::write_bytes(far, answer));
        ssh_channel_send_eof(far);
    });
    EXPECT_TRUE(bench.until([&] { return user.eofs == 1; }));
    EXPECT_EQ(difference(user.received, answer), "");
    EXPECT_EQ(user.closed, 0);
    user.leave();
    on_peer([this] {
        EXPECT_EQ(testing::read_to_end(far), "");
        ssh_channel_close(far);
    });
    EXPECT_TRUE(bench.until([this] { return session->channel_count() == 0; }));
}

TEST_F(Carried, EofWaitsForWhatWasNotTaken) {
    user.room = 0;
    on_peer([this] {
        ASSERT_TRUE(testing::write_bytes(far, "left behind"));
        ssh_channel_send_eof(far);
    });
    ASSERT_TRUE(bench.rest());
    EXPECT_EQ(user.eofs, 0);
    user.take(4);
    ASSERT_TRUE(bench.rest());
    EXPECT_EQ(user.received, "left");
    EXPECT_EQ(user.eofs, 0);
    user.take(100);
    EXPECT_TRUE(bench.until([&] { return user.eofs == 1; }));
    EXPECT_EQ(user.received, "left behind");
}

TEST_F(Carried, WhatThePeerLeftBehindItsCloseIsStillDelivered) {
    const std::string bytes = noise(25'000, 9);
    user.room = 0;
    on_peer([&] {
        ASSERT_TRUE(testing::write_bytes(far, bytes));
        ssh_channel_close(far);
    });
    ASSERT_TRUE(bench.rest());
    EXPECT_EQ(user.closed, 0);
    user.take(10'000);
    ASSERT_TRUE(bench.rest());
    EXPECT_EQ(user.closed, 0);
    user.take(1'000'000);
    EXPECT_TRUE(bench.until([&] { return user.closed == 1; }));
    EXPECT_EQ(difference(user.received, bytes), "");
    EXPECT_EQ(session->channel_count(), 0U);
}

TEST_F(Carried, ClosingDropsWhatWasNotTaken) {
    user.room = 0;
    on_peer([this] { ASSERT_TRUE(testing::write_bytes(far, noise(25'000, 1))); });
    ASSERT_TRUE(bench.rest());
    user.leave();
    on_peer([this] {
        EXPECT_EQ(testing::read_to_end(far), "");
        ssh_channel_close(far);
    });
    EXPECT_TRUE(bench.until([this] { return session->channel_count() == 0; }));
    EXPECT_EQ(user.closed, 0);
}

TEST_F(Carried, AfterCloseWhatStillComesIsDropped) {
    user.leave();
    on_peer_alone([this] {
        ASSERT_TRUE(testing::write_bytes(far, noise(20'000, 1)));
        ssh_channel_close(far);
    });
    EXPECT_TRUE(bench.until([this] { return session->channel_count() == 0; }));
    EXPECT_EQ(user.received, "");
}

TEST_F(Carried, AClosedWindowStopsTheWriterAndAnOpenedOneWakesIt) {
    const std::string bytes = noise(5'000'000, 3);
    user.send(bytes);
    ASSERT_TRUE(bench.rest());
    ASSERT_GT(user.unsent_bytes(), 0U) << "the peer reads nothing, so its window must shut";
    EXPECT_EQ(user.channel->writable_bytes(), 0U);
    const int woken = user.writable;
    const std::string got = on_peer([&] { return testing::read_bytes(far, bytes.size()); });
    EXPECT_EQ(difference(got, bytes), "");
    EXPECT_EQ(user.unsent_bytes(), 0U);
    EXPECT_GT(user.writable, woken);
}

TEST_F(Carried, AStalledWriterLeavesItsNeighboursAlone) {
    RecordingUser other;
    ssh_channel far_other = carry(other);
    user.room = 0;
    fill(far);
    const std::string bytes = noise(4'000'000, 4);
    other.send(bytes);
    start_on_peer([&] { EXPECT_TRUE(testing::write_bytes(far_other, bytes)); });
    EXPECT_TRUE(bench.until([&] { return other.received.size() == bytes.size(); }));
    finish_on_peer();
    EXPECT_EQ(
        difference(on_peer([&] { return testing::read_bytes(far_other, bytes.size()); }), bytes),
        "");
    EXPECT_EQ(user.received, "");
}

// What libssh and the channel hold for a user that does not take it.
constexpr std::size_t kHeldBytesMax = std::size_t{4} * 1024 * 1024;

TEST_F(Carried, AUserThatTakesNothingShutsThePeersWindow) {
    user.room = 0;
    EXPECT_LT(fill(far), kHeldBytesMax);
    EXPECT_EQ(user.received, "");
}

// libssh opens the window anew at each read, however much it still holds.
TEST_F(Carried, AUserThatTakesLittleByLittleDoesNotGrowTheBacklog) {
    user.room = 0;
    std::size_t sent = fill(far);
    for (int step = 0; step < 30; ++step) {
        user.take(1'000);
        ASSERT_TRUE(bench.rest());
        sent += fill(far);
        ASSERT_LT(sent - user.received.size(), kHeldBytesMax) << "after step " << step;
    }
    EXPECT_EQ(user.received.size(), 30'000U);
}

// A peer that takes its window for larger than it is; libssh has no way to set it, but it can be
// found.
bool forge_window(ssh_channel channel, std::uint32_t window) {
    constexpr std::size_t kPlacesMax = 24;
    const std::uint32_t real = ssh_channel_window_size(channel);
    auto* places = reinterpret_cast<std::uint32_t*>(channel);
    for (std::size_t place = 0; place < kPlacesMax; ++place) {
        if (places[place] == real) {
            places[place] = window;
            if (ssh_channel_window_size(channel) == window) {
                return true;
            }
            places[place] = real;
        }
    }
    return false;
}

TEST_F(Carried, APeerThatOverrunsItsWindowIsEnded) {
    user.room = 0;
    fill(far);
    on_peer([this] {
        ASSERT_TRUE(forge_window(far, 50'000'000));
        static_cast<void>(testing::write_bytes(far, noise(10'000'000, 1)));
    });
    wait_for_end();
    EXPECT_EQ(owner.end_reason, "protocol");
    EXPECT_EQ(user.closed, 1);
}

TEST_F(Carried, WritingToAPeerThatClosedIsHarmless) {
    on_peer_alone([this] { ssh_channel_close(far); });
    Channel* channel = user.channel;
    channel->write(std::as_bytes(std::span(std::string_view("too late"))));
    EXPECT_TRUE(bench.until([&] { return user.closed == 1; }));
    EXPECT_NE(channel, user.channel);
    EXPECT_EQ(owner.ended, 0);
}

}  // namespace
}  // namespace portreeve::ssh
