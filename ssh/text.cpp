#include "ssh/text.h"

#include <algorithm>

namespace portreeve::ssh {
namespace {

bool is_control(char letter) {
    return (static_cast<unsigned char>(letter) < ' ' && letter != '\t') || letter == '\x7f';
}

}  // namespace

std::string lower_case(std::string_view text) {
    std::string made(text);
    std::transform(made.begin(), made.end(), made.begin(), [](char letter) {
        return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
    });
    return made;
}

bool is_text(std::string_view text) {
    return std::none_of(text.begin(), text.end(), is_control);
}

std::string shown(std::string_view text) {
    return text.size() <= kShownBytesMax ? std::string(text)
                                         : std::string(text.substr(0, kShownBytesMax)) + "...";
}

}  // namespace portreeve::ssh
