#include "daemon/lease.h"

#include "daemon/wish_text.h"
#include "uring/socket.h"

namespace portreeve::daemon {
namespace {

std::string place_text(const std::vector<std::string>& hosts, std::uint16_t port) {
    std::string text;
    for (const std::string& host : hosts) {
        text += text.empty() ? "" : " and ";
        text += uring::Address::parse(host, port)->text();
    }
    return text;
}

}  // namespace

std::string Lease::address_text() const {
    switch (terms_.kind) {
        case LeaseKind::tcp:
            break;
        case LeaseKind::name:
            return wish_text(terms_.requested, terms_.port);
        case LeaseKind::http:
            return terms_.host + terms_.path;
    }
    return place_text(terms_.hosts, terms_.port);
}

}  // namespace portreeve::daemon
