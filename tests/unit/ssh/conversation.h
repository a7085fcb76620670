// A session under test and its peer, with users that record what they are told. The fixture of all
// tests of Session and Channel, and of what daemon/ builds on them.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "ssh/session.h"
#include "tests/unit/ssh/bench.h"
#include "tests/unit/ssh/peer.h"

namespace portreeve::ssh::testing {

// The user of one channel: takes at most `room` bytes, sends what it is given to send, counts
// events.
class RecordingUser final : public Channel::Events {
  public:
    static constexpr std::size_t kEndless = static_cast<std::size_t>(-1);

    RecordingUser() = default;
    RecordingUser(const RecordingUser&) = delete;
    RecordingUser& operator=(const RecordingUser&) = delete;
    RecordingUser(RecordingUser&&) = delete;
    RecordingUser& operator=(RecordingUser&&) = delete;
    ~RecordingUser() override { leave(); }
    // Closes the channel, if there is one, and is told nothing more.
    void leave();

    // Sends as the channel can take it, in pieces of at most `piece_bytes`, then EOF if wanted.
    void send(std::string bytes, bool then_eof = false, std::size_t piece_bytes = 65536);
    // Makes room for so many more bytes.
    void take(std::size_t bytes);
    [[nodiscard]] std::size_t unsent_bytes() const { return outgoing_.size() - sent_bytes_; }

    std::size_t room = kEndless;
    Channel* channel = nullptr;
    std::string received;
    std::string refusal;
    int opened = 0;
    int refused = 0;
    int eofs = 0;
    int closed = 0;
    int writable = 0;
    bool grants_requests = true;
    std::vector<std::string> commands;
    std::vector<std::string> terminals;  // "xterm 80x24", "120x40"
    std::string last_words;              // none: it leaves it to the session to end

  private:
    void on_channel_open() override { ++opened; }
    void on_channel_refused(std::string_view reason) override;
    [[nodiscard]] std::size_t channel_room() const override { return room; }
    std::size_t on_channel_data(std::span<const std::byte> bytes) override;
    void on_channel_eof() override;
    void on_channel_writable() override;
    void on_channel_closed() override;
    bool on_pty(std::string_view term, Channel::TerminalSize size) override;
    void on_window_change(Channel::TerminalSize size) override;
    void on_session_ending(std::string_view why) override;
    bool on_shell() override { return grants_requests; }
    bool on_exec(std::string_view command) override;
    void push();

    std::string outgoing_;
    std::size_t sent_bytes_ = 0;
    std::size_t piece_bytes_ = 0;
    bool eof_wanted_ = false;
};

// The user of a session: lets in the client_key(), grants or refuses forwards as told, counts
// events.
class RecordingOwner final : public Session::Events {
  public:
    std::optional<PublicKey> allowed = PublicKey::from(client_key());
    std::function<std::uint16_t(const ForwardWish&)> grant = [](const ForwardWish&) {
        return std::uint16_t{0};
    };
    RecordingUser* console = nullptr;
    Channel::Events* direct = nullptr;  // the user of what the client wants to reach,
    std::function<void(Channel&)> on_direct_open = [](Channel&) {};  // … and who gets its channel
    Session* session = nullptr;                                      // to answer logins
    bool answers_later = false;   // … only when the test does, with `waiting`
    std::optional<bool> waiting;  // the answer to the login that is pending
    std::vector<std::string> users;
    std::vector<ForwardWish> forwards;
    std::vector<ForwardWish> cancels;
    std::vector<ForwardWish> unheard;
    std::vector<DirectWish> directs;
    std::string end_reason;
    std::string end_detail;
    int alive = 0;
    int ended = 0;
    int joined = 0;

  private:
    void on_login_request(const LoginRequest& request) override;
    void answer(bool granted);
    std::uint16_t on_forward(const ForwardWish& wish) override;
    void on_forward_unheard(const ForwardWish& wish, std::uint16_t port) override {
        unheard.push_back({wish.address, port});
    }
    bool on_cancel_forward(const ForwardWish& wish) override;
    Channel::Events* on_session_channel() override { return console; }
    void on_session_channel_open(Channel& channel, Channel::Events& user) override;
    Channel::Events* on_direct_wish(const DirectWish& wish) override {
        directs.push_back(wish);
        return direct;
    }
    void on_direct_channel_open(Channel& channel, Channel::Events&) override {
        on_direct_open(channel);
    }
    void on_alive() override { ++alive; }
    void on_session_end(Code reason, std::string_view detail) override;
    void on_session_joined() override { ++joined; }
};

class Conversation : public ::testing::Test {
  protected:
    explicit Conversation(const SessionOptions& options = {});
    ~Conversation() override;

    // Runs `job` on the peer's thread and turns the ring meanwhile; returns what it returns.
    template <class Job>
    std::invoke_result_t<Job> on_peer(Job job) {
        if constexpr (std::is_void_v<std::invoke_result_t<Job>>) {
            run_on_peer(job);
        } else {
            std::invoke_result_t<Job> result{};
            run_on_peer([&] { result = job(); });
            return result;
        }
    }
    // The same, but the ring stands still: what the peer says crosses what this side says.
    void on_peer_alone(const std::function<void()>& job);
    // The same, but without waiting for its end.
    void start_on_peer(std::function<void()> job) { peer->start(std::move(job)); }
    void finish_on_peer();

    // Connects and logs in with the client_key().
    void log_in();
    // Opens a channel to the peer, which takes it; the peer's end is returned.
    ssh_channel carry(RecordingUser& user);
    // Until the session has told that it is over.
    void wait_for_end();

    Bench bench;
    HostKeys host_keys;
    std::optional<Acceptor> acceptor;
    RecordingOwner owner;
    std::unique_ptr<Peer> peer;
    std::unique_ptr<Session> session;

  private:
    void run_on_peer(const std::function<void()>& job);
};

// The server's keys of all conversations, in a folder that goes with the test run.
HostKeys make_host_keys();

}  // namespace portreeve::ssh::testing
