// What the main thread has read for the workers' proxies: certificates, and pages that stand in for
// our own.
//
// Owns: values, shared and immutable. Called by: WebGate, which makes them; ProxyFront. Bounds:
// kPageFileBytesMax of a page.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include <tl/expected.hpp>

#include "daemon/startup.h"
#include "daemon/tls/context.h"

namespace portreeve::daemon {

inline constexpr std::size_t kPageFileBytesMax = std::size_t{256} * 1024;

// By status: 404 is what 404.html says.
using Pages = std::map<std::uint16_t, std::string>;

// Of a folder; without one, none. Names that are no STATUS.html are left alone.
[[nodiscard]] tl::expected<Pages, Failure> read_pages(const std::string& folder);

struct WebParts {
    std::shared_ptr<const tls::Context> tls;  // nullptr: https is not served
    std::uint16_t https_port = 0;             // that visitors come to; 0: none
    std::shared_ptr<const Pages> pages;       // nullptr: our own alone
};

}  // namespace portreeve::daemon
