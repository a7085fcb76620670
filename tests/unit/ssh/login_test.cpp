// How a session begins, and how it ends when it does not come to a login: by the right key, the
// wrong key, no key, no protocol, or silence.

#include <gmock/gmock.h>

#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/ssh/conversation.h"

namespace portreeve::ssh {
namespace {

using testing::client_key;
using testing::Conversation;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::other_key;

class Login : public Conversation {
  protected:
    explicit Login(const SessionOptions& options = {}) : Conversation(options) {}

    // In a job: libssh's client does not always see that it was cut off.
    void lose_patience() const {
        const long patience_s = 1;
        ssh_options_set(peer->handle(), SSH_OPTIONS_TIMEOUT, &patience_s);
    }

    // What a client that is no SSH client sends.
    void say(std::string_view text) const {
        ASSERT_EQ(::send(peer->descriptor(), text.data(), text.size(), MSG_NOSIGNAL),
                  static_cast<ssize_t>(text.size()));
    }
};

TEST_F(Login, TheRightKeyIsAskedOnceAndThenProven) {
    log_in();
    EXPECT_THAT(owner.users, ElementsAre("reeve proven"));
    EXPECT_EQ(owner.ended, 0);
}

TEST_F(Login, AKeyCanBeTriedWithoutLoggingIn) {
    const int tried = on_peer([this] {
        return peer->connect() ? ssh_userauth_try_publickey(peer->handle(), nullptr, client_key())
                               : -1;
    });
    EXPECT_EQ(tried, SSH_AUTH_SUCCESS);
    EXPECT_THAT(owner.users, ElementsAre("reeve asks"));
    EXPECT_FALSE(session->logged_in());
}

TEST_F(Login, TheWrongKeyIsRefusedAndTheRightOneStillGetsIn) {
    EXPECT_TRUE(on_peer([this] { return peer->connect(); }));
    EXPECT_FALSE(on_peer([this] { return peer->log_in(other_key()); }));
    EXPECT_FALSE(session->logged_in());
    EXPECT_TRUE(on_peer([this] { return peer->log_in(client_key()); }));
    EXPECT_TRUE(session->logged_in());
}

class LateLogin : public Login {
  protected:
    LateLogin() { owner.answers_later = true; }
    // Answers what is pending with what it would have been.
    void answer() { session->answer_login(*std::exchange(owner.waiting, std::nullopt)); }
    [[nodiscard]] bool asked() {
        return bench.until([this] { return owner.waiting.has_value(); });
    }
};

TEST_F(LateLogin, IsAnsweredWhenTheAnswerIsKnown) {
    int result = -1;
    start_on_peer([&] { result = peer->connect() && peer->log_in(client_key()) ? 1 : 0; });
    ASSERT_TRUE(asked());
    ASSERT_TRUE(bench.rest());
    EXPECT_FALSE(session->logged_in());
    EXPECT_TRUE(peer->busy());
    EXPECT_THAT(owner.users, ElementsAre("reeve proven"));
    answer();
    finish_on_peer();
    EXPECT_EQ(result, 1);
    EXPECT_TRUE(session->logged_in());
}

TEST_F(LateLogin, ARefusalLeavesTheNextKeyItsChance) {
    int result = -1;
    start_on_peer([&] {
        result =
            peer->connect() && !peer->log_in(other_key()) && peer->log_in(client_key()) ? 1 : 0;
    });
    while (!session->logged_in()) {
        ASSERT_TRUE(asked());
        answer();
    }
    finish_on_peer();
    EXPECT_EQ(result, 1);
}

TEST_F(LateLogin, WhatComesBehindTheRequestIsKeptUntilTheAnswer) {
    on_peer([this] {
        EXPECT_TRUE(peer->connect());
        EXPECT_EQ(ssh_userauth_none(peer->handle(), nullptr), SSH_AUTH_DENIED);
    });
    // The request and what follows it arrive at once.
    on_peer_alone([this] {
        ssh_set_blocking(peer->handle(), 0);
        EXPECT_EQ(ssh_userauth_publickey(peer->handle(), nullptr, client_key()), SSH_AUTH_AGAIN);
        for (int count = 0; count < 100; ++count) {
            ssh_send_ignore(peer->handle(), std::string(400, 'i').c_str());
            peer->answer();
        }
    });
    ASSERT_TRUE(asked());
    ASSERT_TRUE(bench.rest());
    answer();
    EXPECT_TRUE(on_peer([this] {
        ssh_set_blocking(peer->handle(), 1);
        return ssh_userauth_publickey(peer->handle(), nullptr, client_key()) == SSH_AUTH_SUCCESS;
    }));
    ASSERT_TRUE(bench.rest());
    EXPECT_EQ(owner.ended, 0);
}

TEST_F(LateLogin, GraceEndsAClientWhoseAnswerNeverComes) {
    start_on_peer([this] {
        lose_patience();
        static_cast<void>(peer->connect() && peer->log_in(client_key()));
    });
    ASSERT_TRUE(asked());
    bench.advance_ms(20'001);
    wait_for_end();
    EXPECT_EQ(owner.end_reason, "login_grace");
    answer();  // too late, and harmless
    EXPECT_FALSE(session->logged_in());
    bench.advance_ms(Session::kGoodbyeMs + 1);
    finish_on_peer();
}

class PasswordLogin : public Login {
  protected:
    static SessionOptions options() {
        SessionOptions with;
        with.passwords = true;
        return with;
    }
    PasswordLogin() : Login(options()) {}
};

TEST_F(PasswordLogin, IsOfferedWhereItIsConfigured) {
    on_peer([this] {
        EXPECT_TRUE(peer->connect());
        EXPECT_EQ(ssh_userauth_none(peer->handle(), nullptr), SSH_AUTH_DENIED);
        EXPECT_EQ(ssh_userauth_list(peer->handle(), nullptr),
                  SSH_AUTH_METHOD_PUBLICKEY | SSH_AUTH_METHOD_PASSWORD);
        EXPECT_EQ(ssh_userauth_password(peer->handle(), nullptr, "open barley"), SSH_AUTH_DENIED);
        EXPECT_EQ(ssh_userauth_password(peer->handle(), nullptr, "open sesame"), SSH_AUTH_SUCCESS);
    });
    EXPECT_THAT(owner.users, ElementsAre("reeve says open barley", "reeve says open sesame"));
    EXPECT_TRUE(session->logged_in());
}

TEST_F(Login, OnlyPublicKeysAreOffered) {
    const int methods = on_peer([this] {
        EXPECT_TRUE(peer->connect());
        EXPECT_EQ(ssh_userauth_none(peer->handle(), nullptr), SSH_AUTH_DENIED);
        EXPECT_EQ(ssh_userauth_password(peer->handle(), nullptr, "secret"), SSH_AUTH_DENIED);
        return ssh_userauth_list(peer->handle(), nullptr);
    });
    EXPECT_EQ(methods, SSH_AUTH_METHOD_PUBLICKEY);
    EXPECT_FALSE(session->logged_in());
}

TEST_F(Login, AttemptsAreLimited) {
    on_peer([this] {
        ASSERT_TRUE(peer->connect());
        for (unsigned attempt = 1; attempt < Session::kLoginAttemptsMax; ++attempt) {
            EXPECT_FALSE(peer->log_in(other_key()));
        }
    });
    ASSERT_TRUE(bench.rest());
    EXPECT_EQ(owner.ended, 0);
    EXPECT_FALSE(on_peer([this] { return peer->log_in(other_key()); }));
    wait_for_end();
    EXPECT_EQ(owner.end_reason, "login_attempts");
    // From now on even the right key is of no use.
    EXPECT_FALSE(on_peer([this] {
        lose_patience();
        return peer->log_in(client_key());
    }));
}

TEST_F(Login, OtherMethodsCountAsAttempts) {
    on_peer([this] {
        ASSERT_TRUE(peer->connect());
        for (unsigned attempt = 0; attempt < Session::kLoginAttemptsMax; ++attempt) {
            ssh_userauth_password(peer->handle(), nullptr, "secret");
        }
    });
    wait_for_end();
    EXPECT_EQ(owner.end_reason, "login_attempts");
}

TEST_F(Login, GraceEndsAConnectionThatSendsNothing) {
    bench.advance_ms(19'000);
    ASSERT_TRUE(bench.rest());
    EXPECT_EQ(owner.ended, 0);
    bench.advance_ms(1'001);
    wait_for_end();
    EXPECT_EQ(owner.end_reason, "login_grace");
}

TEST_F(Login, GraceEndsAConnectionThatStopsAfterHalfABanner) {
    say("SSH-2.0-Op");
    ASSERT_TRUE(bench.rest());
    EXPECT_EQ(owner.ended, 0);
    bench.advance_ms(20'001);
    wait_for_end();
    EXPECT_EQ(owner.end_reason, "login_grace");
}

TEST_F(Login, GraceEndsAConnectionThatNeverLogsIn) {
    EXPECT_TRUE(on_peer([this] { return peer->connect(); }));
    bench.advance_ms(20'001);
    wait_for_end();
    EXPECT_EQ(owner.end_reason, "login_grace");
}

TEST_F(Login, GraceIsOverWithTheLogin) {
    log_in();
    bench.advance_ms(20'001);
    ASSERT_TRUE(bench.rest());
    EXPECT_EQ(owner.ended, 0);
}

TEST_F(Login, GarbageInsteadOfABannerEndsTheSession) {
    say("GET / HTTP/1.1\r\nHost: gate\r\n\r\n" + testing::noise(70'000, 1));
    wait_for_end();
    EXPECT_EQ(owner.end_reason, "protocol");
    EXPECT_NE(owner.end_detail, "");
}

TEST_F(Login, GarbageAfterTheBannerEndsTheSession) {
    say("SSH-2.0-test\r\n");
    say(testing::noise(70'000, 2));
    wait_for_end();
    EXPECT_EQ(owner.end_reason, "protocol");
}

TEST_F(Login, AClientThatHangsUpAtOnceIsLost) {
    peer->vanish();
    wait_for_end();
    EXPECT_EQ(owner.end_reason, "lost");
    EXPECT_TRUE(bench.until([this] { return owner.joined == 1; }));
}

TEST_F(Login, AClientThatDisconnectsHasLeft) {
    log_in();
    on_peer([this] { peer->disconnect(); });
    wait_for_end();
    EXPECT_EQ(owner.end_reason, "left");
}

class Banner : public Login {
  protected:
    Banner() : Login({.banner = "Mind the gap."}) {}
};

TEST_F(Banner, IsShownBeforeTheLogin) {
    const std::string shown = on_peer([this] {
        EXPECT_TRUE(peer->connect());
        ssh_userauth_none(peer->handle(), nullptr);
        char* text = ssh_get_issue_banner(peer->handle());
        const std::string copy = text == nullptr ? "" : text;
        ssh_string_free_char(text);
        return copy;
    });
    EXPECT_EQ(shown, "Mind the gap.");
}

// Keepalive: after each silent interval the peer is asked for a sign of life.
class Keepalive : public Login {
  protected:
    static constexpr std::int64_t kIntervalMs = 15'000;

    void pass_an_interval() {
        bench.advance_ms(kIntervalMs + 1);
        ASSERT_TRUE(bench.rest());
    }
};

TEST_F(Keepalive, DropsASilentPeerAfterThreeIntervals) {
    log_in();
    pass_an_interval();
    pass_an_interval();
    EXPECT_EQ(owner.ended, 0);
    pass_an_interval();
    EXPECT_EQ(owner.ended, 1);
    EXPECT_EQ(owner.end_reason, "silent");
    EXPECT_TRUE(bench.until([this] { return owner.joined == 1; }));
}

TEST_F(Keepalive, KeepsAPeerThatAnswers) {
    log_in();
    for (int interval = 0; interval < 8; ++interval) {
        pass_an_interval();
        // Enough to answer what has come; nothing is sent by itself.
        on_peer([this] { peer->answer(); });
        ASSERT_TRUE(bench.rest());
        ASSERT_EQ(owner.ended, 0) << "after interval " << interval;
    }
}

TEST_F(Keepalive, StartsAnewWithEverySignOfLife) {
    log_in();
    pass_an_interval();
    pass_an_interval();
    on_peer([this] { peer->answer(); });
    ASSERT_TRUE(bench.rest());
    pass_an_interval();
    pass_an_interval();
    EXPECT_EQ(owner.ended, 0);
    pass_an_interval();
    EXPECT_EQ(owner.ended, 1);
}

TEST_F(Keepalive, CanBeSwitchedOffAndOn) {
    log_in();
    session->set_keepalive_ms(0);
    for (int interval = 0; interval < 5; ++interval) {
        pass_an_interval();
    }
    EXPECT_EQ(owner.ended, 0);
    session->set_keepalive_ms(1'000);
    bench.advance_ms(1'001);
    ASSERT_TRUE(bench.rest());
    bench.advance_ms(1'001);
    ASSERT_TRUE(bench.rest());
    bench.advance_ms(1'001);
    wait_for_end();
    EXPECT_EQ(owner.end_reason, "silent");
}

TEST_F(Keepalive, AProbeIsAnsweredOnce) {
    log_in();
    session->probe();
    ASSERT_TRUE(bench.rest());
    EXPECT_EQ(owner.alive, 0) << "the peer has said nothing yet";
    on_peer([this] { peer->answer(); });
    ASSERT_TRUE(bench.rest());
    EXPECT_EQ(owner.alive, 1);
    pass_an_interval();
    on_peer([this] { peer->answer(); });
    ASSERT_TRUE(bench.rest());
    EXPECT_EQ(owner.alive, 1) << "a sign of life that nobody asked for";
}

}  // namespace
}  // namespace portreeve::ssh
