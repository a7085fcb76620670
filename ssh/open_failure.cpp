#include "ssh/open_failure.h"

#include <charconv>

namespace portreeve::ssh {

// "Channel opening failure: channel 43 error (2) Connection refused": what the client wrote comes
// last, and cannot be taken for the number.
OpenFailure open_failure_in(std::string_view libssh_error) {
    constexpr std::string_view kBefore = " error (";
    const std::size_t before = libssh_error.find(kBefore);
    unsigned number = 0;
    if (libssh_error.starts_with("Channel opening failure: channel ") &&
        before != std::string_view::npos) {
        const std::string_view digits = libssh_error.substr(before + kBefore.size());
        std::from_chars(digits.data(), digits.data() + digits.size(), number);
    }
    switch (number) {
        case 1:
            return OpenFailure::prohibited;
        case 2:
            return OpenFailure::connect_failed;
        case 3:
            return OpenFailure::unknown_type;
        case 4:
            return OpenFailure::resource_shortage;
        default:
            return OpenFailure::other;
    }
}

}  // namespace portreeve::ssh
