// A tunnel as others see it: what lists, files and programs are told of it.
//
// Owns: values only. Called by: Leases, which makes them; whoever shows tunnels. Bounds: none
// needed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "daemon/lease_kind.h"
#include "daemon/traffic.h"

namespace portreeve::daemon {

struct TunnelEntry {
    std::string id;  // of its lease: the same for as long as the address is
    // The name, if that is what it is: of http without the domain. Else the label that its client
    // logged in with.
    std::string name;
    LeaseKind kind = LeaseKind::tcp;
    std::string user;
    std::string fingerprint;
    std::string requested;  // as the client wrote it: "localhost:0"
    // Where it is: one that can be connected to, and all of them. A private name is its own; of
    // http it is the host.
    std::string address;
    std::vector<std::string> addresses;
    std::uint16_t port = 0;
    std::string url;           // of http alone, as visitors write it
    std::string client;        // "192.0.2.1:4022"; empty: not known since a restart
    std::int64_t since_s = 0;  // when it became what it is, by the wall clock
    bool held = false;         // else open
    // What went wrong last, since it was opened: "target_refused: …", "lost: …"; and when.
    std::string error;
    std::int64_t error_s = 0;
    Traffic::Figures traffic;

    // Whether NAME, NAME:PORT or PORT means this one; or of http its host or URL.
    // Names in any case.
    [[nodiscard]] bool is_called(const std::string& text) const;
    bool operator==(const TunnelEntry&) const = default;
};

// … and what its files in the directory are called, before the dot.
struct NamedTunnel {
    TunnelEntry entry;
    std::string name;
};

// One JSON object, on one line, of what does not change with every visitor; bytes that are not
// UTF-8 are replaced.
[[nodiscard]] std::string json_of(const TunnelEntry& entry);
[[nodiscard]] nlohmann::ordered_json object_of(const TunnelEntry& entry);
// An array of the same objects; each with its traffic as one more, where that is asked for.
enum class Detail { plain, traffic };
[[nodiscard]] nlohmann::ordered_json array_of(const std::vector<TunnelEntry>& entries,
                                              Detail detail);

// Where one of these objects is, for people: "127.0.0.1:20001", "[::1]:20001", "pc42:22".
[[nodiscard]] std::string place_of(const nlohmann::ordered_json& tunnel);
// Such an array with traffic, for people: a line a tunnel, with a line of headings; empty if there
// is none.
[[nodiscard]] std::string table_of(const nlohmann::ordered_json& tunnels);

}  // namespace portreeve::daemon
