#include "daemon/proxy/web_knock.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "daemon/http/client_hello.h"
#include "daemon/http/first_bytes.h"
#include "daemon/http/proxy_protocol.h"
#include "daemon/proxy/endpoints.h"

namespace portreeve::daemon {

WebKnock::WebKnock(uring::Ring& ring, uring::Stream::Pools pools, WebArrival arrival, Wants wants,
                   std::int64_t patience_ms, Events& events)
    : events_(events),
      arrival_(std::move(arrival)),
      stream_(ring, pools, std::move(arrival_.socket), *this),
      wants_(wants),
      due_ms_(ring.now_ms() + patience_ms) {
}

void WebKnock::open() {
    const std::int64_t silence_ms = stream_.ring().now_ms() + kSshSilenceMs;
    patience_.start_at(wants_.ssh && !wants_.proxy_header ? std::min(due_ms_, silence_ms)
                                                          : due_ms_);
    stream_.receive(kReadBytes);
}

void WebKnock::on_input(std::span<const std::byte> bytes) {
    arrival_.raw.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    patience_.start_at(due_ms_);
    look();
    if (!stream_.closing()) {
        if (arrival_.raw.size() > kBytesMax) {
            cut();
        } else {
            stream_.receive(kReadBytes);
        }
    }
}

// Goes through what is wanted, in its order, as far as the bytes allow.
void WebKnock::look() {
    if (wants_.proxy_header && !take_proxy_header()) {
        return;
    }
    if (wants_.ssh) {
        const http::Protocol protocol = http::classify(arrival_.raw);
        if (protocol == http::Protocol::need_more) {
            return;
        }
        if (protocol == http::Protocol::ssh) {
            events_.on_knock_ssh(give_up());
            return;
        }
        wants_.ssh = false;
        if (protocol == http::Protocol::http) {
            arrival_.is_https = false;
            wants_.hello = false;
        }
    }
    std::optional<http::Host> name;
    if (wants_.hello) {
        const auto hello = http::parse_client_hello(arrival_.raw);
        if (hello && !*hello) {
            return;
        }
        if (hello) {
            name = (*hello)->server_name;
        }
        // What is none is refused by whoever speaks TLS, with the alert for it.
    }
    events_.on_knock_known(give_up(), name);
}

// False: it is not there as a whole, or is none, and then the connection is over: a listed proxy
// that says nothing of its visitor would be taken for that visitor.
bool WebKnock::take_proxy_header() {
    const auto header = http::parse_proxy_header(arrival_.raw);
    if (!header) {
        cut();
        return false;
    }
    if (!*header) {
        return false;
    }
    arrival_.raw.erase(0, (*header)->size_bytes);
    if ((*header)->endpoints) {
        arrival_.is_proxied = true;
        arrival_.from = address_of((*header)->endpoints->source);
        arrival_.at = address_of((*header)->endpoints->destination);
    }
    wants_.proxy_header = false;
    if (wants_.ssh && arrival_.raw.empty()) {
        patience_.start_at(std::min(due_ms_, stream_.ring().now_ms() + kSshSilenceMs));
    }
    return true;
}

void WebKnock::silent() {
    if (wants_.ssh && !wants_.proxy_header && arrival_.raw.empty()) {
        stream_.stop_receiving();
    } else {
        cut();
    }
}

WebArrival WebKnock::give_up() {
    patience_.stop();
    arrival_.socket = stream_.give_back();
    return std::move(arrival_);
}

void WebKnock::cut() {
    patience_.stop();
    stream_.close();
}

}  // namespace portreeve::daemon
