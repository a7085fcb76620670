// Feeds TLS sessions any bytes, alone and in the midst of a handshake that was good so far, and
// checks that the pieces they come in change nothing, and that an end stays the end.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "daemon/tls/session.h"
#include "tests/unit/tls/client.h"
#include "tests/unit/tls/issuing.h"

namespace {

using namespace portreeve::tls;

void check(bool holds, const char* what) {
    if (!holds) {
        (void)std::fprintf(stderr, "tls_session_fuzz: %s\n", what);
        std::abort();
    }
}

std::shared_ptr<const Context> make_context() {
    const test::Folder folder;
    put(folder, "a", test::issue({}));
    put(folder, "b", test::issue({.names = {"*.b.example"}, .kind = "ED25519"}));
    auto made = Context::make(Certificates::read(folder.path(), test::now_s()),
                              std::make_shared<TicketKeys>(0));
    check(made.has_value(), "no context");
    return *made;
}

struct Sent : Output {
    void append(std::string_view cipher) noexcept override { bytes.append(cipher); }
    std::string bytes;
};

struct Server {
    explicit Server(const std::shared_ptr<const Context>& context) : session(context, sent) {}

    // In memory of its own, so that a byte too far is seen.
    void receive(std::string_view cipher, std::size_t step) {
        std::array<char, 700> plain{};
        for (; !cipher.empty(); cipher.remove_prefix(std::min(step, cipher.size()))) {
            const std::string lent(cipher.substr(0, step));
            std::string_view left = lent;
            std::size_t got_bytes = 0;
            while (const std::size_t size = session.read(left, plain)) {
                check(size <= plain.size(), "more than there was room for");
                got_bytes += size;
            }
            check(left.empty(), "something was left");
            check(got_bytes == 0 || session.is_established(), "heard before the handshake");
        }
        check(session.error().empty() || !session.write("x"), "written after the end");
    }
    [[nodiscard]] std::string outcome() const {
        return session.server_name() + (session.is_established() ? " established " : " ") +
               session.error();
    }

    Sent sent;
    Session session;
};

std::string outcome_of(const std::shared_ptr<const Context>& context, std::string_view bytes,
                       std::size_t step) {
    Server server(context);
    server.receive(bytes, step);
    return server.outcome();
}

// A client's handshake, of which `bytes` says what is changed: each three of them are where, and
// into what; and where so many turns are over, what is left of them comes instead.
void change_handshake(const std::shared_ptr<const Context>& context, std::string_view bytes) {
    constexpr unsigned kTurns = 4;
    if (bytes.empty()) {
        return;
    }
    const auto how = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    test::Client client({.host = (how & 1U) != 0 ? "a.example" : "x.b.example",
                         .version_max = (how & 2U) != 0 ? TLS1_2_VERSION : TLS1_3_VERSION,
                         .groups = (how & 4U) != 0 ? "X448:P-256" : "",
                         .protocols = {"h2", "http/1.1"}});
    Server server(context);
    const unsigned good_turns = how >> 4U;
    for (unsigned turn = 0; turn < kTurns; ++turn) {
        client.step();
        if (client.is_established() && client.error().empty() && !client.got_close_notify) {
            client.write("GET / HTTP/1.1\r\n\r\n");
        }
        std::string cipher = client.take_output();
        if (turn >= good_turns && bytes.size() >= 3 && !cipher.empty()) {
            const std::size_t at = std::size_t{static_cast<unsigned char>(bytes[0])} << 8U |
                                   static_cast<unsigned char>(bytes[1]);
            cipher[at % cipher.size()] = bytes[2];
            bytes.remove_prefix(3);
        }
        server.receive(cipher, (how & 8U) != 0 ? 5 : 10'000);
        client.receive(server.sent.bytes);
        server.sent.bytes.clear();
    }
    server.receive(bytes, 100);
    server.session.close_notify();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const auto context = make_context();
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const auto whole = outcome_of(context, bytes, size + 1);
    check(outcome_of(context, bytes, 1) == whole, "single bytes change the outcome");
    check(outcome_of(context, bytes, size / 3 + 1) == whole, "pieces change the outcome");
    change_handshake(context, bytes);
    return 0;
}
