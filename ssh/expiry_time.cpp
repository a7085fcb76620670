#include "ssh/expiry_time.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <ctime>

namespace portreeve::ssh {
namespace {

constexpr std::size_t kDateDigits = 8;
constexpr std::size_t kMinuteDigits = 12;
constexpr std::size_t kSecondDigits = 14;
constexpr int kHourMax = 23;
constexpr int kMinuteMax = 59;
constexpr int kSecondMax = 60;  // a leap second
constexpr int kYearOfTm = 1900;

// Cuts a number of `digits` digits off `text`, 0 where nothing is left. All are digits.
int next_number(std::string_view& text, std::size_t digits) {
    const std::string_view number = text.substr(0, digits);
    int value = 0;
    std::from_chars(number.data(), number.data() + number.size(), value);
    text.remove_prefix(number.size());
    return value;
}

// Takes the zone off the end of `text`.
bool cut_utc(std::string_view& text) {
    for (const std::string_view zone : {"Z", "z", "UTC", "utc"}) {
        if (text.ends_with(zone)) {
            text.remove_suffix(zone.size());
            return true;
        }
    }
    return false;
}

bool is_digit(char letter) {
    return letter >= '0' && letter <= '9';
}

}  // namespace

std::optional<std::int64_t> parse_expiry_time(std::string_view text) {
    const bool utc = cut_utc(text);
    if ((text.size() != kDateDigits && text.size() != kMinuteDigits &&
         text.size() != kSecondDigits) ||
        !std::all_of(text.begin(), text.end(), is_digit)) {
        return std::nullopt;
    }
    std::tm parts{};
    const int year = next_number(text, 4);
    const int month = next_number(text, 2);
    parts.tm_year = year - kYearOfTm;
    parts.tm_mon = month - 1;
    parts.tm_mday = next_number(text, 2);
    parts.tm_hour = next_number(text, 2);
    parts.tm_min = next_number(text, 2);
    parts.tm_sec = next_number(text, 2);
    // Whether summer time is in force then is for the time zone to say.
    parts.tm_isdst = -1;
    const std::chrono::year_month_day date{std::chrono::year(year),
                                           std::chrono::month(static_cast<unsigned>(month)),
                                           std::chrono::day(static_cast<unsigned>(parts.tm_mday))};
    if (!date.ok() || parts.tm_hour > kHourMax || parts.tm_min > kMinuteMax ||
        parts.tm_sec > kSecondMax) {
        return std::nullopt;
    }
    return utc ? ::timegm(&parts) : std::mktime(&parts);
}

}  // namespace portreeve::ssh
