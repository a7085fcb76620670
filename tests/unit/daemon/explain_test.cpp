#include "daemon/explain.h"

#include <gmock/gmock.h>

#include <utility>

#include "daemon/http/label.h"
#include "daemon/login.h"
#include "tests/unit/ssh/keygen.h"

namespace portreeve::daemon {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// What ssh would ask for, as "ADDRESS PORT", or "" for an error.
std::string wish(std::string_view text) {
    const auto parsed = parse_wish(text);
    return parsed ? parsed->address + " " + std::to_string(parsed->port) : "";
}

TEST(ParseWish, IsWhatSshAsksForWithTheSameWords) {
    EXPECT_EQ(wish("8080"), "localhost 8080");
    EXPECT_EQ(wish("0"), "localhost 0");
    EXPECT_EQ(wish("localhost:8080"), "localhost 8080");
    EXPECT_EQ(wish(":8080"), " 8080");
    EXPECT_EQ(wish("*:0"), " 0");
    EXPECT_EQ(wish("[*]:0"), " 0");
    EXPECT_EQ(wish("[::1]:8080"), "::1 8080");
    EXPECT_EQ(wish("0.0.0.0:65535"), "0.0.0.0 65535");
    EXPECT_EQ(wish("pc42:22"), "pc42 22");
    EXPECT_EQ(wish("[user:pass@blog/api]:80"), "user:pass@blog/api 80");
    EXPECT_EQ(wish(R"(user\:pass@blog/api:80)"), "user:pass@blog/api 80");
}

TEST(ParseWish, SaysWhatIsWrong) {
    for (const char* text : {"", "http", "65536", "-1", "8080x", "localhost:", "localhost",
                             "99999999999", "::1", "[::1]", "[::1]8080", "::1:8080", "a:80:b:80"}) {
        EXPECT_EQ(wish(text), "") << text;
    }
    EXPECT_THAT(parse_wish("::1:8080").error(), HasSubstr("brackets"));
    EXPECT_THAT(parse_wish("/run/socket").error(), HasSubstr("Unix socket"));
}

class Explain : public ::testing::Test {
  protected:
    static void SetUpTestSuite() {
        keygen_ = new ssh::testing::Keygen;
        keygen_->make_key("user");
        keygen_->make_key("ca");
    }
    static void TearDownTestSuite() { delete std::exchange(keygen_, nullptr); }

    static std::string line(const std::string& name, const std::string& options = "") {
        const ssh::PublicKey key = keygen_->key(name);
        return options + (options.empty() ? "" : " ") + key.type + " " + key.base64 + "\n";
    }
    void allow(const std::string& text) {
        policy_.authorized_keys =
            ssh::AuthorizedKeys::read({keygen_->folder().write("keys", text)});
    }
    Answer ask(const std::string& listen, const std::string& user = "",
               const std::string& from = "") {
        Arguments arguments;
        arguments.key = keygen_->path(file_);
        arguments.listen = listen;
        arguments.user = user;
        arguments.from = from;
        const auto question = read_question(arguments);
        EXPECT_TRUE(question) << question.error();
        return question ? explain(*question, policy_, now_s_) : Answer{};
    }

    static ssh::testing::Keygen* keygen_;
    Policy policy_;
    std::string file_ = "user.pub";
    std::int64_t now_s_ = wall_clock_s();
};

ssh::testing::Keygen* Explain::keygen_ = nullptr;

TEST_F(Explain, AGrantNamesTheLineAndWhatIsOpened) {
    allow("# a comment\n" + line("user"));
    const Answer answer = ask("8080");
    EXPECT_TRUE(answer.granted);
    EXPECT_THAT(answer.text, StartsWith("granted: \"localhost\" port 8080\n"));
    EXPECT_THAT(answer.text, HasSubstr("key: " + keygen_->key("user").fingerprint));
    EXPECT_THAT(answer.text, HasSubstr("let in by: " + keygen_->path("keys") + ":2\n"));
    EXPECT_THAT(answer.text, HasSubstr("listens on: 127.0.0.1:8080 and [::1]:8080\n"));
    EXPECT_THAT(answer.text, HasSubstr("32 a session ([limits] tunnels_per_session)\n"));
    EXPECT_THAT(answer.text, Not(HasSubstr("note:")));
}

TEST_F(Explain, AGrantShowsTheLimitsOfTheLine) {
    allow(line("user", R"(from="192.0.2.0/24",max-tunnels="3",max-visitors="4",max-rate="5",)"
                       R"(expiry-time="29990101Z")"));
    const std::string text = ask("0", "", "192.0.2.1").text;
    EXPECT_THAT(text, HasSubstr("20000-29999 ([forward] pool)"));
    EXPECT_THAT(text, HasSubstr("3 with the key (max-tunnels)"));
    EXPECT_THAT(text, HasSubstr("4 with the key (max-visitors)"));
    EXPECT_THAT(text, HasSubstr("5 bytes a second (max-rate)"));
    EXPECT_THAT(text, HasSubstr("from: 192.0.2.0/24\n"));
    EXPECT_THAT(text, HasSubstr("until: 2999-01-01T"));
}

TEST_F(Explain, WhatIsOpenedElsewhereIsSaid) {
    allow(line("user"));
    policy_.config.forward.bind = conf::Bind::loopback;
    const std::string text = ask("*:8080").text;
    EXPECT_THAT(text, HasSubstr("listens on: 127.0.0.1:8080 and [::1]:8080\n"));
    EXPECT_THAT(text, HasSubstr("note: opened on loopback only"));
}

TEST_F(Explain, AForwardIsRefusedByTheLineThatLetsIn) {
    allow(line("user", R"(permitlisten="8080")"));
    const Answer answer = ask("9090");
    EXPECT_FALSE(answer.granted);
    EXPECT_THAT(answer.text, StartsWith("refused: listen_not_permitted: no permitlisten of "));
    EXPECT_THAT(answer.text, HasSubstr("let in by: " + keygen_->path("keys") + ":1\n"));
    EXPECT_THAT(ask("pc42:8080").text, StartsWith("refused: listen_not_permitted"));
    allow(line("user"));
    const Answer name = ask("pc42:8080");
    EXPECT_TRUE(name.granted);
    EXPECT_THAT(name.text, StartsWith("granted: \"pc42\" port 8080\n"));
    EXPECT_THAT(name.text, HasSubstr("may be reached by: this key\n"));
    allow(line("user", R"(tcp-aliases-allowed-users="ops")"));
    EXPECT_THAT(ask("pc42:8080").text, HasSubstr("may be reached by: this key, ops (/"));
    allow(line("user"));
    EXPECT_THAT(ask("80").text, StartsWith("refused: port_privileged"));
}

TEST_F(Explain, AnHttpNameIsExplainedByItsUrl) {
    policy_.config.http.domain = "gate.example.com";
    policy_.config.http.listen = {{"::", 8080}};
    allow(line("user"));
    const Answer answer = ask("[u:secret@blog/api]:80");
    EXPECT_TRUE(answer.granted);
    EXPECT_THAT(answer.text, StartsWith("granted: \"blog/api\" port 80\n"));
    EXPECT_THAT(answer.text, HasSubstr("serves: http://blog.gate.example.com:8080/api\n"));
    EXPECT_THAT(answer.text, HasSubstr("asks visitors for: the user and password given\n"));
    EXPECT_THAT(answer.text, Not(HasSubstr("secret")));
    const std::string derived =
        http::derived_label(keygen_->key("user").fingerprint, "") + ".gate.example.com:8080\n";
    EXPECT_THAT(ask("80").text, HasSubstr("serves: http://" + derived));
    EXPECT_THAT(ask("80").text, HasSubstr("note: the name is made from the key"));
    EXPECT_THAT(ask("admin:443").text, StartsWith("refused: name_reserved: "));
    EXPECT_THAT(ask("[u:secret@bl_og]:80").text, Not(HasSubstr("secret")));
    EXPECT_THAT(parse_wish("u:secret@blog:80").error(), Not(HasSubstr("secret")));
    allow(line("ca", R"(permitlisten="blog:80")") + line("user"));
    EXPECT_THAT(ask("blog:80").text, StartsWith("refused: name_reserved: "));
}

TEST_F(Explain, AKeyThatIsNotThereIsRefused) {
    allow(line("ca"));
    const Answer answer = ask("8080");
    EXPECT_FALSE(answer.granted);
    EXPECT_THAT(answer.text, StartsWith("refused: unknown_key: "));
    EXPECT_THAT(answer.text, Not(HasSubstr("let in by")));
}

TEST_F(Explain, ALineThatCannotBeHonouredIsShown) {
    allow(line("ca", "no-such-option") + "\n" + line("user", "no-such-thing"));
    const std::string text = ask("8080").text;
    EXPECT_THAT(text, StartsWith("refused: unknown_key"));
    EXPECT_THAT(text, HasSubstr("note: " + keygen_->path("keys") + ":3: this key is refused: "));
    EXPECT_THAT(text, Not(HasSubstr("keys:1:"))) << "the line of another key";
}

TEST_F(Explain, WhatWasNotAskedAboutIsAskedFor) {
    allow(line("user", R"(from="192.0.2.0/24")"));
    EXPECT_THAT(ask("8080").text, HasSubstr("add --from IP"));
    EXPECT_TRUE(ask("8080", "", "192.0.2.1").granted);
    const Answer elsewhere = ask("8080", "", "198.51.100.1");
    EXPECT_THAT(elsewhere.text, StartsWith("refused: wrong_source"));
    EXPECT_THAT(elsewhere.text, Not(HasSubstr("--from")));
}

TEST_F(Explain, ACertificateIsExplainedLikeAKey) {
    keygen_->certify("user", "ca", "-n reeve -z 7");
    file_ = "user-cert.pub";
    allow(line("ca", "cert-authority"));
    const Answer answer = ask("8080", "reeve");
    EXPECT_TRUE(answer.granted) << answer.text;
    EXPECT_THAT(answer.text, HasSubstr("key: certificate 7 of " + keygen_->key("ca").fingerprint +
                                       ", of key " + keygen_->key("user").fingerprint));
    EXPECT_THAT(ask("8080").text, HasSubstr("add --user NAME"));
    EXPECT_THAT(ask("8080", "miller").text, StartsWith("refused: certificate_wrong_principal"));
}

TEST_F(Explain, WhereACommandWouldBeAskedNothingIsDecided) {
    allow(line("ca"));
    policy_.key_command.emplace();
    const Answer answer = ask("8080");
    EXPECT_FALSE(answer.granted);
    EXPECT_THAT(answer.text, StartsWith("undecided: "));
    EXPECT_THAT(answer.text, HasSubstr("files: unknown_key: "));
    keygen_->run("-k -f revoked user.pub");
    policy_.revoked = ssh::RevokedKeys::read(keygen_->path("revoked")).value();
    EXPECT_THAT(ask("8080").text, StartsWith("refused: key_revoked")) << "it would not be asked";
}

TEST_F(Explain, AWrongQuestionIsNoQuestion) {
    const auto error = [](const std::string& key, const std::string& listen,
                          const std::string& from) {
        Arguments arguments;
        arguments.key = key;
        arguments.listen = listen;
        arguments.from = from;
        const auto question = read_question(arguments);
        return question ? "" : question.error();
    };
    const std::string key = keygen_->path("user.pub");
    EXPECT_EQ(error(key, "8080", ""), "");
    EXPECT_THAT(error(key, "many", ""), HasSubstr("--listen \"many\""));
    EXPECT_THAT(error(key, "8080", "gate.example.com"), HasSubstr("--from"));
    EXPECT_THAT(error(key + ".not", "8080", ""), HasSubstr("No such file"));
}

}  // namespace
}  // namespace portreeve::daemon
