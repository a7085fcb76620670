#include "daemon/client.h"

#include <sys/random.h>

#include <algorithm>
#include <cstring>

namespace portreeve::daemon {
namespace {

constexpr std::size_t kNoticesMax = 64;
constexpr std::size_t kShownAddressMax = 80;
constexpr std::size_t kAddressMax = 255;  // a DNS name is no longer

ssh::SessionOptions session_options(const conf::Ssh& rules) {
    return {rules.login_grace.count(), rules.keepalive.count(), rules.banner};
}

std::uint32_t random_number() {
    std::uint32_t number = 0;
    static_cast<void>(!getrandom(&number, sizeof(number), 0));
    return number;
}

// As the client wrote it, but never more than a line can bear.
std::string wish_text(const ssh::ForwardWish& wish) {
    const bool cut = wish.address.size() > kShownAddressMax;
    return wish.address.substr(0, kShownAddressMax) + (cut ? "..." : "") + ":" +
           std::to_string(wish.port);
}

template <class T>
std::unique_ptr<T> take_out(std::vector<std::unique_ptr<T>>& from, const T& item) {
    const auto found =
        std::find_if(from.begin(), from.end(), [&](const auto& one) { return one.get() == &item; });
    std::unique_ptr<T> taken = std::move(*found);
    from.erase(found);
    return taken;
}

}  // namespace

Client::Client(Place place, Events& events, uring::Fd socket, Admission::Ticket ticket)
    : place_(place),
      events_(events),
      peer_(uring::Address::of_peer(socket.get())),
      peer_text_(peer_.text()),
      ticket_(std::move(ticket)),
      session_(place.ring, place.pools, std::move(socket),
               session_options(events.policy().config.ssh), *this) {
}

void Client::open(const ssh::Acceptor& acceptor) {
    place_.log.debug("session_open", {{"client", peer_text_}});
    if (!session_.open(acceptor)) {
        session_.end("failed", "libssh could not take the connection");
    }
}

void Client::use_policy() {
    session_.set_keepalive_ms(events_.policy().config.ssh.keepalive.count());
}

void Client::drain() {
    if (draining_) {
        return;
    }
    draining_ = true;
    tell("portreeve: the server is stopping; open connections may finish\n");
    close_tunnels();
    place_.ring.post(sweep_);
}

void Client::end(std::string_view reason, std::string_view sentence) {
    for (const auto& tunnel : tunnels_) {
        tunnel->cut();
    }
    session_.end(std::string(reason), std::string(sentence));
}

void Client::on_login_request(const ssh::LoginRequest& request) {
    session_.answer_login(may_login(request.user(), request.key(), request.proven()));
}

bool Client::may_login(const std::string& user, const ssh::PublicKey& key, bool proven) {
    const auto lines = events_.policy().authorized_keys.find(key);
    // Until options are honoured here, a line that carries any lets nobody in.
    const auto is_plain = [](const auto& line) { return line.options.plain(); };
    if (std::none_of(lines.begin(), lines.end(), is_plain)) {
        const std::string why = lines.empty()
                                    ? "no line has this key"
                                    : lines[0].file + ":" + std::to_string(lines[0].line) +
                                          ": its options are not honoured yet";
        place_.log.info("login_refused", {{"code", "unknown_key"},
                                          {"client", peer_text_},
                                          {"user", user},
                                          {"fingerprint", key.fingerprint},
                                          {"why", why}});
        return false;
    }
    if (!proven) {
        return true;
    }
    if (auto in = ticket_->log_in(key.fingerprint); !in) {
        place_.log.info("login_refused", {{"code", std::string(in.error().code)},
                                          {"client", peer_text_},
                                          {"user", user},
                                          {"fingerprint", key.fingerprint},
                                          {"why", in.error().sentence}});
        return false;
    }
    user_ = user;
    fingerprint_ = key.fingerprint;
    place_.log.info("login",
                    {{"client", peer_text_}, {"user", user}, {"fingerprint", key.fingerprint}});
    return true;
}

std::uint16_t Client::on_forward(const ssh::ForwardWish& wish) {
    const auto opened = open_tunnel(wish);
    if (!opened) {
        refuse_forward(wish, opened.error());
        return 0;
    }
    const Tunnel& tunnel = **opened;
    place_.log.info("tunnel_open", {{"address", tunnel.address_text()},
                                    {"requested", wish_text(wish)},
                                    {"client", peer_text_},
                                    {"user", user_},
                                    {"fingerprint", fingerprint_}});
    tell(describe(tunnel));
    return tunnel.port();
}

tl::expected<Tunnel*, Refusal> Client::open_tunnel(const ssh::ForwardWish& wish) {
    const conf::Config& config = events_.policy().config;
    if (draining_) {
        return tl::unexpected(Refusal{"stopping", "the server is stopping"});
    }
    if (open_tunnels() >= config.limits.tunnels_per_session) {
        return tl::unexpected(Refusal{"limit_tunnels_per_session",
                                      "this session already has " + std::to_string(open_tunnels()) +
                                          " tunnels ([limits] tunnels_per_session)"});
    }
    if (wish.address.size() > kAddressMax) {
        return tl::unexpected(
            Refusal{"address_too_long",
                    "the address has more than " + std::to_string(kAddressMax) + " characters"});
    }
    auto bound = bind_forward(wish.address, wish.port, config.forward, random_number());
    if (!bound) {
        return tl::unexpected(bound.error());
    }
    Tunnel::Events& events = *this;
    return tunnels_
        .emplace_back(std::make_unique<Tunnel>(place_.ring, place_.pools, session_, events, wish,
                                               std::move(*bound)))
        .get();
}

void Client::refuse_forward(const ssh::ForwardWish& wish, const Refusal& refusal) {
    place_.log.info("refused", {{"code", std::string(refusal.code)},
                                {"requested", wish_text(wish)},
                                {"client", peer_text_},
                                {"user", user_},
                                {"fingerprint", fingerprint_},
                                {"why", refusal.sentence}});
    const std::string notice =
        "portreeve: refused " + wish_text(wish) + ": " + refusal.sentence + "\n";
    if (consoles_.empty() && notices_.size() < kNoticesMax) {
        notices_.push_back(notice);
    }
    tell(notice);
}

// Without a reply the client can never learn the port: the tunnel would be open to everybody but
// those it is meant for.
void Client::on_forward_unheard(const ssh::ForwardWish& wish, std::uint16_t port) {
    for (const auto& tunnel : tunnels_) {
        if (!tunnel->closing() && tunnel->requested_address() == wish.address &&
            tunnel->port() == port) {
            tunnel->close();
            break;
        }
    }
    refuse_forward(wish, {"reply_not_wanted",
                          "port 0 was asked for without wanting to hear which port it became"});
}

bool Client::on_cancel_forward(const ssh::ForwardWish& wish) {
    for (const auto& tunnel : tunnels_) {
        if (!tunnel->closing() && tunnel->requested_address() == wish.address &&
            tunnel->port() == wish.port) {
            tell("portreeve: closed " + tunnel->address_text() + "\n");
            place_.log.info("tunnel_closed", {{"address", tunnel->address_text()},
                                              {"client", peer_text_},
                                              {"reason", "cancelled"}});
            tunnel->close();
            return true;
        }
    }
    return false;
}

ssh::Channel::Events* Client::on_session_channel() {
    if (draining_) {
        return nullptr;
    }
    Console::Events& events = *this;
    return consoles_.emplace_back(std::make_unique<Console>(events)).get();
}

void Client::on_session_channel_open(ssh::Channel& channel, ssh::Channel::Events& user) {
    static_cast<Console&>(user).attach(channel);
}

std::string Client::summary() const {
    std::string text;
    for (const auto& tunnel : tunnels_) {
        text += tunnel->closing() ? "" : describe(*tunnel);
    }
    for (const std::string& notice : notices_) {
        text += notice;
    }
    if (text.empty()) {
        text = "portreeve: no tunnel is open; ask for one with -R 0:localhost:PORT\n";
    }
    return text + "portreeve: press Ctrl-C to end\n";
}

std::string Client::describe(const Tunnel& tunnel) const {
    std::string text = "portreeve: tcp tunnel open at " + tunnel.address_text();
    if (!tunnel.note().empty()) {
        text += " (" + tunnel.note() + ")";
    }
    return text + "\n";
}

void Client::tell(std::string_view text) {
    for (const auto& console : consoles_) {
        console->show(text);
    }
}

void Client::on_console_closed(Console& console) {
    done_consoles_.push_back(take_out(consoles_, console));
    place_.ring.post(sweep_);
}

void Client::on_session_end(std::string_view reason, std::string_view detail) {
    const bool stranger = !session_.logged_in();
    place_.log.info("session_closed", {{"reason", std::string(reason)},
                                       {"client", peer_text_},
                                       {"user", user_},
                                       {"logged_in", stranger ? "no" : "yes"},
                                       {"why", std::string(detail)}});
    close_tunnels();
}

void Client::close_tunnels() {
    for (const auto& tunnel : tunnels_) {
        if (!tunnel->closing()) {
            place_.log.info("tunnel_closed", {{"address", tunnel->address_text()},
                                              {"client", peer_text_},
                                              {"reason", draining_ ? "stopping" : "session"}});
            tunnel->close();
        }
    }
}

void Client::on_session_joined() {
    session_joined_ = true;
    ticket_.reset();  // only now is the connection gone
    place_.ring.post(sweep_);
}

void Client::on_tunnel_done(Tunnel& tunnel) {
    done_tunnels_.push_back(take_out(tunnels_, tunnel));
    place_.ring.post(sweep_);
}

void Client::sweep() {
    done_tunnels_.clear();
    done_consoles_.clear();
    if (session_joined_) {
        if (tunnels_.empty()) {
            events_.on_client_done(*this);
        }
        return;
    }
    const bool visited = std::any_of(tunnels_.begin(), tunnels_.end(), [](const auto& tunnel) {
        return tunnel->visitor_count() > 0;
    });
    if (draining_ && !visited) {
        session_.end("stopping", "the server is stopping");
    }
}

// A channel outlives its visitor until the client has closed it too, so channels are bounded as
// well.
bool Client::room_for_visitor(const Tunnel& tunnel) const {
    const std::size_t maximum = events_.policy().config.limits.visitors_per_tunnel;
    return tunnel.visitor_count() < maximum &&
           session_.channel_count() < maximum * tunnels_.size() + ssh::Session::kSessionChannelsMax;
}

void Client::on_visitor_open(Tunnel& tunnel, const Visitor& visitor) {
    if (place_.log.shows(Log::Level::debug)) {
        place_.log.debug("visitor_open", {{"tunnel", tunnel.address_text()},
                                          {"visitor", visitor.peer().text()},
                                          {"user", user_}});
    }
}

void Client::on_visitor_turned_away(Tunnel& tunnel, const std::string& from, std::string_view code,
                                    std::string_view why) {
    place_.log.info("visitor_refused", {{"code", std::string(code)},
                                        {"tunnel", tunnel.address_text()},
                                        {"visitor", from},
                                        {"user", user_},
                                        {"why", std::string(why)}});
}

void Client::on_visitor_closed(Tunnel& tunnel, const Visitor& visitor) {
    if (place_.log.shows(Log::Level::debug)) {
        place_.log.debug("visitor_closed",
                         {{"tunnel", tunnel.address_text()},
                          {"visitor", visitor.peer().text()},
                          {"user", user_},
                          {"bytes_in", std::to_string(visitor.figures().from_visitor_bytes)},
                          {"bytes_out", std::to_string(visitor.figures().to_visitor_bytes)}});
    }
}

void Client::on_accept_trouble(Tunnel& tunnel, int error) {
    place_.log.warning("accept_paused",
                       {{"tunnel", tunnel.address_text()}, {"why", std::strerror(-error)}});
}

std::size_t Client::open_tunnels() const {
    return static_cast<std::size_t>(std::count_if(
        tunnels_.begin(), tunnels_.end(), [](const auto& tunnel) { return !tunnel->closing(); }));
}

}  // namespace portreeve::daemon
