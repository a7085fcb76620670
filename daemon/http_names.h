// What a forward on port 80 or 443 means while [http] domain is set: a name below that domain,
// maybe with a path behind it and credentials in front.
//
//   blog                  blog.DOMAIN
//   blog.DOMAIN           the same
//   user:pass@blog/api    the same, for requests at /api and below that carry this user and
//   password nothing, localhost    a name made from the owner, the same one every time
//
// 80 and 443 ask for the same: a name serves both http and https. An address in numbers stays a TCP
// port. What breaks a rule is refused with that rule; nobody gets another name than was asked for.
//
// Owns: nothing. Called by: grant, for each wish. Bounds: kHttpPathBytesMax,
// http::kCredentialsBytesMax, and those of DNS.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "conf/config.h"
#include "daemon/refusal.h"
#include "ssh/permits.h"
#include "ssh/session.h"

namespace portreeve::daemon {

inline constexpr std::size_t kHttpPathBytesMax = 128;
inline constexpr std::array<std::uint32_t, 2> kHttpPorts = {80, 443};

struct HttpName {
    std::string host;         // in lower case, with the domain
    std::string path;         // "/api"; empty: all
    std::string credentials;  // "user:pass"; empty: anybody may
    bool is_derived = false;  // nobody asked for this very one
    // Of a derived one: what else is made so, in order, for where the host is another owner's.
    std::vector<std::string> other_hosts;
};

// How visitors write a name.
struct HttpUrls {
    std::string scheme = "http";
    std::uint16_t port = 80;
    std::string domain;

    [[nodiscard]] std::string text(const std::string& host, const std::string& path) const;
    // "blog", or the whole of a host that is not below the domain.
    [[nodiscard]] std::string name(const std::string& host) const;
};
// … as far as the configuration knows.
[[nodiscard]] HttpUrls http_urls(const conf::Http& http);

[[nodiscard]] bool is_http_wish(const ssh::ForwardWish& wish, const conf::Http& http);

// Of an owner, whose label is the login user name.
[[nodiscard]] tl::expected<HttpName, Refusal> http_name_of(const ssh::ForwardWish& wish,
                                                           const std::string& owner,
                                                           const std::string& label,
                                                           const conf::Http& http);

// Whether the pattern of a permitlisten permits it: the host, if the pattern has a dot, else the
// label; where nothing was asked for, what was. The number of one port stands for the other too.
[[nodiscard]] bool permits_http(const ssh::ListenPattern& permit, const ssh::ForwardWish& wish,
                                const HttpName& name, const conf::Http& http);

// A word that visitors take for the server's own.
[[nodiscard]] bool is_reserved_host(const std::string& host, const conf::Http& http);

// Whether whoever asks for it has to prove that it is his: it is not below the domain.
[[nodiscard]] bool needs_proof(const std::string& host, const conf::Http& http);

}  // namespace portreeve::daemon
