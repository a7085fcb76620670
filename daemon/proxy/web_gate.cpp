#include "daemon/proxy/web_gate.h"

#include <utility>

#include "daemon/login.h"

namespace portreeve::daemon {
namespace {

constexpr std::int64_t kRotateMs = tls::TicketKeys::kRotateS * 1000;

}  // namespace

tl::expected<WebGate::Prepared, Failure> WebGate::prepare(const conf::Config& config) {
    Prepared prepared;
    auto pages = read_pages(config.http.pages);
    if (!pages) {
        return tl::unexpected(pages.error());
    }
    prepared.pages = std::move(*pages);
    if (!config.http.domain.empty()) {
        prepared.certificates = tls::Certificates::read(
            config.https.certificates, wall_clock_s(),
            config.https == config_.https ? certificates_ : tls::Certificates());
        if (!prepared.certificates.empty()) {
            if (!tickets_) {
                tickets_ = std::make_shared<tls::TicketKeys>(ring_.now_ms() / 1000);
            }
            auto context = tls::Context::make(prepared.certificates, tickets_);
            if (!context) {
                return tl::unexpected(Failure{1, {context.error()}});
            }
            prepared.tls = std::move(*context);
        }
    }
    auto doors = doors_.prepare(config, prepared.tls != nullptr);
    if (!doors) {
        return tl::unexpected(doors.error());
    }
    prepared.doors = std::move(*doors);
    return prepared;
}

void WebGate::use(Prepared prepared, const conf::Config& config) {
    config_ = config;
    if (!config.http.domain.empty()) {
        // Watches before it tells, and what changed before that is read by the next SIGHUP.
        std::string unwatched = watch_.watch({config.https.certificates});
        if (!unwatched.empty() && unwatched != unwatched_) {
            log_.warning("certificates_not_watched", {{"why", unwatched}});
        }
        unwatched_ = std::move(unwatched);
        tell_of(prepared.certificates);
    }
    certificates_ = std::move(prepared.certificates);
    tls_ = std::move(prepared.tls);
    pages_ = std::make_shared<const Pages>(std::move(prepared.pages));
    doors_.use(std::move(prepared.doors), config, tls_ != nullptr);
    if (tls_ && !rotate_.running()) {
        rotate_.start_at(ring_.now_ms() + kRotateMs);
    }
    events_.on_web_parts_changed();
}

void WebGate::tell_of(const tls::Certificates& certificates) {
    for (const std::string& fault : certificates.faults()) {
        log_.warning("certificate_not_served", {{"why", fault}});
    }
    for (const std::string& warning : certificates.warnings()) {
        log_.warning("certificate_doubtful", {{"why", warning}});
    }
}

void WebGate::on_keys_touched() {
    if (closed_) {
        return;
    }
    auto prepared = prepare(config_);
    if (!prepared) {
        log_.error("certificates_reload_failed",
                   {{"why", prepared.error().sentences.front() + "; those of before hold"}});
        return;
    }
    log_.info("certificates_reloaded",
              {{"certificates", std::to_string(prepared->certificates.pairs().size())}});
    use(std::move(*prepared), config_);
}

void WebGate::rotate() {
    tickets_->rotate(ring_.now_ms() / 1000);
    rotate_.start_at(ring_.now_ms() + kRotateMs);
}

void WebGate::close() {
    closed_ = true;
    rotate_.stop();
    doors_.close();
    watch_.stop();
}

}  // namespace portreeve::daemon
