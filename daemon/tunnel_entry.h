// A tunnel as others see it: what lists, files and programs are told of it.
//
// Owns: values only. Called by: Leases, which makes them; whoever shows tunnels. Bounds: none
// needed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace portreeve::daemon {

struct TunnelEntry {
    std::string id;           // of its lease: the same for as long as the address is
    std::string name;         // a private name, or the label that its client logged in with
    bool is_private = false;  // else tcp
    std::string user;
    std::string fingerprint;
    std::string requested;  // as the client wrote it: "localhost:0"
    // Where it is: one that can be connected to, and all of them. A private name is its own.
    std::string address;
    std::vector<std::string> addresses;
    std::uint16_t port = 0;
    std::string client;        // "192.0.2.1:4022"; empty: not known since a restart
    std::int64_t since_s = 0;  // when it became what it is, by the wall clock
    bool held = false;         // else open
    // What went wrong last, since it was opened: "target_refused: …", "lost: …"; and when.
    std::string error;
    std::int64_t error_s = 0;

    // Whether NAME, NAME:PORT or PORT means this one.
    [[nodiscard]] bool is_called(const std::string& text) const;
    bool operator==(const TunnelEntry&) const = default;
};

// One JSON object, on one line; bytes that are not UTF-8 are replaced.
[[nodiscard]] std::string json_of(const TunnelEntry& entry);
// An array of them, indented for people, and with a last line's end.
[[nodiscard]] std::string json_of(const std::vector<TunnelEntry>& entries);

}  // namespace portreeve::daemon
