#include "daemon/proxy/proxy_doors.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "daemon/endpoint_socket.h"
#include "daemon/source.h"

namespace portreeve::daemon {
namespace {

// A visitor who has ended its direction and then is gone without a word is only noticed by this.
constexpr int kSilenceS = 60;
constexpr int kProbeS = 15;
constexpr int kProbes = 4;

const char* name_of(bool is_https) {
    return is_https ? "https" : "http";
}

bool serves(const conf::Config& config, bool is_https, bool serves_tls) {
    return !config.http.domain.empty() && (!is_https || serves_tls);
}

const std::vector<conf::Endpoint>& wanted_of(const conf::Config& config, bool is_https,
                                             bool serves_tls) {
    static const std::vector<conf::Endpoint> kNone;
    if (!serves(config, is_https, serves_tls)) {
        return kNone;
    }
    return is_https ? config.https.listen : config.http.listen;
}

void watch_life(int socket) {
    const auto set = [socket](int level, int option, int value) {
        static_cast<void>(!setsockopt(socket, level, option, &value, sizeof(value)));
    };
    set(SOL_SOCKET, SO_KEEPALIVE, 1);
    set(IPPROTO_TCP, TCP_KEEPIDLE, kSilenceS);
    set(IPPROTO_TCP, TCP_KEEPINTVL, kProbeS);
    set(IPPROTO_TCP, TCP_KEEPCNT, kProbes);
}

}  // namespace

void ProxyDoors::take_passed(PassedSockets& passed) {
    for (const bool is_https : {false, true}) {
        for (uring::Fd& socket : passed.named(name_of(is_https))) {
            passed_.push_back(
                std::make_unique<Door>(Door{{}, is_https, std::move(socket), nullptr, false}));
            (is_https ? https_passed_ : http_passed_) = true;
        }
    }
}

tl::expected<ProxyDoors::Doors, Failure> ProxyDoors::prepare(const conf::Config& config,
                                                             bool serves_tls) const {
    Doors prepared;
    for (const bool is_https : {false, true}) {
        if (is_https ? https_passed_ : http_passed_) {
            continue;  // systemd decides where we listen
        }
        for (const conf::Endpoint& endpoint : wanted_of(config, is_https, serves_tls)) {
            const bool open = std::any_of(doors_.begin(), doors_.end(), [&](const auto& door) {
                return door->is_https == is_https && door->endpoint == endpoint;
            });
            if (open) {
                continue;
            }
            auto socket = listen_at(endpoint, std::string("[") + name_of(is_https) + "] listen");
            if (!socket) {
                return tl::unexpected(socket.error());
            }
            prepared.push_back(std::make_unique<Door>(
                Door{endpoint, is_https, std::move(*socket), nullptr, false}));
        }
    }
    return prepared;
}

void ProxyDoors::use(Doors prepared, const conf::Config& config, bool serves_tls) {
    for (auto& door : std::exchange(doors_, {})) {
        const auto& wanted = wanted_of(config, door->is_https, serves_tls);
        const bool passed = door->is_https ? https_passed_ : http_passed_;
        if (passed || std::find(wanted.begin(), wanted.end(), door->endpoint) != wanted.end()) {
            doors_.push_back(std::move(door));
        } else {
            shut(std::move(door));
        }
    }
    for (auto& door : prepared) {
        open(std::move(door));
    }
    for (auto& door : std::exchange(passed_, {})) {
        if (serves(config, door->is_https, serves_tls)) {
            open(std::move(door));
        } else {
            keep(std::move(door), config);
        }
    }
}

// What systemd passed and has no use now may have one after a reload.
void ProxyDoors::keep(std::unique_ptr<Door> door, const conf::Config& config) {
    if (!std::exchange(door->is_told, true)) {
        log_.warning("socket_not_used",
                     {{"name", name_of(door->is_https)},
                      {"why", config.http.domain.empty()
                                  ? "[http] domain is empty: there are no http names"
                                  : "there are no certificates in " + config.https.certificates}});
    }
    passed_.push_back(std::move(door));
}

void ProxyDoors::open(std::unique_ptr<Door> door) {
    uring::Listener::Events& self = *this;
    door->listener = std::make_unique<uring::Listener>(ring_, std::move(door->socket), self);
    door->listener->open();
    log_.info("listening",
              {{"name", name_of(door->is_https)}, {"address", door->listener->address().text()}});
    doors_.push_back(std::move(door));
}

void ProxyDoors::shut(std::unique_ptr<Door> door) {
    log_.info("listening_ended",
              {{"name", name_of(door->is_https)}, {"address", door->listener->address().text()}});
    door->listener->close();
    closed_.push_back(std::move(door));
}

void ProxyDoors::close() {
    closing_ = true;
    for (auto& door : std::exchange(doors_, {})) {
        shut(std::move(door));
    }
    passed_.clear();
}

std::uint16_t ProxyDoors::port(bool is_https) const {
    const auto found = std::find_if(doors_.begin(), doors_.end(), [is_https](const auto& door) {
        return door->is_https == is_https;
    });
    return found == doors_.end() ? 0 : (*found)->listener->address().port();
}

void ProxyDoors::on_accept(uring::Listener& listener, uring::Fd socket) {
    const auto door = std::find_if(doors_.begin(), doors_.end(), [&](const auto& one) {
        return one->listener.get() == &listener;
    });
    if (door == doors_.end()) {
        return;  // it was closed meanwhile
    }
    const uring::Address from = uring::Address::of_peer(socket.get());
    auto ticket = commons_.admission.admit(Source(from));
    if (!ticket) {
        events_.on_web_refused(from, ticket.error());
        return;
    }
    watch_life(socket.get());
    const bool is_https = (*door)->is_https;
    const uring::Address at = uring::Address::of_local(socket.get());
    events_.on_web_arrival({std::move(socket),
                            from,
                            at,
                            std::move(*ticket),
                            is_https,
                            false,
                            false,
                            nullptr,
                            {},
                            {},
                            0});
}

void ProxyDoors::on_accept_pause(uring::Listener& listener, int error) {
    log_.warning("accept_paused",
                 {{"address", listener.address().text()}, {"why", std::strerror(-error)}});
}

void ProxyDoors::on_listener_joined(uring::Listener& listener) {
    std::erase_if(closed_, [&](const auto& door) { return door->listener.get() == &listener; });
    ring_.post(sweep_);
}

void ProxyDoors::sweep() {
    if (closing_ && joined()) {
        events_.on_doors_joined();
    }
}

}  // namespace portreeve::daemon
