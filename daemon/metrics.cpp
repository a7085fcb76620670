#include "daemon/metrics.h"

#include "daemon/exposition.h"

namespace portreeve::daemon {
namespace {

constexpr unsigned kNotFound = 404;
constexpr std::string_view kPlainText = "text/plain; charset=utf-8";

}  // namespace

std::function<void(uring::Fd)> Metrics::carrier_from(uring::Ring& from) {
    return [this, &from](uring::Fd asker) {
        from.post(ring_.descriptor(),
                  uring::make_message([&desk = desk_, taken = std::move(asker)]() mutable {
                      desk.take(std::move(taken));
                  }));
    };
}

HttpAnswer Metrics::on_question(const HttpQuestion& question) {
    const std::string_view target = question.target;
    if (target.substr(0, target.find('?')) != "/metrics") {
        return {kNotFound, "there is /metrics, and nothing else\n", kPlainText};
    }
    if (question.method != "GET") {
        return {kMethodNotAllowed, "/metrics takes GET\n", kPlainText, false, "GET"};
    }
    return {200, events_.metrics_page(), Exposition::kContentType};
}

}  // namespace portreeve::daemon
