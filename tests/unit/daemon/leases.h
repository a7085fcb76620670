// Leases for tests: sets of them that differ, with every kind of byte that a client may send.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "daemon/lease_text.h"
#include "tests/unit/uring/seeds.h"

namespace portreeve::daemon::test {

using uring::test::Dice;

inline std::string hex_id(std::uint64_t number) {
    std::string id(16, '0');
    for (std::size_t at = id.size(); at > 0 && number != 0; number /= 16) {
        id[--at] = "0123456789abcdef"[number % 16];
    }
    return id;
}

inline LeaseRecord lease(std::uint64_t number) {
    LeaseRecord made;
    made.id = hex_id(number);
    made.owner = "SHA256:" + hex_id(number * 0x9e3779b97f4a7c15U);
    made.label = "ann";
    made.requested = "localhost";
    made.port = static_cast<std::uint16_t>(20'000 + number % 10'000);
    made.hosts = {"127.0.0.1", "::1"};
    return made;
}

inline std::vector<LeaseRecord> leases(std::size_t count, std::uint64_t first = 1) {
    std::vector<LeaseRecord> made;
    for (std::uint64_t number = first; made.size() < count; ++number) {
        made.push_back(lease(number));
    }
    return made;
}

inline LeaseRecord random_lease(Dice& dice, std::uint64_t number) {
    LeaseRecord made = lease(number);
    made.label = dice.text(dice.between(0, kLeaseWordBytesMax));
    made.requested = dice.text(dice.between(0, kLeaseRequestedBytesMax));
    made.note = dice.chance(50) ? "" : dice.text(dice.between(0, kLeaseWordBytesMax));
    made.requested_port = static_cast<std::uint16_t>(dice.between(0, 65'535));
    made.port = static_cast<std::uint16_t>(dice.between(1, 65'535));
    made.hosts.resize(dice.between(0, 2));
    if (made.hosts.empty() && dice.chance(50)) {
        made.host = dice.text(dice.between(1, kLeaseHostBytesMax));
        made.path = dice.text(dice.between(0, kLeasePathBytesMax));
    }
    made.reach = dice.chance(50) ? "" : dice.text(dice.between(1, kLeaseAudienceBytesMax));
    made.allow = dice.chance(50) ? "" : dice.text(dice.between(1, kLeaseNetworksBytesMax));
    made.deny = dice.chance(50) ? "" : dice.text(dice.between(1, kLeaseNetworksBytesMax));
    made.share = dice.chance(50) ? "" : dice.text(dice.between(1, kLeaseAudienceBytesMax));
    made.held_until_s = static_cast<std::int64_t>(dice.between(0, 4'000'000'000));
    return made;
}

}  // namespace portreeve::daemon::test
