#include "daemon/client_log.h"

#include <cstring>

#include "daemon/wish_text.h"

namespace portreeve::daemon {

void ClientLog::session_open() const {
    log_.debug("session_open", {{"client", client_}});
}

void ClientLog::login(const Grant& grant) {
    grant_ = &grant;
    login_refusal_.reset();
    figures_.login_ms.observe(static_cast<std::uint64_t>(ring_.now_ms() - opened_ms_));
    log_.info("login", {{"client", client_},
                        {"user", user()},
                        {"fingerprint", fingerprint()},
                        {"granted_by", grant.source},
                        {"certificate", grant.certificate}});
}

void ClientLog::login_refused(Log::Level level, const std::string& user,
                              const std::string& fingerprint, const Refusal& refusal) {
    figures_.refusals.count(refusal.code);
    log_.at(level, "login_refused",
            {{"code", std::string(refusal.code)},
             {"client", client_},
             {"user", user},
             {"fingerprint", fingerprint},
             {"why", refusal.sentence}});
    // A key that is no more than unknown says less than any other refusal.
    const bool says_more = !login_refusal_ || login_refusal_->why.code == "unknown_key";
    if (says_more && news_.wants(conf::EventKind::refused)) {
        login_refusal_ = std::make_unique<RefusalNews>(
            RefusalNews{"login", refusal, client_, user, fingerprint, {}});
    }
}

void ClientLog::session_closed(Log::Level level, ssh::Code reason, std::string_view detail) const {
    figures_.session_ends.count(reason);
    log_.at(level, "session_closed",
            {{"reason", std::string(reason)},
             {"client", client_},
             {"user", user()},
             {"fingerprint", fingerprint()},
             {"logged_in", grant_ != nullptr ? "yes" : "no"},
             {"why", std::string(detail)}});
    if (login_refusal_) {
        news_.tell(*login_refusal_, source_, ring_.now_ms());
    }
}

void ClientLog::refused(const ssh::ForwardWish& wish, const Refusal& refusal) const {
    figures_.refusals.count(refusal.code);
    log_.info("refused", {{"code", std::string(refusal.code)},
                          {"requested", wish_text(wish.address, wish.port)},
                          {"client", client_},
                          {"user", user()},
                          {"fingerprint", fingerprint()},
                          {"why", refusal.sentence}});
    if (news_.wants(conf::EventKind::refused)) {
        news_.tell({"forward", refusal, client_, user(), fingerprint(),
                    wish_text(wish.address, wish.port)},
                   source_, ring_.now_ms());
    }
}

void ClientLog::tunnel_open(const ssh::ForwardWish& wish, const Tunnel& tunnel) const {
    if (!tunnel.taken_from().empty()) {
        log_.info("tunnel_taken", {{"address", tunnel.address_text()},
                                   {"former_client", tunnel.taken_from()},
                                   {"client", client_},
                                   {"user", user()},
                                   {"fingerprint", fingerprint()}});
    }
    log_.info("tunnel_open", {{"address", tunnel.address_text()},
                              {"requested", wish_text(wish.address, wish.port)},
                              {"client", client_},
                              {"user", user()},
                              {"fingerprint", fingerprint()},
                              {"note", tunnel.note()}});
}

void ClientLog::tunnel_closed(const Tunnel& tunnel, ssh::Code reason) const {
    const Visitor::Figures figures = tunnel.figures();
    log_.info("tunnel_closed",
              {{"address", tunnel.address_text()},
               {"client", client_},
               {"user", user()},
               {"fingerprint", fingerprint()},
               {"reason", std::string(reason)},
               {"duration_ms", std::to_string(ring_.now_ms() - tunnel.opened_ms())},
               {"visitors", std::to_string(tunnel.visitors_total())},
               {"visitors_in", std::to_string(tunnel.visitor_count())},
               {"bytes_in", std::to_string(figures.from_visitor_bytes)},
               {"bytes_out", std::to_string(figures.to_visitor_bytes)}});
}

void ClientLog::visitor_open(const Tunnel& tunnel, const Visitor& visitor) const {
    if (log_.shows(Log::Level::debug, "visitor_open")) {
        log_.debug("visitor_open", {{"tunnel", tunnel.address_text()},
                                    {"visitor", visitor.peer().text()},
                                    {"user", user()},
                                    {"fingerprint", fingerprint()}});
    }
}

void ClientLog::visitor_refused(Log::Level level, const Tunnel& tunnel, const std::string& from,
                                const Refusal& refusal) const {
    figures_.refusals.count(refusal.code);
    if (refusal.code == "target_refused") {
        const auto why = ssh::open_failure_in(refusal.sentence);
        figures_.open_failures[static_cast<std::size_t>(why)].add(1);
    }
    log_.at(level, "visitor_refused",
            {{"code", std::string(refusal.code)},
             {"tunnel", tunnel.address_text()},
             {"visitor", from},
             {"user", user()},
             {"fingerprint", fingerprint()},
             {"why", refusal.sentence}});
}

void ClientLog::visitor_closed(const Tunnel& tunnel, const Visitor& visitor) const {
    if (log_.shows(Log::Level::debug, "visitor_closed")) {
        log_.debug("visitor_closed",
                   {{"tunnel", tunnel.address_text()},
                    {"visitor", visitor.peer().text()},
                    {"user", user()},
                    {"fingerprint", fingerprint()},
                    {"reason", std::string(visitor.end_reason())},
                    {"duration_ms", std::to_string(ring_.now_ms() - visitor.opened_ms())},
                    {"bytes_in", std::to_string(visitor.figures().from_visitor_bytes)},
                    {"bytes_out", std::to_string(visitor.figures().to_visitor_bytes)}});
    }
}

void ClientLog::accept_paused(const Tunnel& tunnel, int error) const {
    log_.warning("accept_paused",
                 {{"tunnel", tunnel.address_text()}, {"why", std::strerror(-error)}});
}

}  // namespace portreeve::daemon
