// One SSH connection, from the first byte to the last: key exchange, login, global requests,
// channels. libssh does the protocol; this drives it from the ring and keeps it within bounds.
//
// Until the login, libssh's messages are taken out one by one, because the answer to a login may
// take its time. From then on libssh calls back, in the middle of the packets: it answers some
// global requests itself, and only so do all replies keep the order of the requests.
//
// Input is pumped through libssh as it arrives; whatever that made possible or necessary (opens,
// writes, EOFs, closes) is then done by settle(), at the end of the batch and outside libssh's
// callbacks.
//
// Owns: the link, libssh's session, the channels. Called by: one worker, on its ring. Its events
// may not destroy it: end() first, then on_session_joined(). Bounds: login by grace and attempts;
// silence by keepalive; output by kOutputMarkBytes plus one share of each visitor; channels by
// its user, who asks channel_count().
#pragma once

#include <libssh/libssh.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ssh/acceptor.h"
#include "ssh/channel.h"
#include "ssh/code.h"
#include "ssh/keys.h"
#include "ssh/link.h"
#include "ssh/login_request.h"

namespace portreeve::ssh {

struct SessionCallbacks;

struct SessionOptions {
    std::int64_t login_grace_ms = 20'000;
    std::int64_t keepalive_ms = 15'000;  // 0: off
    std::string banner;
    bool passwords = false;  // offer the method "password" beside "publickey"
};

// A client's wish for a forward, and the answer.
struct ForwardWish {
    std::string address;  // exactly as asked
    // libssh keeps 16 bits of what was asked: 65616 arrives here as 80.
    std::uint32_t port = 0;
};

// What a client wants to reach through this host (-L, -W, -J), and who asked it to.
struct DirectWish {
    std::string host;  // exactly as asked
    // libssh keeps 16 bits of this one too, and they are what is judged and what is reached.
    std::uint16_t port = 0;
    std::string originator;
    std::uint16_t originator_port = 0;
};

class Session final : private Link::Events {
  public:
    static constexpr std::size_t kOutputMarkBytes = std::size_t{256} * 1024;
    static constexpr unsigned kLoginAttemptsMax = 6;
    static constexpr unsigned kSilentIntervalsMax = 3;
    static constexpr std::int64_t kGoodbyeMs = 2'000;
    static constexpr std::int64_t kLastWordsMs = 2'000;
    static constexpr std::size_t kSessionChannelsMax = 8;
    static constexpr std::size_t kSayingsMax = 64;

    class Events {
      public:
        Events() = default;
        Events(const Events&) = delete;
        Events& operator=(const Events&) = delete;
        virtual ~Events() = default;
        // May this client log in? answer_login() follows, during the call or later; until then
        // nothing else is heard of the client. A key is asked for twice: to try it, and with the
        // proof of possession. The request is gone with the answer, or with the session's end.
        virtual void on_login_request(const LoginRequest& request) = 0;
        // The forward is granted on the returned port, or refused by 0.
        virtual std::uint16_t on_forward(const ForwardWish& wish) = 0;
        // A forward on a port of the server's choice was granted, but the client does not want to
        // know which: it can never be visited.
        virtual void on_forward_unheard(const ForwardWish& wish, std::uint16_t port) = 0;
        virtual bool on_cancel_forward(const ForwardWish& wish) = 0;
        // A "session" channel; nullptr refuses. The user is told of it by attach.
        virtual Channel::Events* on_session_channel() = 0;
        virtual void on_session_channel_open(Channel& channel, Channel::Events& user) = 0;
        // A "direct-tcpip" channel; nullptr refuses. libssh 0.10 forgets the wish with the return
        // of its callback, so the answer cannot wait for a connection: the channel is open at once,
        // and one that then leads nowhere is closed. Its user gets on_direct_channel_open(), or
        // on_channel_refused() where libssh has no channel to give.
        virtual Channel::Events* on_direct_wish(const DirectWish& wish) = 0;
        virtual void on_direct_channel_open(Channel& channel, Channel::Events& user) = 0;
        // After probe(): the client was heard.
        virtual void on_alive() = 0;
        // The connection is over: `detail` is a sentence. Channels were told before.
        virtual void on_session_end(Code reason, std::string_view detail) = 0;
        // Nothing refers to the session any more: it may be destroyed.
        virtual void on_session_joined() = 0;
    };

    Session(uring::Ring& ring, uring::Stream::Pools pools, uring::Fd socket, SessionOptions options,
            Events& events);
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    Session(Session&&) = delete;
    Session& operator=(Session&&) = delete;
    ~Session() override;

    // Starts the protocol, with what the client has said already. False: libssh could not take the
    // connection; destroy the session.
    [[nodiscard]] bool open(const Acceptor& acceptor, std::string_view said = {});
    [[nodiscard]] bool logged_in() const { return logged_in_; }
    void answer_login(bool granted);
    // Before the login is answered: lines that the client shows whatever it is used for.
    void show_banner(const std::string& text);
    void set_keepalive_ms(std::int64_t keepalive_ms);

    // Asks the client for a sign of life; any byte that comes is one. on_alive() follows, if it
    // does.
    void probe();

    // Opens a channel for a visitor of the forward that was asked for as `address` and has `port`.
    // nullptr when libssh has none to give.
    Channel* open_forwarded(const std::string& address, std::uint16_t port,
                            const std::string& originator, std::uint16_t originator_port,
                            Channel::Events& events);
    [[nodiscard]] std::size_t channel_count() const { return channels_.size(); }

    // A line for the person at the client, who sees it only with -v: the one word that SSH has for
    // clients without a session channel. Sent before the refusal of what is being asked, else at
    // the end of the batch; kept are kSayingsMax.
    void say(std::string_view text);

    // Ends the session: channels are told, the client too (DISCONNECT) unless it is already gone.
    // A DISCONNECT makes a client drop what it has not shown yet, so "session" channels that are
    // closed first delay it until the client has closed them too, or for kLastWordsMs.
    void end(Code reason, std::string detail);
    [[nodiscard]] bool ending() const { return ending_; }
    [[nodiscard]] bool over() const { return told_; }  // on_session_end() has been
    // More output than the mark, or keys are being exchanged: nothing more should be written.
    [[nodiscard]] bool congested() const;

  private:
    friend class Channel;
    friend struct SessionCallbacks;

    void on_link_input() override;
    void on_link_sent() override;
    void on_link_end(int error) override;
    void on_link_joined() override;

    void pump();
    [[nodiscard]] bool step();
    void read_login_messages();
    void on_login_message(MessageHandle message);
    void enter();
    void note_growth();
    void settle();
    void settle_channels();
    void send_sayings();
    void wake_blocked();
    void grace_over();
    void check_silence();
    void send_keepalive();
    void ask_for_last_words();
    [[nodiscard]] bool last_words_under_way() const;
    void finish();
    void goodbye_over();
    void drop_channels();
    void login_failed();
    [[nodiscard]] std::string libssh_error() const;
    Channel& add_channel(std::unique_ptr<Channel> channel);
    void remove_channel(Channel& channel);

    uring::Ring& ring_;
    uring::SlabPool& slabs_;
    Events& events_;
    SessionOptions options_;
    Link link_;
    ssh_session_struct* handle_ = nullptr;
    std::unique_ptr<SessionCallbacks> callbacks_;
    std::unique_ptr<LoginRequest> login_;  // waiting for its answer
    ssh_counter_struct socket_counter_{};
    ssh_counter_struct packet_counter_{};
    std::vector<std::unique_ptr<Channel>> channels_;
    std::vector<Channel*> touched_;     // to be looked at by settle()
    std::vector<Channel*> blocked_;     // waiting for room to write
    std::vector<std::string> sayings_;  // to be sent by settle()
    std::uint64_t held_bytes_ = 0;      // written, but kept by libssh while keys are exchanged
    std::size_t stalled_channels_ = 0;  // whose writes libssh did not even take
    std::size_t session_channels_ = 0;  // "session" channels not yet closed by both sides
    std::uint64_t given_seen_ = 0;
    std::int64_t heard_ms_ = 0;
    unsigned attempts_ = 0;
    unsigned silent_intervals_ = 0;
    bool keys_exchanged_ = false;
    bool logged_in_ = false;
    bool probed_ = false;  // and not heard since
    bool pumped_ = false;  // input was processed since the last settle()
    bool peer_gone_ = false;
    bool ending_ = false;
    bool last_words_asked_ = false;
    bool last_words_over_ = false;  // their time
    bool told_ = false;
    bool dead_ = false;  // libssh's state is an error: no more calls that send
    Code end_reason_ = "failed";
    std::string end_detail_;
    uring::Task settle_ = uring::Task::to<&Session::settle>(this);
    uring::Timer grace_ = uring::Timer::to<&Session::grace_over>(this, ring_.timers());
    uring::Timer goodbye_ = uring::Timer::to<&Session::goodbye_over>(this, ring_.timers());
    uring::Timer silence_ = uring::Timer::to<&Session::check_silence>(this, ring_.timers());
};

}  // namespace portreeve::ssh
