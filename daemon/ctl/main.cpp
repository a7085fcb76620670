// portreevectl, from the command line to the exit code.

#include <cstdio>
#include <string>

#include "daemon/ctl/arguments.h"
#include "daemon/ctl/commands.h"

int main(int argc, char** argv) {
    using namespace portreeve;
    constexpr int kBadUsage = 2;

    const auto arguments = ctl::parse_arguments(argc, argv);
    if (!arguments) {
        std::fprintf(stderr, "portreevectl: %s\n\n%s", arguments.error().c_str(),
                     std::string(ctl::usage()).c_str());
        return kBadUsage;
    }
    if (arguments->help) {
        std::printf("%s", std::string(ctl::usage()).c_str());
        return 0;
    }
    if (arguments->version) {
        std::printf("portreevectl %s\n", PORTREEVE_VERSION);
        return 0;
    }
    return ctl::run_command(*arguments);
}
