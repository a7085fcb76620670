// One SSH channel, with its two directions kept apart as OpenSSH's nchan.c does: each side may end
// its own direction (EOF) while the other goes on, and the channel is gone only when both have sent
// CLOSE.
//
// Everything but write() is put off to the session's settle(), outside libssh's callbacks: a
// request sets a flag, settle() acts on it. What the user did not take stays in libssh, so the
// peer's window stays shut; take_more() asks for it when there is room.
//
// Owns: nothing of the user's; Session owns the Channel until the peer's CLOSE. After close() no
// event comes and the user may be destroyed. Called by: the channel's user (a Visitor, a Console)
// on the session's ring. Bounds: what libssh buffers is bounded by its window (1.9 MB in 0.10), the
// backlog by one such buffer, pending() by one write per channel while keys are exchanged.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "uring/byte_queue.h"

struct ssh_channel_struct;

namespace portreeve::ssh {

class Session;
struct ChannelCallbacks;
struct SessionCallbacks;

class Channel {
  public:
    // Of a client's terminal, as the client says it: any number, and 0 where it does not know.
    struct TerminalSize {
        std::uint32_t columns = 0;
        std::uint32_t rows = 0;
    };

    class Events {
      public:
        Events() = default;
        Events(const Events&) = delete;
        Events& operator=(const Events&) = delete;
        virtual ~Events() = default;
        virtual void on_channel_open() {}
        // The peer does not want it; the channel is gone.
        virtual void on_channel_refused(std::string_view reason) { static_cast<void>(reason); }
        // How much on_channel_data() would take now; at 0 nothing is taken out of libssh for it.
        [[nodiscard]] virtual std::size_t channel_room() const = 0;
        // Returns how much was taken; for the rest, take_more() when there is room.
        virtual std::size_t on_channel_data(std::span<const std::byte> bytes) = 0;
        // The peer sends no more data, and all of it has been taken.
        virtual void on_channel_eof() = 0;
        // writable_bytes() was 0 and is not any more.
        virtual void on_channel_writable() {}
        // The peer closed the channel; what it sent before may still have to be taken.
        virtual void on_channel_closing() {}
        // The peer closed the channel, or the session is gone; all its data has been taken or is
        // lost.
        virtual void on_channel_closed() = 0;
        // Requests on a "session" channel; false refuses.
        virtual bool on_pty(std::string_view term, TerminalSize size) {
            static_cast<void>(term);
            static_cast<void>(size);
            return false;
        }
        virtual bool on_shell() { return false; }
        virtual bool on_exec(std::string_view command) { return command.empty(); }
        // The terminal has another size now.
        virtual void on_window_change(TerminalSize size) { static_cast<void>(size); }
        // To a "session" channel: the server ends the session, for a reason that is a sentence. Who
        // closes the channel now is given some time for what was written before that.
        virtual void on_session_ending(std::string_view why) { static_cast<void>(why); }
    };

    Channel(Session& session, ssh_channel_struct* handle, Events& events);
    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;
    Channel(Channel&&) = delete;
    Channel& operator=(Channel&&) = delete;
    ~Channel();

    // How much write() would take now without queueing. After a 0, on_channel_writable() comes.
    [[nodiscard]] std::size_t writable_bytes();
    // Takes all of `bytes`.
    void write(std::span<const std::byte> bytes);
    // The same, from inside an event: written when libssh is at rest.
    void write_later(std::string_view text);
    void write_error_later(std::string_view text);
    void send_exit_status(int status);
    // Written by write_later() and write_error_later(), and not yet sent.
    [[nodiscard]] std::size_t unsaid_bytes() const { return pending_.size() + error_text_.size(); }
    // After what was written: no more data from this side.
    void send_eof();
    // There is room again for what was not taken.
    void take_more();
    // From now on `user` is told, first of what the old one was told already and has not ended
    // (EOF, closing), and offered what that one did not take. Not from inside an event.
    void set_user(Events& user);
    // Detaches the user: ends both directions after what was written.
    void close();
    [[nodiscard]] bool open() const { return opened_; }

  private:
    friend class Session;
    friend struct ChannelCallbacks;
    friend struct SessionCallbacks;

    // Where a forwarded channel leads, while the peer has not answered its open.
    struct Opening {
        std::string address;
        std::uint16_t port;
        std::string originator;
        std::uint16_t originator_port;
    };

    // Acts on all flags; true when the channel is gone and may be destroyed. Session calls it, in
    // scope.
    [[nodiscard]] bool settle();
    [[nodiscard]] bool settle_opening();
    void settle_pending();
    void settle_input();
    void fetch_left();
    [[nodiscard]] std::size_t offer(std::span<const std::byte> bytes);
    void settle_goodbye();
    [[nodiscard]] bool settled() const;
    void touch();    // looked at by settle() at the end of this batch
    void revisit();  // … whenever settle() comes next
    void lose();
    [[nodiscard]] bool may_write() const;
    [[nodiscard]] std::size_t write_now(std::span<const std::byte> bytes, bool is_error_stream);
    void keep(std::span<const std::byte> bytes);
    [[nodiscard]] std::size_t accept_data(std::span<const std::byte> bytes, bool is_error_stream);

    Session& session_;
    ssh_channel_struct* handle_;  // nullptr once libssh has freed it
    Events* events_;              // nullptr once the user is detached
    std::unique_ptr<ChannelCallbacks> callbacks_;
    std::unique_ptr<Opening> opening_;
    uring::ByteQueue pending_;  // accepted from the user, not yet by libssh: only while keys change
    uring::ByteQueue backlog_;  // taken out of libssh, not yet by the user
    std::string error_text_;
    std::optional<int> exit_status_;
    std::size_t left_bytes_ = 0;  // offered by libssh and not taken
    std::size_t index_ = 0;       // in the session's channels
    bool touched_ = false;        // in the session's list for settle()
    bool blocked_ = false;        // in the session's list of those waiting to write
    bool opened_ = false;
    bool eof_wanted_ = false;
    bool eof_sent_ = false;
    bool close_wanted_ = false;
    bool close_sent_ = false;
    bool peer_eof_ = false;
    bool peer_eof_told_ = false;
    bool peer_closed_ = false;
    bool peer_closed_told_ = false;
    bool stalled_ = false;       // counted in the session's stalled_channels_
    bool session_type_ = false;  // counted in the session's session_channels_
};

}  // namespace portreeve::ssh
