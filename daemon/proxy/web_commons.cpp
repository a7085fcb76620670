#include "daemon/proxy/web_commons.h"

#include <sys/random.h>

#include <array>
#include <string_view>

namespace portreeve::daemon {
namespace {

std::string own_name() {
    std::array<unsigned char, 6> bytes{};
    static_cast<void>(!getrandom(bytes.data(), bytes.size(), 0));
    static constexpr std::string_view kDigits = "0123456789abcdef";
    std::string name = "_";
    for (const unsigned char byte : bytes) {
        name += kDigits[byte >> 4U];
        name += kDigits[byte & 0xfU];
    }
    return name;
}

}  // namespace

WebCommons::WebCommons() : by(own_name()) {
}

}  // namespace portreeve::daemon
