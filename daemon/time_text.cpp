#include "daemon/time_text.h"

#include <array>
#include <ctime>

namespace portreeve::daemon {

std::string time_text(std::int64_t time_s) {
    const auto time = static_cast<std::time_t>(time_s);
    std::tm parts{};
    ::gmtime_r(&time, &parts);
    std::array<char, 32> text{};
    return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

}  // namespace portreeve::daemon
