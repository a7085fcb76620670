// portreevectl, from the command line to the exit code.

#include <cstdio>
#include <string>

#include "daemon/ctl/arguments.h"
#include "daemon/ctl/commands.h"

namespace {

// What was printed may still wait to be written.
int finish(int code) {
    if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) {
        return code;
    }
    std::fprintf(stderr, "portreevectl: the answer cannot be written to standard output\n");
    return code == 0 ? 1 : code;
}

}  // namespace

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
        return finish(0);
    }
    if (arguments->version) {
        std::printf("portreevectl %s\n", PORTREEVE_VERSION);
        return finish(0);
    }
    return finish(ctl::run_command(*arguments));
}
