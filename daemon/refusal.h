// Why something was refused: a code that stays the same for ever and a sentence for the person.
#pragma once

#include <string>
#include <string_view>

namespace portreeve::daemon {

struct Refusal {
    std::string_view code;  // "limit_startups"; docs list them all
    std::string sentence;
};

}  // namespace portreeve::daemon
