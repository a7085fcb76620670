// The other end of a session under test: a libssh client on a thread of its own, which does nothing
// but the jobs it is given, one after the other. Between two jobs it neither reads nor writes,
// which is how tests withhold its answers.
//
// Its descriptor is a real one, so its poll, recv and send are also proof that the interposed ones
// pass on what is not the wire.
#pragma once

#include <libssh/libssh.h>

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "ssh/keys.h"
#include "uring/fd.h"

namespace portreeve::ssh::testing {

class Peer {
  public:
    explicit Peer(uring::Fd socket);
    Peer(const Peer&) = delete;
    Peer& operator=(const Peer&) = delete;
    Peer(Peer&&) = delete;
    Peer& operator=(Peer&&) = delete;
    // Cuts the connection, so that whatever job is under way ends.
    ~Peer();

    // From the test's thread.
    void start(std::function<void()> job);
    [[nodiscard]] bool busy();
    // The connection is gone, without a word.
    void vanish();
    [[nodiscard]] int descriptor() const { return socket_.get(); }

    // Inside a job.
    [[nodiscard]] ssh_session handle() { return session_; }
    [[nodiscard]] bool connect();
    [[nodiscard]] bool log_in(ssh_key key);
    // Waits for the server to open a forwarded channel and takes it; nullptr when there is none.
    [[nodiscard]] ssh_channel accept();
    // The same, but says no.
    [[nodiscard]] bool refuse();
    // Reads and answers whatever comes, until `done` or the end of the connection.
    void serve_until(const std::function<bool()>& done);
    // Reads and answers what has come already.
    void answer();
    void disconnect();

  private:
    void work();

    uring::Fd socket_;  // a second name for the client's descriptor, which libssh closes
    ssh_session session_;
    std::mutex lock_;
    std::condition_variable changed_;
    std::function<void()> job_;
    bool ending_ = false;
    std::thread thread_;
};

// A key of the client, made once for the whole run.
ssh_key client_key();
ssh_key other_key();

// Reads `count` bytes, or what there was before the channel or the connection ended.
std::string read_bytes(ssh_channel channel, std::size_t count);
// Reads until EOF.
std::string read_to_end(ssh_channel channel);
[[nodiscard]] bool write_bytes(ssh_channel channel, const std::string& bytes,
                               std::size_t piece_bytes = 32768);

}  // namespace portreeve::ssh::testing
