// The command line.
#pragma once

#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace portreeve::daemon {

struct Arguments {
    std::string config;  // empty: where the contract says
    bool check = false;
    bool explain = false;
    // The question of --explain, as it was written.
    std::string key;
    std::string listen;
    std::string user;  // empty: not said
    std::string from;  // empty: not said
    bool help = false;
    bool version = false;
};

// The error is a sentence.
tl::expected<Arguments, std::string> parse_arguments(int argc, const char* const* argv);
std::string_view usage();

}  // namespace portreeve::daemon
