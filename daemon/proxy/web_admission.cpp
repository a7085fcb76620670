#include "daemon/proxy/web_admission.h"

#include <string>

namespace portreeve::daemon {

void WebAdmission::use(const conf::Limits& limits) {
    const std::lock_guard guard(lock_);
    count_max_ = limits.http_visitors;
    per_source_max_ = limits.http_visitors_per_ip;
}

tl::expected<WebAdmission::Ticket, Refusal> WebAdmission::admit(const Source& source) {
    const std::lock_guard guard(lock_);
    if (count_ >= count_max_) {
        return tl::unexpected(Refusal{"limit_http_visitors",
                                      "there are as many connections to http ports as [limits] "
                                      "http_visitors allows"});
    }
    std::uint32_t& of_source = by_source_[source];
    if (of_source >= per_source_max_) {
        return tl::unexpected(Refusal{"limit_http_visitors_per_ip",
                                      source.text() +
                                          " has as many connections to http ports as [limits] "
                                          "http_visitors_per_ip allows"});
    }
    ++of_source;
    ++count_;
    return Ticket(*this, source);
}

std::size_t WebAdmission::count() const {
    const std::lock_guard guard(lock_);
    return count_;
}

void WebAdmission::leave(const Source& source) {
    const std::lock_guard guard(lock_);
    --count_;
    const auto found = by_source_.find(source);
    if (--found->second == 0) {
        by_source_.erase(found);
    }
}

}  // namespace portreeve::daemon
