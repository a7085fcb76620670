// A client that takes a channel, writes, and closes it before the server looks: what it wrote was
// once lost, because a channel that is closed already was taken for one that was refused.

#include <gmock/gmock.h>

#include "tests/unit/ssh/conversation.h"

namespace portreeve::ssh::testing {
namespace {

class FlashRegression : public Conversation {
  protected:
    FlashRegression() { log_in(); }

    void open(RecordingUser& user) {
        user.channel = session->open_forwarded("localhost", 80, "127.0.0.1", 1234, user);
        ASSERT_NE(user.channel, nullptr);
        ASSERT_TRUE(bench.rest());
    }
    void take_write_and_close() {
        on_peer_alone([&] {
            ssh_channel channel = peer->accept();
            EXPECT_NE(channel, nullptr);
            EXPECT_TRUE(write_bytes(channel, kWords));
            ssh_channel_send_eof(channel);
            ssh_channel_close(channel);
            ssh_channel_close(channel);
        });
    }
    const std::string kWords = "220 hello and goodbye\r\n";
};

TEST_F(FlashRegression, KeepsWhatWasWrittenBeforeTheServerLooked) {
    RecordingUser user;
    open(user);
    take_write_and_close();
    EXPECT_TRUE(bench.until([&] { return user.closed + user.refused > 0; }));
    EXPECT_EQ(user.refused, 0) << user.refusal;
    EXPECT_EQ(user.opened, 1);
    EXPECT_EQ(user.closed, 1);
    EXPECT_EQ(user.received, kWords);
}

TEST_F(FlashRegression, KeepsItAlsoWhileThereIsNoRoom) {
    RecordingUser user;
    user.room = 4;
    open(user);
    take_write_and_close();
    EXPECT_TRUE(bench.until([&] { return user.received.size() >= 4; }));
    EXPECT_TRUE(bench.rest());
    user.take(1000);
    EXPECT_TRUE(bench.until([&] { return user.closed + user.refused > 0; }));
    EXPECT_EQ(user.refused, 0) << user.refusal;
    EXPECT_EQ(user.received, kWords);
}

}  // namespace
}  // namespace portreeve::ssh::testing
