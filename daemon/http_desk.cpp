#include "daemon/http_desk.h"

#include <algorithm>

namespace portreeve::daemon {
namespace {

constexpr uring::BufferRing::Shape kBuffers{.count = 4, .bytes = 4 * 1024};
constexpr unsigned kUnavailable = 503;

}  // namespace

int HttpDesk::open() {
    auto buffers = uring::BufferRing::make(ring_.kernel(), buffer_group_, kBuffers);
    if (!buffers) {
        return buffers.error();
    }
    buffers_ = std::move(*buffers);
    return 0;
}

void HttpDesk::listen(uring::Fd socket) {
    if (!listeners_.empty() && !listeners_.back()->closing()) {
        listeners_.back()->close();
    }
    if (socket) {
        uring::Listener::Events& self = *this;
        listeners_.push_back(std::make_unique<uring::Listener>(ring_, std::move(socket), self));
        listeners_.back()->open();
    }
}

void HttpDesk::take(uring::Fd socket) {
    if (closed_) {
        return;
    }
    const auto refusal = events_.why_not(socket.get());
    HttpExchange::Events& self = *this;
    auto& exchange = exchanges_.emplace_back(std::make_unique<HttpExchange>(
        ring_, uring::Stream::Pools{*buffers_, slabs_}, std::move(socket), self));
    if (refusal) {
        exchange->refuse(*refusal);
    } else if (exchanges_.size() > 2 * kExchangesMax) {
        exchange->cut();
    } else if (exchanges_.size() > kExchangesMax) {
        exchange->refuse(http_error(kUnavailable, {"too many ask at once; try again"}));
    } else {
        exchange->open();
    }
}

HttpAnswer HttpDesk::on_question(const HttpQuestion& question) {
    HttpAnswer answer = events_.on_question(question);
    if (answer.goes_on && followers_ == kFollowersMax) {
        return http_error(kUnavailable, {"too many follow at once; try again"});
    }
    if (answer.goes_on) {
        events_.on_followers(++followers_);
    }
    return answer;
}

void HttpDesk::tell(std::string_view text) {
    for (const auto& exchange : exchanges_) {
        if (exchange->follows() && !exchange->tell(text)) {
            events_.on_follower_cut();
        }
    }
}

void HttpDesk::on_exchange_done(HttpExchange& exchange) {
    if (exchange.follows()) {
        events_.on_followers(--followers_);
    }
    const auto found = std::find_if(exchanges_.begin(), exchanges_.end(),
                                    [&](const auto& one) { return one.get() == &exchange; });
    done_.push_back(std::move(*found));
    exchanges_.erase(found);
    ring_.post(sweep_);
}

void HttpDesk::on_listener_joined(uring::Listener& listener) {
    joined_.push_back(&listener);
    ring_.post(sweep_);
}

void HttpDesk::sweep() {
    done_.clear();
    std::erase_if(listeners_, [this](const auto& listener) {
        return std::find(joined_.begin(), joined_.end(), listener.get()) != joined_.end();
    });
    joined_.clear();
    if (closed_ && joined()) {
        events_.on_desk_joined();
    }
}

void HttpDesk::close() {
    closed_ = true;
    listen({});
    for (const auto& exchange : exchanges_) {
        exchange->follows() ? exchange->finish() : exchange->cut();
    }
}

}  // namespace portreeve::daemon
