#include "daemon/reach.h"

#include <utility>

#include "ssh/text.h"

namespace portreeve::daemon {

tl::expected<std::vector<uring::Address>, Refusal> addresses_to_reach(const std::string& host,
                                                                      std::uint16_t port) {
    if (ssh::lower_case(host) == "localhost") {
        return std::vector{*uring::Address::parse("127.0.0.1", port),
                           *uring::Address::parse("::1", port)};
    }
    if (const auto literal = uring::Address::parse(host, port)) {
        return std::vector{*literal};
    }
    // In these words whether there is no such name or it is not for this client.
    return tl::unexpected(Refusal{
        "name_not_found", "there is no private name \"" + ssh::shown(host) + "\" with port " +
                              std::to_string(port) +
                              " that this key may reach, and no name is looked up elsewhere"});
}

Reach::Reach(uring::Ring& ring, uring::Stream::Pools pools, std::string text,
             std::vector<uring::Address> addresses, Visitor::Share share, Events& events)
    : ring_(ring),
      pools_(pools),
      events_(events),
      text_(std::move(text)),
      addresses_(std::move(addresses)),
      share_(std::move(share)),
      dialer_(ring, *this) {
}

Reach::Reach(uring::Ring& ring, uring::Stream::Pools pools, std::string text, uring::Fd socket,
             Visitor::Share share, Events& events)
    : Reach(ring, pools, std::move(text), std::vector<uring::Address>(), std::move(share), events) {
    socket_ = std::move(socket);
}

void Reach::attach(ssh::Channel& channel) {
    channel_ = &channel;
    if (socket_) {
        ring_.post(join_);
        return;
    }
    dialer_.start(std::move(addresses_));
}

void Reach::on_dialed(tl::expected<uring::Fd, int> socket) {
    ssh::Channel* const channel = std::exchange(channel_, nullptr);
    if (channel == nullptr) {
        events_.on_reach_done(*this);  // nobody waits for it any more
        return;
    }
    if (!socket) {
        events_.on_reach_failed(*this, socket.error());
        channel->close();
        events_.on_reach_done(*this);
        return;
    }
    join(*channel, std::move(*socket));
}

void Reach::join(ssh::Channel& channel, uring::Fd socket) {
    Visitor::Events& self = *this;
    visitor_.emplace(ring_, pools_, Arrival(std::move(socket)), std::move(share_), self);
    visitor_->attach(channel);
    events_.on_reach_open(*this);
}

// For a channel that may have gone since.
void Reach::join_now() {
    if (ssh::Channel* const channel = std::exchange(channel_, nullptr); channel != nullptr) {
        join(*channel, std::move(socket_));
    } else {
        events_.on_reach_done(*this);
    }
}

// libssh had no channel to give: nothing was dialed yet.
void Reach::on_channel_refused(std::string_view) {
    events_.on_reach_done(*this);
}

void Reach::on_channel_closed() {
    channel_ = nullptr;
    if (!socket_) {
        dialer_.close();
    }
}

void Reach::cut() {
    if (visitor_) {
        visitor_->cut();
    } else if (channel_ != nullptr) {
        std::exchange(channel_, nullptr)->close();
        if (!socket_) {
            dialer_.close();
        }
    }
}

}  // namespace portreeve::daemon
