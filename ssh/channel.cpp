#include "ssh/channel.h"

#include <libssh/callbacks.h>
#include <libssh/libssh.h>
#include <libssh/server.h>

#include <algorithm>
#include <array>

#include "ssh/session.h"

namespace portreeve::ssh {

namespace {

constexpr std::size_t kShareBytesMin = std::size_t{16} * 1024;
constexpr std::size_t kReadBytes = std::size_t{16} * 1024;
// More than any libssh leaves unread for a peer that keeps to its window. It takes what goes
// beyond, too.
constexpr std::size_t kLeftBytesMax = std::size_t{4} * 1024 * 1024;

std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text));
}

}  // namespace

// libssh's callbacks for one channel: each only notes what happened or asks the user.
struct ChannelCallbacks {
    ssh_channel_callbacks_struct table{};

    static Channel& channel(void* self) { return *static_cast<Channel*>(self); }

    static int data(ssh_session, ssh_channel, void* bytes, std::uint32_t count, int is_error,
                    void* self) {
        return static_cast<int>(channel(self).accept_data(
            {static_cast<const std::byte*>(bytes), count}, is_error != 0));
    }
    static void eof(ssh_session, ssh_channel, void* self) {
        channel(self).peer_eof_ = true;
        channel(self).touch();
    }
    static void closed(ssh_session, ssh_channel, void* self) {
        channel(self).peer_eof_ = true;
        channel(self).peer_closed_ = true;
        channel(self).touch();
    }
    static int pty(ssh_session, ssh_channel, const char* term, int columns, int rows, int, int,
                   void* self) {
        Channel::Events* user = channel(self).events_;
        return user != nullptr && user->on_pty(term, size(columns, rows)) ? 0 : -1;
    }
    static int window_change(ssh_session, ssh_channel, int columns, int rows, int, int,
                             void* self) {
        if (Channel::Events* user = channel(self).events_; user != nullptr) {
            user->on_window_change(size(columns, rows));
        }
        return 0;
    }
    static int shell(ssh_session, ssh_channel, void* self) {
        Channel::Events* user = channel(self).events_;
        return user != nullptr && user->on_shell() ? 0 : 1;
    }
    static int exec(ssh_session, ssh_channel, const char* command, void* self) {
        Channel::Events* user = channel(self).events_;
        return user != nullptr && user->on_exec(command) ? 0 : 1;
    }

    // libssh gives the 32 bits of the packet as an int.
    static Channel::TerminalSize size(int columns, int rows) {
        return {static_cast<std::uint32_t>(columns), static_cast<std::uint32_t>(rows)};
    }

    explicit ChannelCallbacks(Channel& owner) {
        table.userdata = &owner;
        table.channel_data_function = data;
        table.channel_eof_function = eof;
        table.channel_close_function = closed;
        table.channel_pty_request_function = pty;
        table.channel_pty_window_change_function = window_change;
        table.channel_shell_request_function = shell;
        table.channel_exec_request_function = exec;
        ssh_callbacks_init(&table);
    }
};

Channel::Channel(Session& session, ssh_channel_struct* handle, Events& events)
    : session_(session),
      handle_(handle),
      events_(&events),
      callbacks_(std::make_unique<ChannelCallbacks>(*this)),
      pending_(session.slabs_),
      backlog_(session.slabs_) {
    ssh_add_channel_callbacks(handle_, &callbacks_->table);
}

Channel::~Channel() = default;

void Channel::touch() {
    revisit();
    session_.ring_.post(session_.settle_);
}

// Looked at by the next settle(), which something else must bring about.
void Channel::revisit() {
    if (!touched_) {
        touched_ = true;
        session_.touched_.push_back(this);
    }
}

bool Channel::may_write() const {
    return opened_ && !peer_closed_ && handle_ != nullptr && ssh_channel_window_size(handle_) > 0 &&
           !session_.congested();
}

std::size_t Channel::writable_bytes() {
    if (may_write()) {
        // An equal share of what the link may hold, so that the sum of what all channels are told
        // is bounded too; alone, a channel gets writes large enough to wake its client rarely.
        const std::size_t share =
            std::max(kShareBytesMin, Session::kOutputMarkBytes / session_.channel_count());
        return std::min<std::size_t>(ssh_channel_window_size(handle_), share);
    }
    if (!blocked_ && opened_) {
        blocked_ = true;
        session_.blocked_.push_back(this);
    }
    return 0;
}

void Channel::write(std::span<const std::byte> bytes) {
    if (handle_ == nullptr || peer_closed_) {
        return;
    }
    std::size_t taken = 0;
    if (pending_.empty()) {
        const Wire::Scope scope(session_.link_);
        taken = write_now(bytes, false);
    }
    if (taken == bytes.size()) {
        return;
    }
    // The window was open, so keys are being exchanged: nobody of this session should write now.
    if (!stalled_) {
        stalled_ = true;
        ++session_.stalled_channels_;
    }
    keep(bytes.subspan(taken));
}

// Returns how much libssh took: less than all while keys are exchanged, and then the rest is kept
// here. What libssh took but did not put on the wire is held in its own queue for the same reason.
std::size_t Channel::write_now(std::span<const std::byte> bytes, bool is_error_stream) {
    const std::uint64_t given_before = session_.link_.given_bytes();
    const auto count = static_cast<std::uint32_t>(bytes.size());
    const int rc = is_error_stream ? ssh_channel_write_stderr(handle_, bytes.data(), count)
                                   : ssh_channel_write(handle_, bytes.data(), count);
    if (rc < 0) {
        return bytes.size();  // closed by the peer or dead: its own event follows
    }
    const auto taken = static_cast<std::size_t>(rc);
    const std::uint64_t given = session_.link_.given_bytes() - given_before;
    if (given < taken) {
        session_.held_bytes_ += taken - given;
    }
    return taken;
}

void Channel::keep(std::span<const std::byte> bytes) {
    pending_.append(bytes);
    touch();
}

void Channel::write_later(std::string_view text) {
    keep(bytes_of(text));
}

void Channel::write_error_later(std::string_view text) {
    error_text_ += text;
    touch();
}

void Channel::send_exit_status(int status) {
    exit_status_ = status;
    touch();
}

void Channel::send_eof() {
    eof_wanted_ = true;
    touch();
}

void Channel::take_more() {
    if (left_bytes_ > 0 || !backlog_.empty()) {
        touch();
    }
}

void Channel::set_user(Events& user) {
    events_ = &user;
    peer_eof_told_ = false;
    peer_closed_told_ = false;
    touch();
}

void Channel::close() {
    events_ = nullptr;
    close_wanted_ = true;
    touch();
}

void Channel::lose() {
    handle_ = nullptr;
    if (Events* user = std::exchange(events_, nullptr); user != nullptr) {
        user->on_channel_closed();
    }
}

std::size_t Channel::accept_data(std::span<const std::byte> bytes, bool is_error_stream) {
    if (is_error_stream || events_ == nullptr) {
        return bytes.size();
    }
    const std::size_t taken = backlog_.empty() ? offer(bytes) : 0;  // what is older comes first
    left_bytes_ = bytes.size() - taken;
    if (left_bytes_ > kLeftBytesMax) {
        session_.end("protocol", "the client sends more than its window allows");
    }
    return taken;
}

bool Channel::settle() {
    if (opening_ && settle_opening()) {
        return true;
    }
    if (!opening_) {
        settle_pending();
        settle_input();
        settle_goodbye();
    }
    if (opening_ || unsaid_bytes() > 0) {
        revisit();  // but not before the next input: nothing else can change it
    }
    return settled();
}

bool Channel::settle_opening() {
    const Opening& to = *opening_;
    // Asking libssh again costs a little, so it is only done when something arrived.
    if (!session_.pumped_) {
        return false;
    }
    // One that opened, wrote and closed before we looked is not open any more, but was not refused.
    if (!peer_closed_ && ssh_channel_is_open(handle_) == 0) {
        const int rc = ssh_channel_open_reverse_forward(handle_, to.address.c_str(), to.port,
                                                        to.originator.c_str(), to.originator_port);
        if (rc == SSH_AGAIN) {
            return false;
        }
        if (rc != SSH_OK) {
            const std::string reason = session_.libssh_error();
            ssh_channel_free(std::exchange(handle_, nullptr));
            if (Events* user = std::exchange(events_, nullptr); user != nullptr) {
                user->on_channel_refused(reason);
            }
            return true;
        }
    }
    opening_.reset();
    opened_ = true;
    if (events_ != nullptr) {
        events_->on_channel_open();
    }
    return false;
}

void Channel::settle_pending() {
    if (!error_text_.empty()) {
        error_text_.erase(0, write_now(bytes_of(error_text_), true));
    }
    while (!pending_.empty()) {
        iovec piece{};
        static_cast<void>(pending_.gather({&piece, 1}));
        const std::span<const std::byte> bytes(static_cast<const std::byte*>(piece.iov_base),
                                               piece.iov_len);
        const std::size_t taken = peer_closed_ ? bytes.size() : write_now(bytes, false);
        pending_.consume(taken);
        if (taken < bytes.size()) {
            return;
        }
    }
    if (stalled_) {
        stalled_ = false;
        --session_.stalled_channels_;
    }
}

void Channel::settle_input() {
    if (events_ == nullptr) {
        backlog_.clear();
    } else if (peer_closed_ && !peer_closed_told_) {
        peer_closed_told_ = true;
        events_->on_channel_closing();
    }
    while (!backlog_.empty()) {
        iovec piece{};
        static_cast<void>(backlog_.gather({&piece, 1}));
        const std::size_t taken =
            offer({static_cast<const std::byte*>(piece.iov_base), piece.iov_len});
        backlog_.consume(taken);
        if (taken < piece.iov_len) {
            return;
        }
    }
    if (left_bytes_ > 0 && events_ != nullptr) {
        if (events_->channel_room() > 0) {
            fetch_left();
        }
        if (left_bytes_ > 0 || !backlog_.empty()) {
            return;
        }
    }
    if (peer_eof_ && !peer_eof_told_ && !peer_closed_ && events_ != nullptr) {
        peer_eof_told_ = true;
        events_->on_channel_eof();
    }
    if (peer_closed_) {
        close_wanted_ = true;
        if (Events* user = std::exchange(events_, nullptr); user != nullptr) {
            user->on_channel_closed();
        }
    }
}

// Takes everything out of libssh, and keeps what the user does not take. libssh opens the peer's
// window wide at each read, however much it still holds: reading only what there is room for would
// let a peer that is faster than its visitor fill the memory.
void Channel::fetch_left() {
    std::array<std::byte, kReadBytes> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init)
    while (left_bytes_ > 0) {
        const int rc = ssh_channel_read_nonblocking(
            handle_, buffer.data(),
            static_cast<std::uint32_t>(std::min(left_bytes_, buffer.size())), 0);
        if (rc <= 0) {
            left_bytes_ = 0;
            return;
        }
        const auto bytes = std::span(buffer).first(static_cast<std::size_t>(rc));
        left_bytes_ -= bytes.size();
        backlog_.append(bytes.subspan(backlog_.empty() ? offer(bytes) : 0));
    }
}

// Returns how much the user took; whoever has closed the channel wants nothing of it.
std::size_t Channel::offer(std::span<const std::byte> bytes) {
    return events_ == nullptr ? bytes.size() : events_->on_channel_data(bytes);
}

void Channel::settle_goodbye() {
    if (unsaid_bytes() > 0 || (!eof_wanted_ && !close_wanted_)) {
        return;
    }
    if (exit_status_ && !peer_closed_) {
        ssh_channel_request_send_exit_status(handle_, *exit_status_);
        exit_status_.reset();
    }
    if (eof_wanted_ && !eof_sent_ && !peer_closed_) {
        eof_sent_ = ssh_channel_send_eof(handle_) != SSH_ERROR;
    }
    if (close_wanted_ && !close_sent_) {
        // SSH_AGAIN: EOF went out and CLOSE did not yet; the second call sends it.
        int rc = SSH_AGAIN;
        for (int attempt = 0; attempt < 3 && rc == SSH_AGAIN; ++attempt) {
            rc = ssh_channel_close(handle_);
        }
        close_sent_ = true;
    }
    if (close_sent_ && peer_closed_) {
        ssh_remove_channel_callbacks(handle_, &callbacks_->table);
        ssh_channel_free(std::exchange(handle_, nullptr));
    }
}

bool Channel::settled() const {
    return handle_ == nullptr;
}

}  // namespace portreeve::ssh
