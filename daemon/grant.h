// Who a client is once it has logged in, and what it may ask for: the options of the line that let
// it in, together with its certificate's, under the configuration.
//
// Owns: values only. Called by: Client for each wish, --explain for a wish that nobody made.
// Bounds: none needed; a Grant lives as long as its session.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "conf/config.h"
#include "daemon/http_names.h"
#include "daemon/refusal.h"
#include "ssh/authorized_keys.h"
#include "ssh/key_options.h"
#include "ssh/session.h"

namespace portreeve::daemon {

struct Grant {
    std::string owner;  // the key's fingerprint; for a certificate, of the key that it certifies
    std::string user;   // the label: the login user name
    ssh::KeyOptions options;
    std::string source;                   // what granted it: "/etc/portreeve/authorized_keys:3"
    std::string certificate;              // "certificate 7 of SHA256:…"; empty: none was shown
    std::vector<std::string> principals;  // the certificate's
};

// Whether the wish, for an address or a name, may be tried; and what it means, if it is for an http
// name. It says nothing of the address itself: that is bind_forward's. `keys` are those whose lines
// may keep http names for themselves.
[[nodiscard]] tl::expected<std::optional<HttpName>, Refusal> may_forward(
    const Grant& grant, const conf::Config& config, const ssh::AuthorizedKeys& keys,
    const ssh::ForwardWish& wish);

// Whether -L and -W may reach this host and port, as far as the grant says it. Private names need
// no permitopen, but where a line has any, it must name them too.
[[nodiscard]] tl::expected<void, Refusal> may_reach(const Grant& grant, const std::string& host,
                                                    std::uint32_t port);

// Whether the one who is granted so belongs to the audience of a private name of `owner`.
[[nodiscard]] bool is_in_audience(const Grant& grant, const std::string& owner,
                                  const ssh::Audience& audience, const conf::Groups& groups);

// Whether it may reach what [metrics] alias serves, at this port of it.
[[nodiscard]] bool may_reach_metrics(const Grant& grant, std::uint16_t port,
                                     const conf::Config& config);

}  // namespace portreeve::daemon
