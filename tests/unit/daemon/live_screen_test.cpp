// A live screen as the terminal of a real client is told to show it.

#include "daemon/live_screen.h"

#include <gmock/gmock.h>

#include "tests/unit/daemon/console_seen.h"

namespace portreeve::daemon {
namespace {

using test::name_lease;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr const char* kLastLine = "ends this";

class OnTerminal : public test::ConsoleSeen {
  protected:
    // The rows of tests are short, but for those that are about length.
    std::string open_screen(int columns = 80, int rows = 24, const std::string& term = "xterm") {
        on_peer([&] {
            EXPECT_EQ(ssh_channel_request_pty_size(channel_, term.c_str(), columns, rows), SSH_OK);
            EXPECT_EQ(ssh_channel_request_shell(channel_), SSH_OK);
        });
        return read_until(kLastLine);
    }
    void add_tunnel(const std::string& name, const std::string& whose = test::kOwner) {
        tunnels_.push_back(with_.leases.restore(name_lease(name, whose), {}, {}).lease);
    }
    void type(const std::string& keys) {
        on_peer([&] { EXPECT_TRUE(ssh::testing::write_bytes(channel_, keys)); });
    }
    void resize(int columns, int rows) {
        on_peer([&] { EXPECT_EQ(ssh_channel_change_pty_size(channel_, columns, rows), SSH_OK); });
    }
    // What comes until the end, and the status of it.
    std::string read_to_end(int status) {
        return on_peer([&] {
            std::string all = unread_ + ssh::testing::read_to_end(channel_);
            EXPECT_EQ(ssh_channel_get_exit_status(channel_), status);
            ssh_channel_close(channel_);
            return all;
        });
    }

    std::vector<LeasePtr> tunnels_;
};

TEST_F(OnTerminal, AScreenComesAfterTheLinesThatStay) {
    add_tunnel("pc42");
    add_tunnel("anothers", "SHA256:other");
    const std::string seen = open_screen();
    EXPECT_THAT(seen, StartsWith("one\r\n" + std::string(screen_begin()) + "\x1b[m\x1b[H"));
    EXPECT_THAT(seen, HasSubstr("pc42:22"));
    EXPECT_THAT(seen, Not(HasSubstr("anothers")));
    EXPECT_EQ(with_.owners.screens(), 1U);
}

TEST_F(OnTerminal, ATerminalThatCannotDrawGetsLines) {
    on_peer([this] {
        EXPECT_EQ(ssh_channel_request_pty_size(channel_, "dumb", 80, 24), SSH_OK);
        EXPECT_EQ(ssh_channel_request_shell(channel_), SSH_OK);
    });
    EXPECT_EQ(read_until("two\r\n"), "one\r\ntwo\r\n");
    EXPECT_EQ(with_.owners.screens(), 0U);
}

TEST_F(OnTerminal, AKeyThatMayHaveNoTerminalGetsLines) {
    with_.permits_pty = false;
    on_peer([this] {
        EXPECT_EQ(ssh_channel_request_pty_size(channel_, "xterm", 80, 24), SSH_ERROR);
        EXPECT_EQ(ssh_channel_request_shell(channel_), SSH_OK);
    });
    EXPECT_EQ(read_until("two\n"), "one\ntwo\n");
}

TEST_F(OnTerminal, WhatChangesIsPaintedAndNothingElse) {
    open_screen();
    bench.advance_ms(10 * LiveScreen::kLookMs);
    ASSERT_TRUE(bench.rest());
    add_tunnel("pc42");
    bench.advance_ms(LiveScreen::kLookMs);
    EXPECT_EQ(read_until("ann"),
              "\x1b[1;12H\x1b[K\x1b[1m1 tunnel open, 0 held; visitors 0 of 0; 0 B in, 0 B out\x1b[m"
              "\x1b[2;1H\x1b[K\x1b[1mADDRESS  STATE  VISITORS  IN   OUT  USER\x1b[m"
              "\x1b[3;1H\x1b[Kpc42:22  open   0 of 0    0 B  0 B  ann");
    tunnels_[0]->traffic().visitor_came();
    bench.advance_ms(LiveScreen::kLookMs);
    EXPECT_THAT(read_until("1 of 1    "), HasSubstr("\x1b[3;17H\x1b[K1 of 1"));
}

TEST_F(OnTerminal, AnotherSizeIsPaintedAtOnce) {
    open_screen();
    resize(20, 5);
    bench.advance_ms(LiveScreen::kRepaintMs);
    EXPECT_THAT(read_until("\x1b[5;1Hq, Ctrl-C or Ctrl-D "),
                HasSubstr("\x1b[1;1H\x1b[1mportreeve: 0 tunnels\x1b[m"));
    resize(0, -1);
    bench.advance_ms(LiveScreen::kRepaintMs);
    EXPECT_THAT(read_until(kLastLine), HasSubstr("\x1b[200;1Hq,"));
}

TEST_F(OnTerminal, TheTerminalIsPutBackAndASummaryStays) {
    add_tunnel("pc42");
    open_screen();
    type("x\x1b[A\x1bOqy");  // not a q but a key of the keypad
    type("q");
    EXPECT_THAT(read_to_end(0), EndsWith(std::string(screen_end()) +
                                         "portreeve: 1 tunnel open, 0 held; visitors 0 of 0; "
                                         "0 B in, 0 B out\r\n"));
    EXPECT_EQ(with_.closed, 1);
    EXPECT_EQ(with_.owners.screens(), 0U);
}

TEST_F(OnTerminal, ControlCEndsItAsItEndsLines) {
    open_screen();
    type("\x03");
    EXPECT_THAT(read_to_end(130), HasSubstr(std::string(screen_end())));
}

TEST_F(OnTerminal, ControlDEndsIt) {
    open_screen();
    type("\x04");
    EXPECT_THAT(read_to_end(0), HasSubstr(std::string(screen_end())));
}

TEST_F(OnTerminal, ControlLPaintsAllOfIt) {
    const std::string first = open_screen();
    type("\x0c");
    bench.advance_ms(LiveScreen::kRepaintMs);
    EXPECT_THAT(first, EndsWith(read_until(kLastLine)));
}

TEST_F(OnTerminal, MessagesAreShownAndRepeatedWhereTheyStay) {
    with_.notices = "portreeve: an old one\n";
    const std::string seen = open_screen();
    EXPECT_THAT(seen, StartsWith("one\r\nportreeve: an old one\r\n"));
    EXPECT_THAT(seen, HasSubstr("\x1b[23;1Han old one"));
    with_.console.show("portreeve: refused localhost:80\nportreeve: closed\n");
    bench.advance_ms(LiveScreen::kRepaintMs);
    const std::string then = read_until(kLastLine);
    EXPECT_THAT(then, StartsWith("\x1b[m\x1b[H\x1b[2J")) << "ssh may have written there too";
    EXPECT_THAT(then, HasSubstr("\x1b[22;1Hrefused localhost:80\x1b[23;1Hclosed"));
    type("q");
    EXPECT_THAT(
        read_to_end(0),
        StartsWith(std::string(screen_end()) +
                   "portreeve: refused localhost:80\r\nportreeve: closed\r\nportreeve: 0 "));
}

TEST_F(OnTerminal, OnlyTheLastMessagesAreKept) {
    open_screen();
    for (int number = 10; number < 30; ++number) {
        with_.console.show("number " + std::to_string(number) + "\n");
    }
    type("q");
    EXPECT_THAT(read_to_end(0), HasSubstr(std::string(screen_end()) + "number 25\r\n"));
}

TEST_F(OnTerminal, ASessionThatTheServerEndsPutsTheTerminalBack) {
    open_screen();
    session_->end("stopping", "the server is stopping");
    const std::string seen = read_to_end(255);
    EXPECT_THAT(seen, HasSubstr(std::string(screen_end())));
    EXPECT_THAT(seen, EndsWith("portreeve: the server is stopping\r\n"));
}

TEST_F(OnTerminal, AFrameAfterAnErrorIsWhole) {
    add_tunnel("pc42");
    open_screen();
    with_.leases.note_error(tunnels_[0], {"target_refused", "Connection refused"});
    bench.advance_ms(LiveScreen::kLookMs);
    const std::string seen = read_until(kLastLine);
    EXPECT_THAT(seen, HasSubstr("target_refused: Connection refused"));
    EXPECT_THAT(seen, StartsWith("\x1b[m\x1b[H\x1b[2J")) << "ssh has written there too";
}

// Its window is of 1.3 MB, and then it does not read.
TEST_F(OnTerminal, AClientThatDoesNotReadHasOneFrameWaiting) {
    for (int number = 100; number < 300; ++number) {
        add_tunnel(std::string(150, 'a') + std::to_string(number));
    }
    const std::string first = open_screen(200, 200);
    const auto waiting = [this] { return with_.channel->unsaid_bytes(); };
    for (int times = 0; times < 100 && waiting() == 0; ++times) {
        on_peer([&] { ssh_channel_change_pty_size(channel_, 200 - times % 2, 200); });
        bench.advance_ms(LiveScreen::kRepaintMs);
        ASSERT_TRUE(bench.rest());
        on_peer([this] { peer->answer(); });  // takes from the connection what is there
        ASSERT_TRUE(bench.rest());
    }
    EXPECT_GT(waiting(), 0U) << "the window was never shut";
    for (int times = 0; times < 10; ++times) {
        on_peer([&] { ssh_channel_change_pty_size(channel_, 180 - times, 200); });
        bench.advance_ms(LiveScreen::kLookMs);
        ASSERT_TRUE(bench.rest());
    }
    EXPECT_LE(waiting(), first.size());
    resize(80, 7);
    EXPECT_THAT(read_until("\x1b[7;1Hq"), HasSubstr("and 197 more")) << "what is true now";
}

TEST(LiveScreenPause, IsLongerTheLongerLooksTakeAndTheMoreScreensThereAre) {
    using std::chrono::microseconds;
    EXPECT_EQ(LiveScreen::pause_ms(microseconds(100), 1), LiveScreen::kLookMs);
    EXPECT_EQ(LiveScreen::pause_ms(microseconds(2'000), 10), 1'000);
    EXPECT_EQ(LiveScreen::pause_ms(microseconds(2'000), 100), 10'000);
    EXPECT_EQ(LiveScreen::pause_ms(microseconds(20'000), 10'000), LiveScreen::kLookMsMax);
}

}  // namespace
}  // namespace portreeve::daemon
