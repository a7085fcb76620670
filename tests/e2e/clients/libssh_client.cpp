// A client on libssh, for what it does differently from OpenSSH's: it asks for its forwards with
// ssh_channel_listen_forward and answers every visitor itself, as an echo. One thread, one event.
//
//     libssh_client HOST PORT USER KEY [ADDRESS/]PORT...
//
// Prints "listening ASKED GOT" for each forward, then serves until the connection ends or it is
// killed. Exits 1 with the reason on stderr when anything is refused.
#include <libssh/callbacks.h>
#include <libssh/libssh.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

struct Visitor {
    ssh_channel channel;
    std::string pending;  // read and not yet written back: the gate's window was shut
};

[[noreturn]] void fail(ssh_session session, const std::string& what) {
    std::fprintf(stderr, "libssh_client: %s: %s\n", what.c_str(), ssh_get_error(session));
    std::exit(1);
}

ssh_session log_in(char** argv) {
    ssh_session session = ssh_new();
    const int port = std::atoi(argv[2]);
    ssh_options_set(session, SSH_OPTIONS_PROCESS_CONFIG, "0");
    ssh_options_parse_config(session, "/dev/null");
    ssh_options_set(session, SSH_OPTIONS_HOST, argv[1]);
    ssh_options_set(session, SSH_OPTIONS_PORT, &port);
    ssh_options_set(session, SSH_OPTIONS_USER, argv[3]);
    if (ssh_connect(session) != SSH_OK) {
        fail(session, "connect");
    }
    ssh_key key = nullptr;
    if (ssh_pki_import_privkey_file(argv[4], nullptr, nullptr, nullptr, &key) != SSH_OK) {
        fail(session, "read the key");
    }
    if (ssh_userauth_publickey(session, nullptr, key) != SSH_AUTH_SUCCESS) {
        fail(session, "log in");
    }
    ssh_key_free(key);
    return session;
}

void listen_at(ssh_session session, const std::string& asked) {
    const std::size_t slash = asked.find('/');
    const std::string address = slash == std::string::npos ? "" : asked.substr(0, slash);
    const std::string port = slash == std::string::npos ? asked : asked.substr(slash + 1);
    int bound = std::atoi(port.c_str());
    const int wanted = bound;
    if (ssh_channel_listen_forward(session, address.empty() ? nullptr : address.c_str(), wanted,
                                   wanted == 0 ? &bound : nullptr) != SSH_OK) {
        fail(session, "listen at " + asked);
    }
    std::printf("listening %s %d\n", asked.c_str(), bound);
    std::fflush(stdout);
}

// Writes back what its window has room for: ssh_channel_write would block on a shut one, and with
// it every other visitor.
void flush(Visitor& visitor) {
    const std::size_t window = ssh_channel_window_size(visitor.channel);
    const std::size_t room = std::min(window, visitor.pending.size());
    if (room > 0) {
        const int put = ssh_channel_write(visitor.channel, visitor.pending.data(),
                                          static_cast<std::uint32_t>(room));
        visitor.pending.erase(0, static_cast<std::size_t>(std::max(put, 0)));
    }
}

// Echoes what there is. False: the visitor is done with and its channel freed.
bool serve(Visitor& visitor) {
    char bytes[65536];
    for (;;) {
        flush(visitor);
        if (!visitor.pending.empty()) {
            return true;
        }
        const int got = ssh_channel_read_nonblocking(visitor.channel, bytes, sizeof bytes, 0);
        if (got > 0) {
            visitor.pending.assign(bytes, static_cast<std::size_t>(got));
        } else if (got == 0 && !ssh_channel_is_eof(visitor.channel)) {
            return true;
        } else {
            break;
        }
    }
    ssh_channel_send_eof(visitor.channel);
    ssh_channel_close(visitor.channel);
    ssh_channel_free(visitor.channel);
    return false;
}

// The next visitor's channel, or null: there is none now.
ssh_channel accept(ssh_session session) {
    int port = 0;
    char* originator = nullptr;
    int originator_port = 0;
    ssh_channel channel =
        ssh_channel_open_forward_port(session, 0, &port, &originator, &originator_port);
    ssh_string_free_char(originator);
    return channel;
}

void run(ssh_session session) {
    ssh_event event = ssh_event_new();
    ssh_event_add_session(event, session);
    std::vector<Visitor> visitors;
    while (ssh_is_connected(session) != 0) {
        while (ssh_channel channel = accept(session)) {
            visitors.push_back({channel, ""});
        }
        std::erase_if(visitors, [](Visitor& visitor) { return !serve(visitor); });
        if (ssh_event_dopoll(event, 1000) == SSH_ERROR) {
            break;
        }
    }
    ssh_event_free(event);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 6) {
        std::fprintf(stderr, "usage: %s HOST PORT USER KEY [ADDRESS/]PORT...\n", argv[0]);
        return 2;
    }
    ssh_session session = log_in(argv);
    for (int index = 5; index < argc; ++index) {
        listen_at(session, argv[index]);
    }
    run(session);
    fail(session, "the connection ended");
}
