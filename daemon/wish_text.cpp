#include "daemon/wish_text.h"

namespace portreeve::daemon {

// Up to the last "@": what is no name as it stands is shown too, and a password may hold anything.
std::string without_credentials(const std::string& address) {
    return address.substr(address.rfind('@') + 1);
}

std::string wish_text(const std::string& address, std::uint32_t port) {
    constexpr std::size_t kShownAddressMax = 80;
    const std::string harmless = without_credentials(address);
    const bool cut = harmless.size() > kShownAddressMax;
    const std::string shown = harmless.substr(0, kShownAddressMax) + (cut ? "..." : "");
    const bool brackets = shown.find(':') != std::string::npos;
    return (brackets ? "[" + shown + "]" : shown) + ":" + std::to_string(port);
}

}  // namespace portreeve::daemon
