#include "daemon/binding.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace portreeve::daemon {
namespace {

using uring::Address;

// A search runs on the worker's thread; in a pool that is almost full, it gives up in a few ms.
constexpr std::uint32_t kPoolTriesMax = 1024;

bool is_loopback(const Address& address) {
    return address.host() == "::1" || address.host().starts_with("127.");
}

Wanted everywhere() {
    return {{"0.0.0.0", "::"}, true, {}};
}
Wanted loopback() {
    return {{"127.0.0.1", "::1"}, false, {}};
}

// What the client itself asked for, before the configuration has its say.
tl::expected<Wanted, Refusal> as_asked(const std::string& address) {
    if (address.empty() || address == "*") {
        return everywhere();
    }
    if (address == "localhost") {
        return loopback();
    }
    if (const auto literal = Address::parse(address, 0)) {
        return Wanted{{literal->host()}, address == "0.0.0.0" || address == "::", {}};
    }
    return tl::unexpected(
        Refusal{"name_not_served", "\"" + address + "\" is a name, which has no address"});
}

bool only_loopback(const Wanted& wanted) {
    return std::all_of(wanted.hosts.begin(), wanted.hosts.end(), [](const std::string& host) {
        const auto address = Address::parse(host, 0);
        return address && is_loopback(*address);
    });
}

// Each family's own loopback: a wish for IPv4 alone does not open a port on IPv6.
Wanted loopback_instead(const Wanted& wanted) {
    Wanted made;
    for (const std::string& host : wanted.hosts) {
        made.hosts.emplace_back(Address::parse(host, 0)->is_v6() ? "::1" : "127.0.0.1");
    }
    return made;
}

// A family that this host does not have at all is not one that was withheld: the note tells of it.
bool family_missing(int error) {
    return error == -EAFNOSUPPORT || error == -EADDRNOTAVAIL;
}

std::string why_not(const Address& address, int error) {
    if (error == -EADDRINUSE) {
        return address.text() + " is in use";
    }
    if (error == -EACCES) {
        return address.text() +
               " may not be bound by this server (ports below 1024 need "
               "CAP_NET_BIND_SERVICE)";
    }
    return address.text() + ": " + std::strerror(-error);
}

struct BindFailure {
    int error;
    std::string sentence;
};

// All of the wanted addresses on this port, or none.
tl::expected<Bound, BindFailure> bind_all(const Wanted& wanted, std::uint16_t port) {
    Bound bound{{}, port, wanted.wildcard, wanted.note};
    BindFailure missing{-EADDRNOTAVAIL, "this host has no such address"};
    for (const std::string& host : wanted.hosts) {
        const auto address = Address::parse(host, port);
        auto socket = uring::listen_on(*address, false);
        if (socket) {
            bound.sockets.push_back(std::move(*socket));
        } else if (wanted.hosts.size() > 1 && family_missing(socket.error())) {
            missing = {socket.error(), why_not(*address, socket.error())};
            bound.note += (bound.note.empty() ? "" : "; ") +
                          ("not at " + host + ", which this host does not have");
        } else {
            return tl::unexpected(BindFailure{socket.error(), why_not(*address, socket.error())});
        }
    }
    if (bound.sockets.empty()) {
        return tl::unexpected(missing);
    }
    return bound;
}

tl::expected<Bound, Refusal> bind_from_pool(const Wanted& wanted, const conf::PortRange& pool,
                                            std::uint32_t seed, const PortTaken& taken) {
    const std::uint32_t size = std::uint32_t{pool.last} - pool.first + 1;
    for (std::uint32_t step = 0, tries = 0; step < size && tries < kPoolTriesMax; ++step) {
        const auto port = static_cast<std::uint16_t>(pool.first + (seed % size + step) % size);
        if (taken(port)) {
            continue;
        }
        ++tries;
        auto bound = bind_all(wanted, port);
        if (bound) {
            return std::move(*bound);
        }
        if (bound.error().error != -EADDRINUSE && bound.error().error != -EACCES) {
            return tl::unexpected(Refusal{"bind_failed", bound.error().sentence});
        }
    }
    return tl::unexpected(Refusal{"pool_exhausted", "no free port was found in [forward] pool " +
                                                        std::to_string(pool.first) + "-" +
                                                        std::to_string(pool.last)});
}

}  // namespace

bool is_name(const std::string& address) {
    return !address.empty() && address != "*" && address != "localhost" &&
           !Address::parse(address, 0);
}

tl::expected<Wanted, Refusal> addresses_for(const std::string& address, conf::Bind bind) {
    auto wanted = as_asked(address);
    if (!wanted) {
        return wanted;
    }
    if (bind == conf::Bind::any && (wanted->hosts.size() < 2 || !wanted->wildcard)) {
        wanted = everywhere();
        wanted->note = "opened on all addresses, because [forward] bind is \"any\"";
    }
    if (bind == conf::Bind::loopback && !only_loopback(*wanted)) {
        wanted = loopback_instead(*wanted);
        wanted->note = "opened on loopback only, because [forward] bind is \"loopback\"";
    }
    return wanted;
}

tl::expected<Bound, Refusal> bind_forward(const Wanted& wanted, std::uint32_t port,
                                          const conf::PortRange& pool, std::uint32_t seed,
                                          const PortTaken& taken) {
    if (port == 0) {
        return bind_from_pool(wanted, pool, seed, taken);
    }
    if (port > 65'535) {
        return tl::unexpected(
            Refusal{"port_not_allowed", "there is no port " + std::to_string(port)});
    }
    auto bound = bind_all(wanted, static_cast<std::uint16_t>(port));
    if (!bound) {
        return tl::unexpected(Refusal{bound.error().error == -EADDRINUSE
                                          ? ssh::Code("address_in_use")
                                          : ssh::Code("bind_failed"),
                                      bound.error().sentence});
    }
    return std::move(*bound);
}

}  // namespace portreeve::daemon
