// A console and the real client that sees it: the fixture of its tests and of the screen's.
#pragma once

#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>

#include "daemon/console.h"
#include "tests/unit/ssh/conversation.h"

namespace portreeve::daemon::test {

using ssh::testing::Conversation;

inline const std::string kOwner = "SHA256:me";

inline LeaseRecord name_lease(const std::string& name, const std::string& owner = kOwner) {
    LeaseRecord made;
    made.id = name;
    made.owner = owner;
    made.label = "ann";
    made.requested = name;
    made.requested_port = made.port = 22;
    return made;
}

class OneConsole final : public ssh::Session::Events, private Console::Events {
  public:
    Console console{*this};
    ssh::Session* session = nullptr;
    ssh::Channel* channel = nullptr;
    uring::Ring* ring = nullptr;
    Leases leases;
    mutable Owners owners;
    std::string notices;
    int closed = 0;
    int joined = 0;
    bool permits_pty = true;

  private:
    [[nodiscard]] std::string tunnels_text() const override { return "one\n"; }
    [[nodiscard]] std::string notices_text() const override { return notices; }
    [[nodiscard]] std::string summary() const override { return "one\ntwo\n"; }
    [[nodiscard]] LiveScreen::Scene screen_scene() const override {
        return {*ring, leases, owners, kOwner};
    }
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
    void on_session_channel_open(ssh::Channel& opened, ssh::Channel::Events&) override {
        channel = &opened;
        console.attach(opened);
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
        with_.ring = &bench.ring();
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

    // What comes up to `text`, and with it.
    std::string read_until(const std::string& text) {
        return on_peer([&] {
            std::array<char, 16'384> buffer{};
            std::size_t found = unread_.find(text);
            while (found == std::string::npos) {
                const int rc = ssh_channel_read(channel_, buffer.data(), buffer.size(), 0);
                if (rc <= 0) {
                    return std::exchange(unread_, {});
                }
                const std::size_t from = unread_.size() - std::min(unread_.size(), text.size());
                unread_.append(buffer.data(), static_cast<std::size_t>(rc));
                found = unread_.find(text, from);
            }
            const std::string upto = unread_.substr(0, found + text.size());
            unread_.erase(0, upto.size());
            return upto;
        });
    }

    std::string unread_;
    OneConsole with_;
    std::unique_ptr<ssh::Session> session_;
    ssh_channel channel_ = nullptr;
};

}  // namespace portreeve::daemon::test
