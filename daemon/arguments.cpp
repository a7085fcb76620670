#include "daemon/arguments.h"

namespace portreeve::daemon {

tl::expected<Arguments, std::string> parse_arguments(int argc, const char* const* argv) {
    Arguments parsed;
    for (int index = 1; index < argc; ++index) {
        const std::string_view word = argv[index];
        if (word == "--check") {
            parsed.check = true;
        } else if (word == "--help" || word == "-h") {
            parsed.help = true;
        } else if (word == "--version") {
            parsed.version = true;
        } else if (word.starts_with("--config=") && word.size() > 9) {
            parsed.config = word.substr(9);
        } else if (word == "--config" && index + 1 < argc && *argv[index + 1] != '\0') {
            parsed.config = argv[++index];
        } else if (word == "--config" || word == "--config=") {
            return tl::unexpected(std::string("--config needs a file"));
        } else {
            return tl::unexpected("unknown argument \"" + std::string(word) + "\"");
        }
    }
    return parsed;
}

std::string_view usage() {
    return "usage: portreeved [--config FILE] [--check]\n"
           "\n"
           "Keeps the ports of this host for people who run plain `ssh -R`.\n"
           "\n"
           "  --config FILE  read FILE; without it $CONFIGURATION_DIRECTORY/portreeve.toml, then\n"
           "                 /etc/portreeve/portreeve.toml, then the built-in defaults\n"
           "  --check        check the configuration and the keys it names, then end\n"
           "  --version      print the version\n"
           "  --help         print this\n"
           "\n"
           "Exit codes: 0 fine, 1 failed at run time, 2 bad usage or bad configuration.\n"
           "See portreeved(8) and portreeve.toml(5).\n";
}

}  // namespace portreeve::daemon
