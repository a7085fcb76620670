// The command line of portreevectl.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

namespace portreeve::ctl {

struct Arguments {
    std::string socket = "/run/portreeve/control";
    std::string command;
    std::vector<std::string> words;  // behind the command
    bool json = false;
    bool help = false;
    bool version = false;
    // The question of explain, as it was written.
    std::string key;
    std::string listen;
    std::string user;
    std::string from;
};

// Options may stand before the command and behind it. The error is a sentence.
tl::expected<Arguments, std::string> parse_arguments(int argc, const char* const* argv);
std::string_view usage();

}  // namespace portreeve::ctl
