#include "daemon/http/date.h"

#include <array>
#include <cstddef>
#include <ctime>
#include <string_view>

#include "daemon/http/lines.h"

namespace portreeve::http {

void append_date(std::string& out, std::int64_t time_s) {
    constexpr std::array<const char*, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    constexpr std::array<const char*, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const std::time_t time = time_s;
    std::tm parts{};
    if (time_s == 0 || gmtime_r(&time, &parts) == nullptr) {
        return;
    }
    std::array<char, 32> rest{};
    const auto size = std::strftime(rest.data(), rest.size(), " %Y %H:%M:%S GMT", &parts);
    const std::string_view day = parts.tm_mday < 10 ? " 0" : " ";
    append_field(out, "Date", std::string_view(kDays.at(static_cast<std::size_t>(parts.tm_wday))),
                 std::string_view(","), day, static_cast<unsigned>(parts.tm_mday),
                 std::string_view(" "),
                 std::string_view(kMonths.at(static_cast<std::size_t>(parts.tm_mon))),
                 std::string_view(rest.data(), size));
}

}  // namespace portreeve::http
