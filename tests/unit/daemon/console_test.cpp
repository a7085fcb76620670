// What a person sees who logs in without -N, as a real client sees it.

#include "daemon/console.h"

#include <gmock/gmock.h>

#include "tests/unit/ssh/conversation.h"

namespace portreeve::daemon {
namespace {

using ssh::testing::Conversation;

class OneConsole final : public ssh::Session::Events, private Console::Events {
  public:
    Console console{*this};
    ssh::Session* session = nullptr;
    int closed = 0;
    int joined = 0;
    bool permits_pty = true;

  private:
    [[nodiscard]] std::string summary() const override { return "one\ntwo\n"; }
    [[nodiscard]] bool pty_permitted() const override { return permits_pty; }
    [[nodiscard]] Console::Answer on_console_command(std::string_view line) override {
        if (line == "words") {
            return {"three\n", {}, std::nullopt};
        }
        return {"you said " + std::string(line) + "\n", "that is wrong\n", 7};
    }
    void on_console_closed(Console&) override { ++closed; }
    void on_login_request(const ssh::LoginRequest&) override { session->answer_login(true); }
    std::uint16_t on_forward(const ssh::ForwardWish&) override { return 0; }
    void on_forward_unheard(const ssh::ForwardWish&, std::uint16_t) override {}
    bool on_cancel_forward(const ssh::ForwardWish&) override { return false; }
    ssh::Channel::Events* on_session_channel() override { return &console; }
    void on_session_channel_open(ssh::Channel& channel, ssh::Channel::Events&) override {
        console.attach(channel);
    }
    ssh::Channel::Events* on_direct_wish(const ssh::DirectWish&) override { return nullptr; }
    void on_direct_channel_open(ssh::Channel&, ssh::Channel::Events&) override {}
    void on_alive() override {}
    void on_session_end(ssh::Code, std::string_view) override {}
    void on_session_joined() override { ++joined; }
};

class ConsoleSeen : public Conversation {
  protected:
    // The conversation's own session is put aside for one whose owner has a console.
    void SetUp() override {
        session->end("left", "not needed");
        peer->vanish();
        ASSERT_TRUE(bench.until([this] { return owner.joined == 1; }));
        session.reset();
        auto [near, far] = ssh::testing::local_pair();
        peer = std::make_unique<ssh::testing::Peer>(std::move(far));
        session_ = std::make_unique<ssh::Session>(bench.ring(), bench.pools(), std::move(near),
                                                  ssh::SessionOptions{}, with_);
        with_.session = session_.get();
        ASSERT_TRUE(session_->open(*acceptor));
        channel_ = on_peer([this]() -> ssh_channel {
            if (!peer->connect() || !peer->log_in(ssh::testing::client_key())) {
                return nullptr;
            }
            ssh_channel made = ssh_channel_new(peer->handle());
            return ssh_channel_open_session(made) == SSH_OK ? made : nullptr;
        });
        ASSERT_NE(channel_, nullptr);
    }
    void TearDown() override {
        session_->end("left", "the test is over");
        peer->vanish();
        EXPECT_TRUE(bench.until([this] { return with_.joined == 1; }));
        session_.reset();
    }

    OneConsole with_;
    std::unique_ptr<ssh::Session> session_;
    ssh_channel channel_ = nullptr;
};

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
        EXPECT_EQ(ssh_channel_request_pty(channel_), SSH_OK);
        EXPECT_EQ(ssh_channel_request_shell(channel_), SSH_OK);
    });
    EXPECT_EQ(on_peer([this] { return ssh::testing::read_bytes(channel_, 10); }), "one\r\ntwo\r\n");
}

TEST_F(ConsoleSeen, EndsByControlCOnATerminal) {
    on_peer([this] {
        EXPECT_EQ(ssh_channel_request_pty(channel_), SSH_OK);
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
