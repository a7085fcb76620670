#include "ssh/session.h"

#include <libssh/callbacks.h>
#include <libssh/libssh.h>
#include <libssh/server.h>

#include <algorithm>
#include <cstring>

#include "uring/socket.h"

namespace portreeve::ssh {

// libssh's callbacks for one session. They run inside libssh: each asks the user and answers at
// once.
struct SessionCallbacks {
    ssh_server_callbacks_struct table{};

    static Session& session(void* self) { return *static_cast<Session*>(self); }

    static ssh_channel open_session_channel(ssh_session handle, void* self) {
        Session& the = session(self);
        if (the.ending_ || the.session_channels_ >= Session::kSessionChannelsMax) {
            return nullptr;
        }
        ssh_channel made = ssh_channel_new(handle);
        Channel::Events* user = made == nullptr ? nullptr : the.events_.on_session_channel();
        if (user == nullptr) {
            ssh_channel_free(made);
            return nullptr;
        }
        Channel& channel = the.add_channel(std::make_unique<Channel>(the, made, *user));
        channel.opened_ = true;
        channel.session_type_ = true;
        ++the.session_channels_;
        the.events_.on_session_channel_open(channel, *user);
        return made;
    }

    // 0: answered here; 1: libssh answers, and refuses. Why it is refused goes out before: many a
    // client leaves with the refusal (ExitOnForwardFailure, -W).
    static int message(ssh_session, ssh_message message, void* self) {
        Session& the = session(self);
        const int refused = answer(the, message);
        // Who does not read what comes is told no more than kSayingsMax a batch.
        if (refused == 1 && !the.congested()) {
            the.send_sayings();
        }
        return refused;
    }

    static int answer(Session& the, ssh_message message) {
        switch (ssh_message_type(message)) {
            case SSH_REQUEST_AUTH:
                return 0;  // RFC 4252 section 5.1: after the login such requests are ignored
            case SSH_REQUEST_GLOBAL:
                return the.ending_ ? 1 : global(the, message);
            case SSH_REQUEST_CHANNEL_OPEN:
                return ssh_message_subtype(message) == SSH_CHANNEL_DIRECT_TCPIP && !the.ending_
                           ? direct(the, message)
                           : 1;
            default:
                return 1;
        }
    }

    static int global(Session& the, ssh_message message) {
        const int port = ssh_message_global_request_port(message);
        const char* address = ssh_message_global_request_address(message);
        const ForwardWish wish{address, static_cast<std::uint32_t>(port)};
        if (ssh_message_subtype(message) == SSH_GLOBAL_REQUEST_TCPIP_FORWARD) {
            const std::uint16_t granted = the.events_.on_forward(wish);
            if (granted == 0) {
                return 1;
            }
            if (!reply_is_heard(the, message, granted) && port == 0) {
                the.events_.on_forward_unheard(wish, granted);
            }
            return 0;
        }
        if (ssh_message_subtype(message) == SSH_GLOBAL_REQUEST_CANCEL_TCPIP_FORWARD &&
            the.events_.on_cancel_forward(wish)) {
            ssh_message_global_request_reply_success(message, 0);
            return 0;
        }
        return 1;
    }

    static int direct(Session& the, ssh_message message) {
        const DirectWish wish{
            ssh_message_channel_request_open_destination(message),
            static_cast<std::uint16_t>(ssh_message_channel_request_open_destination_port(message)),
            ssh_message_channel_request_open_originator(message),
            static_cast<std::uint16_t>(ssh_message_channel_request_open_originator_port(message))};
        Channel::Events* user = the.events_.on_direct_wish(wish);
        if (user == nullptr) {
            return 1;
        }
        ssh_channel made = ssh_message_channel_request_open_reply_accept(message);
        if (made == nullptr) {
            user->on_channel_refused(the.libssh_error());
            return 1;
        }
        Channel& channel = the.add_channel(std::make_unique<Channel>(the, made, *user));
        channel.opened_ = true;
        the.events_.on_direct_channel_open(channel, *user);
        return 0;
    }

    // False when the client did not want a reply, which libssh does not tell: then no packet went
    // out. While keys are exchanged none does either, not even one that is wanted; a keepalive
    // tells the two cases apart.
    static bool reply_is_heard(Session& the, ssh_message message, std::uint16_t granted) {
        const std::uint64_t& packets = the.packet_counter_.out_packets;
        const std::uint64_t packets_before = packets;
        ssh_message_global_request_reply_success(message, granted);
        if (packets == packets_before) {
            ssh_send_keepalive(the.handle_);
            return packets == packets_before;
        }
        return true;
    }

    static void send_banner(ssh_session handle, const std::string& banner) {
        if (banner.empty()) {
            return;
        }
        ssh_string text = ssh_string_from_char(banner.c_str());
        if (text != nullptr) {
            ssh_send_issue_banner(handle, text);
            ssh_string_free(text);
        }
    }

    explicit SessionCallbacks(Session& owner) {
        table.userdata = &owner;
        table.channel_open_request_session_function = open_session_channel;
        ssh_callbacks_init(&table);
    }
};

Session::Session(uring::Ring& ring, uring::Stream::Pools pools, uring::Fd socket,
                 SessionOptions options, Events& events)
    : ring_(ring),
      slabs_(pools.slabs),
      events_(events),
      options_(std::move(options)),
      link_(ring, pools, std::move(socket), *this) {
}

Session::~Session() {
    channels_.clear();
    if (handle_ != nullptr) {
        const Wire::Scope scope(link_);
        ssh_free(handle_);
    }
}

bool Session::open(const Acceptor& acceptor, std::string_view said) {
    const Wire::Scope scope(link_);
    handle_ = ssh_new();
    if (handle_ == nullptr) {
        return false;
    }
    ssh_set_blocking(handle_, 0);
    if (ssh_bind_accept_fd(acceptor.handle(), handle_, kWireDescriptor) != SSH_OK) {
        return false;
    }
    ssh_set_auth_methods(
        handle_, SSH_AUTH_METHOD_PUBLICKEY | (options_.passwords ? SSH_AUTH_METHOD_PASSWORD : 0));
    ssh_set_counters(handle_, &socket_counter_, &packet_counter_);
    heard_ms_ = ring_.now_ms();
    grace_.start_at(heard_ms_ + options_.login_grace_ms);
    link_.open();
    pump();  // sends the identification line
    if (!said.empty()) {
        link_.hand_in(said);
    }
    return true;
}

void Session::on_link_input() {
    heard_ms_ = ring_.now_ms();
    silent_intervals_ = 0;
    if (std::exchange(probed_, false)) {
        events_.on_alive();
    }
    pump();
}

void Session::pump() {
    if (handle_ == nullptr || dead_ || told_ || login_) {
        return;
    }
    const Wire::Scope scope(link_);
    while (step()) {
    }
    pumped_ = true;
    note_growth();
    ring_.post(settle_);
}

// One round of libssh over the input; true while there is more to do.
bool Session::step() {
    const std::size_t input_before = link_.input_bytes();
    if (!keys_exchanged_) {
        const int rc = ssh_handle_key_exchange(handle_);
        keys_exchanged_ = rc == SSH_OK;
        if (rc == SSH_ERROR) {
            dead_ = true;
            end("protocol", libssh_error());
            return false;
        }
    } else {
        if (logged_in_) {
            ssh_execute_message_callbacks(handle_);
        } else {
            read_login_messages();
        }
        if ((ssh_get_status(handle_) & (SSH_CLOSED | SSH_CLOSED_ERROR)) != 0) {
            dead_ = true;
            const std::string error = libssh_error();
            const bool left = error.find("SSH_MSG_DISCONNECT") != std::string::npos;
            end(left ? Code("left") : Code("protocol"), error);
            return false;
        }
    }
    if (login_) {
        link_.pause();
        return false;
    }
    return (link_.readable() && link_.input_bytes() < input_before) ||
           (ssh_get_poll_flags(handle_) & SSH_WRITE_PENDING) != 0;
}

void Session::read_login_messages() {
    while (!login_ && !logged_in_) {
        MessageHandle message(ssh_message_get(handle_));
        if (!message) {
            return;
        }
        on_login_message(std::move(message));
    }
}

void Session::on_login_message(MessageHandle message) {
    if (ssh_message_type(message.get()) == SSH_REQUEST_SERVICE) {
        ssh_message_service_reply_success(message.get());
        SessionCallbacks::send_banner(handle_, options_.banner);
        return;
    }
    if (ending_ || ssh_message_type(message.get()) != SSH_REQUEST_AUTH) {
        ssh_message_reply_default(message.get());
        return;
    }
    LoginRequest request(std::move(message));
    const bool offered = request.method() == LoginRequest::Method::public_key ||
                         (request.method() == LoginRequest::Method::password && options_.passwords);
    if (!offered) {
        request.refuse();
        if (!request.asks_for_methods()) {
            login_failed();
        }
        return;
    }
    login_ = std::make_unique<LoginRequest>(std::move(request));
    events_.on_login_request(*login_);
}

void Session::answer_login(bool granted) {
    if (!login_ || handle_ == nullptr) {
        return;
    }
    const Wire::Scope scope(link_);
    const std::unique_ptr<LoginRequest> request = std::move(login_);
    if (!granted || ending_) {
        request->refuse();
        login_failed();
    } else {
        request->grant();
        if (request->proven() || request->method() == LoginRequest::Method::password) {
            enter();
        }
    }
    if (link_.paused()) {
        link_.resume();
        pump();
    }
}

void Session::show_banner(const std::string& text) {
    if (handle_ != nullptr && !logged_in_ && !dead_) {
        const Wire::Scope scope(link_);
        SessionCallbacks::send_banner(handle_, text);
    }
}

void Session::enter() {
    logged_in_ = true;
    grace_.stop();
    set_keepalive_ms(options_.keepalive_ms);
    callbacks_ = std::make_unique<SessionCallbacks>(*this);
    ssh_set_server_callbacks(handle_, &callbacks_->table);
    ssh_set_message_callback(handle_, SessionCallbacks::message, this);
}

void Session::note_growth() {
    const std::uint64_t given = link_.given_bytes();
    held_bytes_ -= std::min(held_bytes_, given - given_seen_);
    given_seen_ = given;
}

bool Session::congested() const {
    return link_.output_bytes() >= kOutputMarkBytes || held_bytes_ > 0 || stalled_channels_ > 0 ||
           ending_;
}

void Session::settle() {
    if (told_) {
        return;
    }
    if (handle_ != nullptr) {
        const Wire::Scope scope(link_);
        if (!dead_) {
            ask_for_last_words();
            send_sayings();
            settle_channels();
            wake_blocked();
        }
        given_seen_ = link_.given_bytes();
        pumped_ = false;
    }
    if (ending_ && !last_words_under_way()) {
        pump();  // libssh sends nothing before the poll that follows its last send
        finish();
    }
}

// Only once, and of "session" channels alone: what visitors lose is theirs to say again.
void Session::ask_for_last_words() {
    if (!ending_ || peer_gone_ || session_channels_ == 0 ||
        std::exchange(last_words_asked_, true)) {
        return;
    }
    for (const auto& channel : channels_) {
        if (channel->session_type_ && channel->events_ != nullptr) {
            channel->events_->on_session_ending(end_detail_);
        }
    }
    goodbye_.start_at(ring_.now_ms() + kLastWordsMs);
}

bool Session::last_words_under_way() const {
    return last_words_asked_ && !last_words_over_ && !dead_ && !peer_gone_ &&
           std::any_of(channels_.begin(), channels_.end(), [](const auto& channel) {
               return channel->session_type_ && channel->close_wanted_ && !channel->peer_closed_;
           });
}

void Session::say(std::string_view text) {
    if (handle_ == nullptr || ending_ || !logged_in_ || sayings_.size() >= kSayingsMax) {
        return;
    }
    sayings_.emplace_back(text);
    ring_.post(settle_);
}

void Session::send_sayings() {
    const bool always_display = true;
    for (const std::string& text : std::exchange(sayings_, {})) {
        ssh_send_debug(handle_, text.c_str(), static_cast<int>(always_display));
    }
}

void Session::settle_channels() {
    std::vector<Channel*> batch;
    batch.swap(touched_);
    for (Channel* channel : batch) {
        channel->touched_ = false;
        if (channel->settle()) {
            remove_channel(*channel);
        }
    }
}

void Session::wake_blocked() {
    if (blocked_.empty() || congested()) {
        return;
    }
    std::vector<Channel*> batch;
    batch.swap(blocked_);
    for (Channel* channel : batch) {
        channel->blocked_ = false;
        if (channel->events_ == nullptr || channel->peer_closed_) {
            continue;
        }
        if (channel->writable_bytes() > 0) {
            channel->events_->on_channel_writable();
        }
    }
}

Channel& Session::add_channel(std::unique_ptr<Channel> channel) {
    channel->index_ = channels_.size();
    return *channels_.emplace_back(std::move(channel));
}

void Session::remove_channel(Channel& channel) {
    stalled_channels_ -= channel.stalled_ ? 1 : 0;
    session_channels_ -= channel.session_type_ ? 1 : 0;
    std::erase(touched_, &channel);
    std::erase(blocked_, &channel);
    const std::size_t index = channel.index_;
    std::swap(channels_[index], channels_.back());
    channels_[index]->index_ = index;
    channels_.pop_back();
}

Channel* Session::open_forwarded(const std::string& address, std::uint16_t port,
                                 const std::string& originator, std::uint16_t originator_port,
                                 Channel::Events& events) {
    if (handle_ == nullptr || dead_ || ending_) {
        return nullptr;
    }
    const Wire::Scope scope(link_);
    ssh_channel handle = ssh_channel_new(handle_);
    if (handle == nullptr) {
        return nullptr;
    }
    Channel& channel = add_channel(std::make_unique<Channel>(*this, handle, events));
    channel.opening_ = std::make_unique<Channel::Opening>(
        Channel::Opening{address, port, originator, originator_port});
    // Sends the open and comes back at once; settle() asks for the answer.
    ssh_channel_open_reverse_forward(handle, address.c_str(), port, originator.c_str(),
                                     originator_port);
    channel.touch();
    return &channel;
}

void Session::on_link_sent() {
    if (!blocked_.empty() && !congested()) {
        ring_.post(settle_);
    }
}

void Session::on_link_end(int error) {
    peer_gone_ = true;
    if (told_) {
        link_.close();
    } else {
        end("lost", error == 0 ? "the client closed the connection" : std::strerror(-error));
    }
}

void Session::set_keepalive_ms(std::int64_t keepalive_ms) {
    options_.keepalive_ms = keepalive_ms;
    silent_intervals_ = 0;
    silence_.stop();
    link_.set_patience_ms(keepalive_ms * kSilentIntervalsMax);  // the kernel sees some ends sooner
    if (keepalive_ms > 0 && logged_in_ && !ending_) {
        silence_.start_at(ring_.now_ms() + keepalive_ms);
    }
}

void Session::check_silence() {
    silence_.start_at(ring_.now_ms() + options_.keepalive_ms);
    if (ring_.now_ms() - heard_ms_ < options_.keepalive_ms) {
        return;
    }
    if (++silent_intervals_ >= kSilentIntervalsMax) {
        peer_gone_ = true;
        end("silent", "nothing heard for three keepalive intervals");
        return;
    }
    send_keepalive();
}

void Session::probe() {
    if (ending_ || !logged_in_) {
        return;
    }
    probed_ = true;
    send_keepalive();
}

void Session::send_keepalive() {
    const Wire::Scope scope(link_);
    const std::uint64_t given_before = link_.given_bytes();
    ssh_send_keepalive(handle_);
    if (link_.given_bytes() == given_before) {
        ssh_send_keepalive(handle_);  // the first call only collected the answer to the last one
    }
}

void Session::grace_over() {
    end("login_grace", "no login within the time allowed by [ssh] login_grace");
}

void Session::login_failed() {
    if (++attempts_ >= kLoginAttemptsMax) {
        end("login_attempts", "too many keys were tried without success");
    }
}

void Session::end(Code reason, std::string detail) {
    if (!ending_) {
        ending_ = true;
        end_reason_ = reason;
        end_detail_ = std::move(detail);
        grace_.stop();
        silence_.stop();
    }
    ring_.post(settle_);  // also for one that waited for last words, and whose peer has gone now
}

void Session::finish() {
    told_ = true;
    login_.reset();
    drop_channels();
    {
        const Wire::Scope scope(link_);
        if (!dead_ && !peer_gone_ && keys_exchanged_) {
            ssh_session_set_disconnect_message(handle_, end_detail_.c_str());
            ssh_disconnect(handle_);
        }
        ssh_free(std::exchange(handle_, nullptr));
    }
    if (peer_gone_) {
        link_.close();
    } else {
        link_.finish();
        silence_.stop();
        goodbye_.start_at(ring_.now_ms() + kGoodbyeMs);
    }
    events_.on_session_end(end_reason_, end_detail_);
}

void Session::goodbye_over() {
    if (told_) {
        link_.close();
    } else {
        last_words_over_ = true;
        ring_.post(settle_);
    }
}

void Session::drop_channels() {
    touched_.clear();
    blocked_.clear();
    for (std::size_t index = 0; index < channels_.size(); ++index) {
        channels_[index]->lose();
    }
    channels_.clear();
}

void Session::on_link_joined() {
    events_.on_session_joined();
}

std::string Session::libssh_error() const {
    const char* text = handle_ == nullptr ? "" : ssh_get_error(handle_);
    return *text == '\0' ? "the client broke the protocol" : text;
}

}  // namespace portreeve::ssh
