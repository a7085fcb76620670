#include "daemon/http_names.h"

#include <algorithm>
#include <string_view>

#include "daemon/http/basic_auth.h"
#include "daemon/http/host.h"
#include "daemon/http/label.h"
#include "daemon/http/text.h"
#include "daemon/names.h"
#include "daemon/wish_text.h"
#include "ssh/text.h"
#include "uring/socket.h"

namespace portreeve::daemon {
namespace {

// So many owners of one derived name are not to be expected; whoever has taken these on purpose has
// a name for each.
constexpr std::uint32_t kDerivedNames = 8;

// What stands before and behind the name.
struct Parts {
    bool has_credentials = false;
    std::string_view credentials;
    std::string_view name;
    std::string_view path;
};

Parts split(std::string_view address) {
    Parts made;
    const std::size_t slash = std::min(address.find('/'), address.size());
    made.path = address.substr(slash);
    made.name = address.substr(0, slash);
    const std::size_t at = made.name.rfind('@');
    made.has_credentials = at != std::string_view::npos;
    if (made.has_credentials) {
        made.credentials = made.name.substr(0, at);
        made.name.remove_prefix(at + 1);
    }
    return made;
}

bool is_nothing(std::string_view name) {
    return name.empty() || name == "*" || http::is_word(name, "localhost");
}

tl::unexpected<Refusal> not_valid(const ssh::ForwardWish& wish, const std::string& why) {
    return tl::unexpected(Refusal{
        "name_not_valid",
        "\"" + ssh::shown(without_credentials(wish.address)) + "\" is no http name: " + why});
}

// What is wrong with what stands in front of "@"; it is quoted nowhere.
std::string credentials_fault(std::string_view credentials) {
    const std::size_t colon = credentials.find(':');
    const bool is_whole =
        colon != std::string_view::npos && colon > 0 && colon + 1 < credentials.size();
    const bool is_plain = std::none_of(credentials.begin(), credentials.end(), [](char c) {
        return static_cast<unsigned char>(c) < ' ' || c == '\x7f';
    });
    if (!is_whole || !is_plain || credentials.size() > http::kCredentialsBytesMax) {
        return "in front of \"@\" stands USER:PASSWORD, of up to " +
               std::to_string(http::kCredentialsBytesMax) +
               " bytes without control characters, and neither of them empty";
    }
    return {};
}

bool has_dots(std::string_view path) {
    while (!path.empty()) {
        const std::string_view rest = path.substr(1);
        const std::string_view segment = rest.substr(0, rest.find('/'));
        if (segment == "." || segment == "..") {
            return true;
        }
        path = rest.substr(segment.size());
    }
    return false;
}

std::string path_fault(std::string_view path) {
    if (path.size() > kHttpPathBytesMax) {
        return "its path has more than " + std::to_string(kHttpPathBytesMax) + " characters";
    }
    if (!http::is_uri_text(path) || path.find_first_of("?@") != std::string_view::npos) {
        return "a path is written as in a URL, without spaces, \"?\", \"#\" and \"@\"; a password "
               "in front of it has no \"/\"";
    }
    if (path.find("//") != std::string_view::npos || has_dots(path)) {
        return "a path has no \"//\", and no \".\" or \"..\" between its slashes";
    }
    return {};
}

std::string_view below(std::string_view host, std::string_view domain) {
    const bool is_below = host.size() > domain.size() + 1 && host.ends_with(domain) &&
                          host[host.size() - domain.size() - 1] == '.';
    return is_below ? host.substr(0, host.size() - domain.size() - 1) : std::string_view();
}

// The host of a name that was asked for, if a name can be so.
tl::expected<std::string, Refusal> host_of(const ssh::ForwardWish& wish, std::string_view written,
                                           const conf::Http& http) {
    const std::string name = ssh::lower_case(written);
    const bool has_dot = name.find('.') != std::string::npos;
    const std::string host = has_dot ? name : name + "." + http.domain;
    if (host == http.domain) {
        return not_valid(wish, "it is this server's own; ask for one below it: NAME." + host);
    }
    if (uring::Address::parse(name, 0)) {
        return not_valid(wish, "an address has neither credentials nor a path");
    }
    if (has_dot && reads_as_address(name)) {
        return not_valid(wish, "it reads as an address, which is taken in full only: 127.0.0.1");
    }
    if (name.starts_with('.') || name.ends_with('.')) {
        return not_valid(wish, "a name neither begins nor ends with a dot");
    }
    if (needs_proof(host, http)) {
        if (!http::Host::parse(host) || host.find(':') != std::string::npos) {
            return not_valid(wish, "a domain is made of letters, digits, \"-\" and single dots");
        }
        return host;
    }
    const std::string_view label = below(host, http.domain);
    if (label.find('.') != std::string_view::npos) {
        return not_valid(wish, "only one label may stand in front of ." + http.domain);
    }
    if (!http::is_label(label)) {
        return not_valid(wish,
                         "it is up to " + std::to_string(http::kLabelBytesMax) +
                             " letters, digits and \"-\", which neither begins nor ends it (as "
                             "third and fourth letter, \"--\" is only for \"xn--\")");
    }
    if (host.size() > http::kHostBytesMax) {
        return not_valid(wish, "with " + http.domain + " it is longer than " +
                                   std::to_string(http::kHostBytesMax) + " characters");
    }
    return host;
}

void derive(HttpName& made, const std::string& owner, const std::string& label,
            const conf::Http& http) {
    made.is_derived = true;
    for (std::uint32_t attempt = 0; attempt < kDerivedNames; ++attempt) {
        std::string host = http::derived_label(owner, label, attempt) + "." + http.domain;
        (attempt == 0 ? made.host : made.other_hosts.emplace_back()) = std::move(host);
    }
}

}  // namespace

std::string HttpUrls::text(const std::string& host, const std::string& path) const {
    constexpr std::uint16_t kHttp = 80;
    constexpr std::uint16_t kHttps = 443;
    const bool is_usual = port == (scheme == "https" ? kHttps : kHttp);
    return scheme + "://" + host + (is_usual ? "" : ":" + std::to_string(port)) + path;
}

std::string HttpUrls::name(const std::string& host) const {
    const std::string_view label = below(host, domain);
    return label.empty() ? host : std::string(label);
}

HttpUrls http_urls(const conf::Http& http) {
    HttpUrls made;
    made.domain = http.domain;
    if (!http.listen.empty() && http.listen.front().port != 0) {
        made.port = http.listen.front().port;
    }
    return made;
}

bool is_http_wish(const ssh::ForwardWish& wish, const conf::Http& http) {
    return !http.domain.empty() &&
           std::find(kHttpPorts.begin(), kHttpPorts.end(), wish.port) != kHttpPorts.end() &&
           !uring::Address::parse(wish.address, 0);
}

tl::expected<HttpName, Refusal> http_name_of(const ssh::ForwardWish& wish, const std::string& owner,
                                             const std::string& label, const conf::Http& http) {
    Parts parts = split(wish.address);
    HttpName made;
    if (parts.has_credentials) {
        if (const auto fault = credentials_fault(parts.credentials); !fault.empty()) {
            return not_valid(wish, fault);
        }
        made.credentials = parts.credentials;
    }
    if (const auto fault = path_fault(parts.path); !parts.path.empty() && !fault.empty()) {
        return not_valid(wish, fault);
    }
    if (parts.path.ends_with('/')) {
        parts.path.remove_suffix(1);
    }
    made.path = parts.path;
    if (is_nothing(parts.name)) {
        derive(made, owner, label, http);
        return made;
    }
    auto host = host_of(wish, parts.name, http);
    if (!host) {
        return tl::unexpected(host.error());
    }
    made.host = std::move(*host);
    return made;
}

bool permits_http(const ssh::ListenPattern& permit, const ssh::ForwardWish& wish,
                  const HttpName& name, const conf::Http& http) {
    const std::string_view label = below(name.host, http.domain);
    const bool by_host = label.empty() || permit.host.find('.') != std::string::npos;
    const std::string_view address = name.is_derived ? split(wish.address).name
                                     : by_host       ? std::string_view(name.host)
                                                     : label;
    return std::any_of(kHttpPorts.begin(), kHttpPorts.end(), [&](std::uint32_t port) {
        return permit.matches(address, port, !name.is_derived);
    });
}

bool is_reserved_host(const std::string& host, const conf::Http& http) {
    const std::string_view label = below(host, http.domain);
    return http::is_reserved(label) ||
           std::find(http.reserved.begin(), http.reserved.end(), label) != http.reserved.end();
}

bool needs_proof(const std::string& host, const conf::Http& http) {
    return below(host, http.domain).empty();
}

}  // namespace portreeve::daemon
