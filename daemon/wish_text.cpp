#include "daemon/wish_text.h"

namespace portreeve::daemon {

std::string wish_text(const std::string& address, std::uint32_t port) {
    constexpr std::size_t kShownAddressMax = 80;
    const bool cut = address.size() > kShownAddressMax;
    const std::string shown = address.substr(0, kShownAddressMax) + (cut ? "..." : "");
    const bool brackets = shown.find(':') != std::string::npos;
    return (brackets ? "[" + shown + "]" : shown) + ":" + std::to_string(port);
}

}  // namespace portreeve::daemon
