// What [events] command and those who watch are told: one thing that happened, as a JSON object on
// one line. docs/EVENTS.md has what is in it.
//
// Owns: values only. Called by: NewsQueue, Watch. Bounds: none of its own; the queue counts the
// bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "conf/config.h"
#include "daemon/refusal.h"
#include "daemon/tunnel_entry.h"

namespace portreeve::daemon {

struct TunnelNews {
    conf::EventKind kind;
    TunnelEntry tunnel;
    const Refusal* why = nullptr;  // nullptr: it is up
    std::string former_client;     // of one that was taken over
};

// Somebody did not get in, or not what was asked for; what is not known is empty.
struct RefusalNews {
    std::string_view what;  // "connection", "login" or "forward"
    Refusal why;
    std::string client;  // the address
    std::string user;
    std::string fingerprint;
    std::string asked;  // "localhost:8080"
};

struct News {
    conf::EventKind kind;
    std::string subject;  // the tunnel's id: its news are told one after the other; empty: refusals
    std::string about;    // for the log: "pc42:20001", or a client's address
    std::string text;     // the object, and the line's end
};

// As of `now_s`.
[[nodiscard]] News news_of(const TunnelNews& happened, std::int64_t now_s);
[[nodiscard]] News news_of(const RefusalNews& happened, std::int64_t now_s);
// What those who watch are told instead of so many events: an object too, and the line's end.
[[nodiscard]] std::string lost_line(std::uint64_t events, std::int64_t now_s);

}  // namespace portreeve::daemon
