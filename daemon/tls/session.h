// One TLS connection as its server, from bytes to bytes: it knows nothing of sockets. What arrived
// is lent to read() and decrypted straight from there; what has to be sent is appended to an Output
// as it is made, so that it is copied once, to where it is sent from.
//
// Ends are told apart: got_close_notify() says that the client has said all it wanted. Where the
// socket's input ends without it, what came was cut short, by the client or by somebody between.
// Each direction ends by itself.
//
// Owns: OpenSSL's state of the connection: 15 KiB while it is idle, a buffer for a record more
// while part of one is there, and some 75 KiB during the handshake. Called by: one thread at a
// time, whichever. Bounds: a message of the handshake is kHelloBytesMax, or less where OpenSSL says
// so; a record is 16 KiB; what is sent is what is written, and an answer at most to each message of
// the client's, so not to read() while output waits bounds that too.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "daemon/tls/asked.h"
#include "daemon/tls/context.h"
#include "daemon/tls/output.h"

struct ssl_st;

namespace portreeve::tls {

struct Wire;  // daemon/tls/memory_bio.h: OpenSSL's end of it

class Session {
  public:
    // `output` has to outlive it.
    Session(std::shared_ptr<const Context> context, Output& output);
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    Session(Session&&) = delete;
    Session& operator=(Session&&) = delete;
    ~Session();

    // Takes bytes off the head of `cipher`, and returns how many bytes of `plain`, which must not
    // be empty, it has filled with what they say. Call it until it returns 0: then all of `cipher`
    // is taken, and more is needed, or nothing more is to be had: got_close_notify(), error(). The
    // handshake is done in here. What was taken comes out when its record is whole, so that up to
    // 16 KiB more may come out than this call was given.
    [[nodiscard]] std::size_t read(std::string_view& cipher, std::span<char> plain);
    // All of it is taken, in records of 16 KiB and what is left over: what is written at once goes
    // out in the fewest. False: not established, closed by close_notify(), or error().
    [[nodiscard]] bool write(std::string_view plain);
    // Nothing more will be written; the client may go on. Before it is established, nothing is
    // said.
    void close_notify();

    // The handshake is over: from now on write().
    [[nodiscard]] bool is_established() const { return is_established_; }
    [[nodiscard]] bool got_close_notify() const { return got_close_notify_; }
    // Not empty: the end of a sentence about this connection, "the client refuses: unknown CA";
    // where an alert says so to the client, it is in the output already. Nothing more will come.
    [[nodiscard]] const std::string& error() const { return error_; }

    // The host that the client asked for, in lower case; empty: none, or an IP address.
    [[nodiscard]] const std::string& server_name() const { return asked_.server_name; }
    // Whether the certificate that the client was shown is for `host`, a name in lower case, as far
    // as can be known: a client that asked for no host was shown what there is.
    [[nodiscard]] bool is_for(std::string_view host) const;
    // What was agreed on of Context::Options::protocols; empty: the client offered nothing.
    [[nodiscard]] std::string_view protocol() const;
    [[nodiscard]] std::string_view version() const;  // "TLSv1.3"
    [[nodiscard]] bool is_resumed() const;           // by a ticket

  private:
    struct Free {
        void operator()(ssl_st* ssl) const;
    };

    [[nodiscard]] bool is_over() const { return !ssl_ || !error_.empty(); }
    void note_established();
    [[nodiscard]] bool note_end(int result);  // whether it is one
    void fail(std::string why);

    std::shared_ptr<const Context> context_;
    std::unique_ptr<Wire> wire_;
    std::unique_ptr<ssl_st, Free> ssl_;
    Asked asked_;
    std::string error_;
    bool is_established_ = false;
    bool got_close_notify_ = false;
    bool sent_close_notify_ = false;
};

}  // namespace portreeve::tls
