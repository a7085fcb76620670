#include "tests/unit/ssh/conversation.h"

#include <algorithm>
#include <stdexcept>

#include "ssh/library.h"
#include "tests/unit/ssh/folder.h"

namespace portreeve::ssh::testing {

void RecordingUser::leave() {
    if (Channel* left = std::exchange(channel, nullptr); left != nullptr) {
        left->close();
    }
}

void RecordingUser::send(std::string bytes, bool then_eof, std::size_t piece_bytes) {
    outgoing_ += bytes;
    piece_bytes_ = piece_bytes;
    eof_wanted_ = then_eof;
    push();
}

void RecordingUser::push() {
    while (unsent_bytes() > 0) {
        const std::size_t space = channel->writable_bytes();
        if (space == 0) {
            return;
        }
        const std::size_t piece = std::min({space, unsent_bytes(), piece_bytes_});
        channel->write(std::as_bytes(std::span(outgoing_).subspan(sent_bytes_, piece)));
        sent_bytes_ += piece;
    }
    if (std::exchange(eof_wanted_, false)) {
        channel->send_eof();
    }
}

void RecordingUser::take(std::size_t bytes) {
    room += bytes;
    if (channel != nullptr) {
        channel->take_more();
    }
}

void RecordingUser::on_channel_refused(std::string_view reason) {
    ++refused;
    refusal = reason;
    channel = nullptr;
}

std::size_t RecordingUser::on_channel_data(std::span<const std::byte> bytes) {
    EXPECT_EQ(eofs, 0) << "data came after EOF";
    EXPECT_EQ(closed, 0) << "data came after the end";
    const std::size_t taken = std::min(room, bytes.size());
    received.append(reinterpret_cast<const char*>(bytes.data()), taken);
    room -= room == kEndless ? 0 : taken;
    return taken;
}

void RecordingUser::on_channel_eof() {
    EXPECT_EQ(closed, 0) << "EOF came after the end";
    ++eofs;
}

void RecordingUser::on_channel_writable() {
    ++writable;
    push();
}

void RecordingUser::on_channel_closed() {
    ++closed;
    channel = nullptr;
}

bool RecordingUser::on_exec(std::string_view command) {
    commands.emplace_back(command);
    return grants_requests;
}

bool RecordingUser::on_pty(std::string_view term, Channel::TerminalSize size) {
    terminals.push_back(std::string(term) + " " + std::to_string(size.columns) + "x" +
                        std::to_string(size.rows));
    return grants_requests;
}

void RecordingUser::on_window_change(Channel::TerminalSize size) {
    terminals.push_back(std::to_string(size.columns) + "x" + std::to_string(size.rows));
}

void RecordingUser::on_session_ending(std::string_view why) {
    if (!last_words.empty()) {
        channel->write_later(last_words + std::string(why));
        leave();
    }
}

void RecordingOwner::on_login_request(const LoginRequest& request) {
    if (request.method() == LoginRequest::Method::password) {
        users.push_back(request.user() + " says " + std::string(request.password()));
        answer(request.password() == "open sesame");
        return;
    }
    users.push_back(request.user() + (request.proven() ? " proven" : " asks"));
    answer(allowed && *allowed == request.key());
}

void RecordingOwner::answer(bool granted) {
    if (answers_later) {
        waiting = granted;
    } else {
        session->answer_login(granted);
    }
}

std::uint16_t RecordingOwner::on_forward(const ForwardWish& wish) {
    forwards.push_back(wish);
    return grant(wish);
}

bool RecordingOwner::on_cancel_forward(const ForwardWish& wish) {
    cancels.push_back(wish);
    return std::any_of(forwards.begin(), forwards.end(), [&](const ForwardWish& asked) {
        return asked.address == wish.address && grant(asked) == wish.port;
    });
}

void RecordingOwner::on_session_channel_open(Channel& channel, Channel::Events& user) {
    static_cast<RecordingUser&>(user).channel = &channel;
}

void RecordingOwner::on_session_end(Code reason, std::string_view detail) {
    ++ended;
    end_reason = reason;
    end_detail = detail;
}

HostKeys make_host_keys() {
    static const Library library;
    static const Folder folder;
    auto keys = HostKeys::read_or_make(folder.path());
    if (!keys) {
        throw std::runtime_error(keys.error());
    }
    return std::move(*keys);
}

Conversation::Conversation(const SessionOptions& options) : host_keys(make_host_keys()) {
    auto made = Acceptor::make(host_keys);
    if (!made) {
        throw std::runtime_error(made.error());
    }
    acceptor.emplace(std::move(*made));
    auto [near, far] = local_pair();
    peer = std::make_unique<Peer>(std::move(far));
    session =
        std::make_unique<Session>(bench.ring(), bench.pools(), std::move(near), options, owner);
    owner.session = session.get();
    if (!session->open(*acceptor)) {
        throw std::runtime_error("the session cannot be opened");
    }
}

Conversation::~Conversation() {
    if (session) {
        session->end("left", "the test is over");
        peer->vanish();
        EXPECT_TRUE(bench.until([this] { return owner.joined > 0; })) << "the session never joined";
    }
    peer.reset();
    EXPECT_LE(owner.ended, 1);
    EXPECT_LE(owner.joined, 1);
}

void Conversation::run_on_peer(const std::function<void()>& job) {
    peer->start(job);
    finish_on_peer();
}

void Conversation::on_peer_alone(const std::function<void()>& job) {
    peer->start(job);
    while (peer->busy()) {
        std::this_thread::yield();
    }
}

void Conversation::finish_on_peer() {
    if (!bench.until([this] { return !peer->busy(); })) {
        peer->vanish();
        static_cast<void>(bench.until([this] { return !peer->busy(); }));
        throw std::runtime_error("the peer did not get done with its job");
    }
}

void Conversation::log_in() {
    const std::string error = on_peer([this] {
        return peer->connect() && peer->log_in(client_key())
                   ? std::string()
                   : std::string("no login: ") + ssh_get_error(peer->handle());
    });
    ASSERT_EQ(error, "");
    ASSERT_TRUE(session->logged_in());
}

ssh_channel Conversation::carry(RecordingUser& user) {
    user.channel = session->open_forwarded("localhost", 4242, "192.0.2.7", 5555, user);
    ssh_channel taken = on_peer([this] { return peer->accept(); });
    if (taken == nullptr || !bench.until([&] { return user.opened > 0; })) {
        throw std::runtime_error("the peer did not take the channel");
    }
    return taken;
}

void Conversation::wait_for_end() {
    ASSERT_TRUE(bench.until([this] { return owner.ended > 0; })) << "the session goes on";
}

}  // namespace portreeve::ssh::testing
