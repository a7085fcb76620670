// What a person sees who logs in without -N, as a real client sees it.

#include "daemon/console.h"

#include <gmock/gmock.h>

#include "tests/unit/daemon/console_seen.h"

namespace portreeve::daemon {
namespace {

using test::ConsoleSeen;

TEST_F(ConsoleSeen, ShowsTheSummaryAndWhatFollows) {
    EXPECT_EQ(on_peer([this] { return ssh_channel_request_shell(channel_); }), SSH_OK);
    with_.console.show("three\n");
    EXPECT_EQ(on_peer([this] { return ssh::testing::read_bytes(channel_, 14); }),
              "one\ntwo\nthree\n");
}

TEST_F(ConsoleSeen, ShowsNothingBeforeAShellIsAskedFor) {
    with_.console.show("too early\n");
    EXPECT_EQ(on_peer([this] { return ssh_channel_request_shell(channel_); }), SSH_OK);
    EXPECT_EQ(on_peer([this] { return ssh::testing::read_bytes(channel_, 8); }), "one\ntwo\n");
}

TEST_F(ConsoleSeen, EndsLinesAsATerminalNeedsThem) {
    on_peer([this] {
        EXPECT_EQ(ssh_channel_request_pty_size(channel_, "dumb", 80, 24), SSH_OK);
        EXPECT_EQ(ssh_channel_request_shell(channel_), SSH_OK);
    });
    EXPECT_EQ(on_peer([this] { return ssh::testing::read_bytes(channel_, 10); }), "one\r\ntwo\r\n");
}

TEST_F(ConsoleSeen, EndsByControlCOnATerminal) {
    on_peer([this] {
        EXPECT_EQ(ssh_channel_request_pty_size(channel_, "dumb", 80, 24), SSH_OK);
        EXPECT_EQ(ssh_channel_request_shell(channel_), SSH_OK);
        EXPECT_TRUE(ssh::testing::write_bytes(channel_, "abc\x03"));
        EXPECT_EQ(ssh::testing::read_to_end(channel_), "one\r\ntwo\r\n\r\n");
        EXPECT_EQ(ssh_channel_get_exit_status(channel_), 130);
    });
    EXPECT_EQ(with_.closed, 1);
}

TEST_F(ConsoleSeen, TakesControlCForDataWithoutATerminal) {
    on_peer([this] {
        EXPECT_EQ(ssh_channel_request_shell(channel_), SSH_OK);
        EXPECT_TRUE(ssh::testing::write_bytes(channel_, "\x03"));
        ssh_channel_send_eof(channel_);
    });
    ASSERT_TRUE(bench.rest());
    EXPECT_EQ(with_.closed, 0) << "`ssh … </dev/null` goes on";
}

TEST_F(ConsoleSeen, AnswersACommandAndEnds) {
    on_peer([this] {
        EXPECT_EQ(ssh_channel_request_exec(channel_, "uptime"), SSH_OK);
        EXPECT_EQ(ssh::testing::read_to_end(channel_), "you said uptime\n");
        char text[200] = {};
        EXPECT_GT(ssh_channel_read(channel_, text, sizeof(text) - 1, 1), 0);
        EXPECT_STREQ(text, "that is wrong\n");
        EXPECT_EQ(ssh_channel_get_exit_status(channel_), 7);
    });
    EXPECT_EQ(with_.closed, 1);
}

TEST_F(ConsoleSeen, GoesOnAfterWordsAboutTheSession) {
    EXPECT_EQ(on_peer([this] { return ssh_channel_request_exec(channel_, "words"); }), SSH_OK);
    with_.console.end("bye\n", 0);
    on_peer([this] { EXPECT_EQ(ssh::testing::read_to_end(channel_), "three\none\ntwo\nbye\n"); });
}

TEST_F(ConsoleSeen, SaysItsLastWords) {
    EXPECT_EQ(on_peer([this] { return ssh_channel_request_shell(channel_); }), SSH_OK);
    with_.console.end("bye\n", 3);
    on_peer([this] {
        EXPECT_EQ(ssh::testing::read_to_end(channel_), "one\ntwo\nbye\n");
        EXPECT_EQ(ssh_channel_get_exit_status(channel_), 3);
    });
    EXPECT_EQ(with_.closed, 1);
    with_.console.show("nobody hears this\n");
    with_.console.end("nor this\n", 0);
    EXPECT_EQ(with_.closed, 1);
}

TEST_F(ConsoleSeen, NoticesThatItsClientClosed) {
    on_peer([this] { ssh_channel_close(channel_); });
    EXPECT_TRUE(bench.until([this] { return with_.closed == 1; }));
}

}  // namespace
}  // namespace portreeve::daemon
