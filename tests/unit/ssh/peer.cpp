#include "tests/unit/ssh/peer.h"

#include <fcntl.h>
#include <libssh/server.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

namespace portreeve::ssh::testing {
namespace {

constexpr int kStepMs = 5;
constexpr int kForEver = -1;
constexpr long kPatienceS = 20;  // what a failing test waits for an answer

ssh_key make_key() {
    ssh_key key = nullptr;
    ssh_pki_generate(SSH_KEYTYPE_ED25519, 0, &key);
    return key;
}

}  // namespace

Peer::Peer(uring::Fd socket)
    : socket_(::fcntl(socket.get(), F_DUPFD_CLOEXEC, 0)), session_(ssh_new()) {
    const bool read_system_files = false;
    const int descriptor = socket.release();
    ssh_options_set(session_, SSH_OPTIONS_PROCESS_CONFIG, &read_system_files);
    ssh_options_set(session_, SSH_OPTIONS_FD, &descriptor);
    ssh_options_set(session_, SSH_OPTIONS_HOST, "gate");
    ssh_options_set(session_, SSH_OPTIONS_USER, "reeve");
    ssh_options_set(session_, SSH_OPTIONS_TIMEOUT, &kPatienceS);
    thread_ = std::thread([this] { work(); });
}

Peer::~Peer() {
    vanish();
    {
        const std::lock_guard guard(lock_);
        ending_ = true;
    }
    changed_.notify_all();
    thread_.join();
    ssh_free(session_);
}

void Peer::start(std::function<void()> job) {
    {
        const std::lock_guard guard(lock_);
        job_ = std::move(job);
    }
    changed_.notify_all();
}

bool Peer::busy() {
    const std::lock_guard guard(lock_);
    return job_ != nullptr;
}

void Peer::work() {
    std::unique_lock guard(lock_);
    for (;;) {
        changed_.wait(guard, [this] { return ending_ || job_ != nullptr; });
        if (job_ == nullptr) {
            return;
        }
        guard.unlock();
        job_();
        guard.lock();
        job_ = nullptr;
    }
}

void Peer::vanish() {
    ::shutdown(socket_.get(), SHUT_RDWR);
}

bool Peer::connect() {
    return ssh_connect(session_) == SSH_OK;
}

bool Peer::log_in(ssh_key key) {
    // On a connection that is gone libssh would wait for ever.
    return ssh_is_connected(session_) == 1 &&
           ssh_userauth_publickey(session_, nullptr, key) == SSH_AUTH_SUCCESS;
}

ssh_channel Peer::accept() {
    ssh_message message = ssh_message_get(session_);
    ssh_channel channel = nullptr;
    if (message != nullptr && ssh_message_type(message) == SSH_REQUEST_CHANNEL_OPEN) {
        channel = ssh_message_channel_request_open_reply_accept(message);
    }
    ssh_message_free(message);
    return channel;
}

bool Peer::refuse() {
    ssh_message message = ssh_message_get(session_);
    const bool refused = message != nullptr && ssh_message_reply_default(message) == SSH_OK;
    ssh_message_free(message);
    return refused;
}

void Peer::serve_until(const std::function<bool()>& done) {
    ssh_event event = ssh_event_new();
    ssh_event_add_session(event, session_);
    while (!done() && ssh_is_connected(session_) == 1) {
        if (ssh_event_dopoll(event, kStepMs) == SSH_ERROR) {
            break;
        }
    }
    ssh_event_remove_session(event, session_);
    ssh_event_free(event);
}

void Peer::answer() {
    pollfd entry{socket_.get(), POLLIN, 0};
    serve_until([&] { return ::poll(&entry, 1, 0) == 0; });
    ssh_blocking_flush(session_, kForEver);
}

void Peer::disconnect() {
    ssh_disconnect(session_);
    vanish();  // the second name would keep the connection open
}

ssh_key client_key() {
    static const KeyHandle key(make_key());
    return key.get();
}

ssh_key other_key() {
    static const KeyHandle key(make_key());
    return key.get();
}

std::string read_bytes(ssh_channel channel, std::size_t count) {
    std::string all;
    std::array<char, 16384> buffer;
    while (all.size() < count) {
        const auto wanted = static_cast<std::uint32_t>(std::min(buffer.size(), count - all.size()));
        const int rc = ssh_channel_read(channel, buffer.data(), wanted, 0);
        if (rc <= 0) {
            break;
        }
        all.append(buffer.data(), static_cast<std::size_t>(rc));
    }
    return all;
}

std::string read_to_end(ssh_channel channel) {
    return read_bytes(channel, static_cast<std::size_t>(-1));
}

bool write_bytes(ssh_channel channel, const std::string& bytes, std::size_t piece_bytes) {
    for (std::size_t done = 0; done < bytes.size();) {
        const std::size_t piece = std::min(piece_bytes, bytes.size() - done);
        const int rc =
            ssh_channel_write(channel, bytes.data() + done, static_cast<std::uint32_t>(piece));
        if (rc <= 0) {
            return false;
        }
        done += static_cast<std::size_t>(rc);
    }
    return true;
}

}  // namespace portreeve::ssh::testing
