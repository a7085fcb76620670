// What the log is told of one client, its tunnels and their visitors, so that each event has its
// fields in one place; and what is counted of it for the metrics, whatever the log shows. What was
// refused is told to [events] command too: of logins what came of them, once the session ends
// without one, since a client may try many keys before the one that is taken.
//
// Owns: who the client is. Called by: Client, on its worker. Bounds: none of its own; what
// strangers cause is at the level that the Client says.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "daemon/grant.h"
#include "daemon/log.h"
#include "daemon/news_board.h"
#include "daemon/refusal.h"
#include "daemon/source.h"
#include "daemon/tunnel.h"
#include "daemon/visitor.h"
#include "daemon/worker_figures.h"
#include "ssh/session.h"

namespace portreeve::daemon {

class ClientLog {
  public:
    ClientLog(const Log& log, NewsBoard& news, uring::Ring& ring, WorkerFigures& figures,
              const uring::Address& peer)
        : log_(log),
          news_(news),
          ring_(ring),
          figures_(figures),
          opened_ms_(ring.now_ms()),
          source_(peer),
          client_(peer.text()) {}

    [[nodiscard]] const std::string& client() const { return client_; }

    void session_open() const;
    // The grant stays where it is, also when it becomes another one.
    void login(const Grant& grant);
    void login_refused(Log::Level level, const std::string& user, const std::string& fingerprint,
                       const Refusal& refusal);
    void session_closed(Log::Level level, ssh::Code reason, std::string_view detail) const;
    void refused(const ssh::ForwardWish& wish, const Refusal& refusal) const;
    void tunnel_open(const ssh::ForwardWish& wish, const Tunnel& tunnel) const;
    void tunnel_closed(const Tunnel& tunnel, ssh::Code reason) const;
    void visitor_open(const Tunnel& tunnel, const Visitor& visitor) const;
    void visitor_refused(Log::Level level, const Tunnel& tunnel, const std::string& from,
                         const Refusal& refusal) const;
    void visitor_closed(const Tunnel& tunnel, const Visitor& visitor) const;
    void accept_paused(const Tunnel& tunnel, int error) const;

  private:
    [[nodiscard]] std::string user() const { return grant_ != nullptr ? grant_->user : ""; }
    [[nodiscard]] std::string fingerprint() const { return grant_ != nullptr ? grant_->owner : ""; }

    const Log& log_;
    NewsBoard& news_;
    uring::Ring& ring_;
    WorkerFigures& figures_;
    std::int64_t opened_ms_;
    Source source_;
    std::string client_;
    // Until it is logged in; none: nobody wants to know.
    std::unique_ptr<RefusalNews> login_refusal_;
    const Grant* grant_ = nullptr;  // once logged in
};

}  // namespace portreeve::daemon
