// What a session does between login and end: forwards, channels coming and going, and telling each
// of its users exactly once that it is over.

#include "ssh/session.h"

#include <gmock/gmock.h>
#include <libssh/callbacks.h>
#include <libssh/server.h>

#include <deque>

#include "tests/unit/ssh/conversation.h"

namespace portreeve::ssh {
namespace {

using testing::Conversation;
using ::testing::HasSubstr;
using testing::RecordingUser;

class LoggedIn : public Conversation {
  protected:
    void SetUp() override { log_in(); }

    // The port that the server granted, or 0.
    int ask(const char* address, int port) {
        return on_peer([=, this] {
            int bound = 0;
            const int rc = ssh_channel_listen_forward(peer->handle(), address, port, &bound);
            return rc == SSH_OK ? (bound == 0 ? port : bound) : 0;
        });
    }
    bool cancel(const char* address, int port) {
        return on_peer([=, this] {
            return ssh_channel_cancel_forward(peer->handle(), address, port) == SSH_OK;
        });
    }
};

TEST_F(LoggedIn, AForwardIsGrantedOnThePortThatTheOwnerSays) {
    owner.grant = [](const ForwardWish&) { return std::uint16_t{20'001}; };
    EXPECT_EQ(ask("localhost", 0), 20'001);
    ASSERT_EQ(owner.forwards.size(), 1U);
    EXPECT_EQ(owner.forwards[0].address, "localhost");
    EXPECT_EQ(owner.forwards[0].port, 0U);
}

TEST_F(LoggedIn, AForwardIsRefusedByZero) {
    EXPECT_EQ(ask("", 8080), 0);
    ASSERT_EQ(owner.forwards.size(), 1U);
    EXPECT_EQ(owner.forwards[0].port, 8080U);
}

TEST_F(LoggedIn, RepliesComeInTheOrderOfTheWishes) {
    owner.grant = [](const ForwardWish& wish) {
        return static_cast<std::uint16_t>(wish.port == 22  ? 0
                                          : wish.port == 0 ? 20'002
                                                           : wish.port);
    };
    EXPECT_EQ(ask("", 8080), 8080);
    EXPECT_EQ(ask("", 22), 0);
    EXPECT_EQ(ask("*", 0), 20'002);
    EXPECT_TRUE(cancel("", 8080));
    EXPECT_FALSE(cancel("", 8081));
    EXPECT_TRUE(cancel("*", 20'002));
    EXPECT_EQ(owner.forwards.size(), 3U);
    EXPECT_EQ(owner.cancels.size(), 3U);
}

TEST_F(LoggedIn, AChannelCarriesTheAddressesItWasOpenedWith) {
    RecordingUser user;
    user.channel = session->open_forwarded("blog", 8080, "192.0.2.7", 5555, user);
    ASSERT_NE(user.channel, nullptr);
    on_peer([this] {
        ssh_message message = ssh_message_get(peer->handle());
        ASSERT_NE(message, nullptr);
        EXPECT_EQ(ssh_message_subtype(message), SSH_CHANNEL_FORWARDED_TCPIP);
        EXPECT_STREQ(ssh_message_channel_request_open_destination(message), "blog");
        EXPECT_EQ(ssh_message_channel_request_open_destination_port(message), 8080);
        EXPECT_STREQ(ssh_message_channel_request_open_originator(message), "192.0.2.7");
        EXPECT_EQ(ssh_message_channel_request_open_originator_port(message), 5555);
        EXPECT_NE(ssh_message_channel_request_open_reply_accept(message), nullptr);
        ssh_message_free(message);
    });
    EXPECT_TRUE(bench.until([&] { return user.opened == 1; }));
    EXPECT_TRUE(user.channel->open());
}

TEST_F(LoggedIn, AChannelThatThePeerRefusesIsGone) {
    RecordingUser user;
    user.channel = session->open_forwarded("localhost", 1, "192.0.2.7", 5555, user);
    EXPECT_TRUE(on_peer([this] { return peer->refuse(); }));
    EXPECT_TRUE(bench.until([&] { return user.refused == 1; }));
    EXPECT_NE(user.refusal, "");
    EXPECT_EQ(user.opened, 0);
    EXPECT_EQ(session->channel_count(), 0U);
    ASSERT_TRUE(bench.rest());
    EXPECT_EQ(user.closed, 0) << "refused is the end of it";
}

TEST_F(LoggedIn, OneRefusalLeavesTheOtherChannelsAlone) {
    RecordingUser first;
    RecordingUser second;
    carry(first);
    second.channel = session->open_forwarded("localhost", 1, "192.0.2.7", 5555, second);
    EXPECT_TRUE(on_peer([this] { return peer->refuse(); }));
    EXPECT_TRUE(bench.until([&] { return second.refused == 1; }));
    EXPECT_EQ(first.closed, 0);
    EXPECT_EQ(session->channel_count(), 1U);
}

// A client that is stopped must not cost its worker anything.
TEST_F(LoggedIn, WaitingForAnAnswerToAnOpenIsWaiting) {
    RecordingUser user;
    user.channel = session->open_forwarded("localhost", 1, "192.0.2.7", 5555, user);
    EXPECT_TRUE(bench.rest()) << "the ring turns and turns while the peer has not answered";
}

TEST_F(LoggedIn, AUserMayLeaveBeforeThePeerAnswers) {
    {
        RecordingUser user;
        user.channel = session->open_forwarded("localhost", 1, "192.0.2.7", 5555, user);
        user.leave();
    }
    ssh_channel taken = on_peer([this] { return peer->accept(); });
    ASSERT_NE(taken, nullptr);
    EXPECT_EQ(on_peer([=] { return testing::read_to_end(taken); }), "");
    on_peer([=] { ssh_channel_close(taken); });
    EXPECT_TRUE(bench.until([this] { return session->channel_count() == 0; }));
}

TEST_F(LoggedIn, ALostSessionTellsEachUserOnce) {
    constexpr int kCount = 40;
    std::deque<RecordingUser> users(kCount);
    for (RecordingUser& user : users) {
        carry(user);
    }
    RecordingUser opening;
    opening.channel = session->open_forwarded("localhost", 1, "192.0.2.7", 5555, opening);
    int told_before_end = 0;
    users[0].send(testing::noise(100'000, 1));
    peer->vanish();
    EXPECT_TRUE(bench.until([&] {
        if (owner.ended == 0) {
            return false;
        }
        for (const RecordingUser& user : users) {
            told_before_end += user.closed;
        }
        return true;
    }));
    EXPECT_EQ(told_before_end, kCount);
    EXPECT_EQ(owner.end_reason, "lost");
    EXPECT_TRUE(bench.until([this] { return owner.joined == 1; }));
    for (const RecordingUser& user : users) {
        EXPECT_EQ(user.closed, 1);
    }
    EXPECT_EQ(opening.closed, 1);
    EXPECT_EQ(opening.refused, 0);
    EXPECT_EQ(session->channel_count(), 0U);
}

TEST_F(LoggedIn, EndDeliversWhatWasWrittenAndThenDisconnects) {
    RecordingUser user;
    ssh_channel channel = carry(user);
    const std::string bytes = testing::noise(30'000, 3);
    user.send(bytes);
    ASSERT_EQ(user.unsent_bytes(), 0U);
    session->end("stopping", "the server is stopping");
    EXPECT_EQ(session->open_forwarded("localhost", 1, "192.0.2.7", 1, user), nullptr);
    wait_for_end();
    EXPECT_EQ(owner.end_reason, "stopping");
    EXPECT_EQ(user.closed, 1);
    std::string got;
    // By callback: after a DISCONNECT libssh's reading functions give nothing more.
    ssh_channel_callbacks_struct collect{};
    collect.userdata = &got;
    collect.channel_data_function = [](ssh_session, ssh_channel, void* data, std::uint32_t count,
                                       int, void* into) {
        static_cast<std::string*>(into)->append(static_cast<const char*>(data), count);
        return static_cast<int>(count);
    };
    ssh_callbacks_init(&collect);
    on_peer([&] {
        ssh_set_channel_callbacks(channel, &collect);
        peer->serve_until([] { return false; });
        EXPECT_THAT(ssh_get_error(peer->handle()), HasSubstr("SSH_MSG_DISCONNECT"));
    });
    EXPECT_EQ(testing::difference(got, bytes), "");
    // The peer that was told hangs up, or it is hung up on.
    bench.advance_ms(Session::kGoodbyeMs + 1);
    EXPECT_TRUE(bench.until([this] { return owner.joined == 1; }));
}

TEST_F(LoggedIn, APeerThatDoesNotReadItsGoodbyeIsCutOff) {
    RecordingUser user;
    carry(user);
    user.send(testing::noise(1'000'000, 4));
    session->end("stopping", "the server is stopping");
    wait_for_end();
    ASSERT_TRUE(bench.rest());
    EXPECT_EQ(owner.joined, 0);
    bench.advance_ms(Session::kGoodbyeMs + 1);
    EXPECT_TRUE(bench.until([this] { return owner.joined == 1; }));
}

TEST_F(LoggedIn, TheFirstReasonToEndHolds) {
    session->end("silent", "one");
    session->end("lost", "two");
    wait_for_end();
    EXPECT_EQ(owner.end_reason, "silent");
    EXPECT_EQ(owner.end_detail, "one");
}

// Session channels: what a client without -N opens.
class WithConsole : public LoggedIn {
  protected:
    RecordingUser console_;

    ssh_channel open_console() {
        owner.console = &console_;
        return on_peer([this] {
            ssh_channel channel = ssh_channel_new(peer->handle());
            return ssh_channel_open_session(channel) == SSH_OK ? channel : nullptr;
        });
    }
};

TEST_F(WithConsole, IsRefusedWhenTheOwnerHasNoUserForIt) {
    const int rc = on_peer([this] {
        ssh_channel channel = ssh_channel_new(peer->handle());
        return ssh_channel_open_session(channel);
    });
    EXPECT_EQ(rc, SSH_ERROR);
    EXPECT_EQ(session->channel_count(), 0U);
}

TEST_F(WithConsole, RequestsAreGrantedOrRefusedByTheUser) {
    ssh_channel channel = open_console();
    ASSERT_NE(channel, nullptr);
    EXPECT_EQ(on_peer([=] { return ssh_channel_request_pty(channel); }), SSH_OK);
    EXPECT_EQ(on_peer([=] { return ssh_channel_request_shell(channel); }), SSH_OK);
    console_.grants_requests = false;
    EXPECT_EQ(on_peer([=] { return ssh_channel_request_exec(channel, "ls"); }), SSH_ERROR);
    EXPECT_THAT(console_.commands, ::testing::ElementsAre("ls"));
    EXPECT_EQ(on_peer([=] { return ssh_channel_request_sftp(channel); }), SSH_ERROR);
}

TEST_F(WithConsole, SaysWhatItHasToSayThenItsStatusThenEnds) {
    ssh_channel channel = open_console();
    ASSERT_NE(channel, nullptr);
    console_.channel->write_later("to the screen\n");
    console_.channel->write_error_later("and what was wrong\n");
    console_.channel->send_exit_status(130);
    console_.leave();
    on_peer([=] {
        EXPECT_EQ(testing::read_to_end(channel), "to the screen\n");
        char text[100] = {};
        const int count = ssh_channel_read(channel, text, sizeof(text), 1);
        EXPECT_EQ(std::string(text, static_cast<std::size_t>(std::max(count, 0))),
                  "and what was wrong\n");
        EXPECT_EQ(ssh_channel_get_exit_status(channel), 130);
        ssh_channel_close(channel);
    });
    EXPECT_TRUE(bench.until([this] { return session->channel_count() == 0; }));
    EXPECT_EQ(console_.closed, 0) << "who closed is told nothing more";
}

TEST_F(WithConsole, IsToldOfTheTerminalAndOfItsSizeWhateverThatIs) {
    ssh_channel channel = open_console();
    ASSERT_NE(channel, nullptr);
    on_peer([=] {
        EXPECT_EQ(ssh_channel_request_pty_size(channel, "xterm", 80, 24), SSH_OK);
        EXPECT_EQ(ssh_channel_change_pty_size(channel, 0, -1), SSH_OK);
    });
    EXPECT_TRUE(bench.until([this] { return console_.terminals.size() == 2; }));
    EXPECT_THAT(console_.terminals, ::testing::ElementsAre("xterm 80x24", "0x4294967295"));
}

TEST_F(WithConsole, HasTheLastWordsWhenTheServerEndsTheSession) {
    ssh_channel channel = open_console();
    ASSERT_NE(channel, nullptr);
    console_.last_words = "bye: ";
    session->end("stopping", "the server is stopping");
    ASSERT_TRUE(bench.rest());
    EXPECT_EQ(owner.ended, 0) << "a DISCONNECT now could overtake them";
    on_peer([=] {
        EXPECT_EQ(testing::read_to_end(channel), "bye: the server is stopping");
        ssh_channel_close(channel);
    });
    wait_for_end();
    EXPECT_EQ(owner.end_reason, "stopping");
}

TEST_F(WithConsole, LastWordsThatNobodyTakesDelayTheEndForAWhileOnly) {
    ASSERT_NE(open_console(), nullptr);
    console_.last_words = "bye: ";
    session->end("stopping", "the server is stopping");
    ASSERT_TRUE(bench.rest());
    EXPECT_EQ(owner.ended, 0);
    bench.advance_ms(Session::kLastWordsMs + 1);
    wait_for_end();
    EXPECT_EQ(owner.end_reason, "stopping");
}

TEST_F(WithConsole, AClientThatGoesDuringLastWordsIsNotWaitedFor) {
    ASSERT_NE(open_console(), nullptr);
    console_.last_words = "bye: ";
    session->end("stopping", "the server is stopping");
    ASSERT_TRUE(bench.rest());
    EXPECT_EQ(owner.ended, 0);
    peer->vanish();
    ASSERT_TRUE(bench.rest());
    EXPECT_EQ(owner.ended, 1);
    EXPECT_EQ(owner.end_reason, "stopping");
}

TEST_F(WithConsole, ASessionEndsAtOnceWhereNobodyHasLastWords) {
    ASSERT_NE(open_console(), nullptr);
    session->end("stopping", "the server is stopping");
    ASSERT_TRUE(bench.rest());
    EXPECT_EQ(owner.ended, 1);
}

}  // namespace
}  // namespace portreeve::ssh
