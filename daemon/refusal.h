// Why something was refused: a code for programs and a sentence for the person.
#pragma once

#include <string>

#include "ssh/code.h"

namespace portreeve::daemon {

struct Refusal {
    ssh::Code code;
    std::string sentence;
};

}  // namespace portreeve::daemon
