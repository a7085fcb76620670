#include "daemon/arguments.h"

#include <array>

#include "daemon/options.h"

namespace portreeve::daemon {
namespace {

constexpr std::array kFlags = {
    Flag<Arguments>{"--check", &Arguments::check},
    Flag<Arguments>{"--explain", &Arguments::explain},
    Flag<Arguments>{"--help", &Arguments::help},
    Flag<Arguments>{"-h", &Arguments::help},
    Flag<Arguments>{"--version", &Arguments::version},
};

constexpr std::array kValued = {
    Valued<Arguments>{"--config", "a file", &Arguments::config, false},
    Valued<Arguments>{"--key", "a file", &Arguments::key, true},
    Valued<Arguments>{"--listen", "ADDRESS:PORT", &Arguments::listen, true},
    Valued<Arguments>{"--user", "a login name", &Arguments::user, true},
    Valued<Arguments>{"--from", "an IP address", &Arguments::from, true},
};

std::string why_not_together(const Arguments& parsed) {
    if (parsed.explain && parsed.check) {
        return "--check and --explain are two questions: ask one at a time";
    }
    if (parsed.explain && (parsed.key.empty() || parsed.listen.empty())) {
        return "--explain needs --key FILE and --listen ADDRESS:PORT";
    }
    if (const auto stray = stray_option(parsed, kValued, parsed.explain); !stray.empty()) {
        return std::string(stray) + " is for --explain";
    }
    return {};
}

}  // namespace

tl::expected<Arguments, std::string> parse_arguments(int argc, const char* const* argv) {
    Arguments parsed;
    for (int index = 1; index < argc; ++index) {
        const std::string_view word = argv[index];
        const auto taken = take_option(parsed, kFlags, kValued, argc, argv, index);
        if (!taken) {
            return tl::unexpected(taken.error());
        }
        if (!*taken) {
            return tl::unexpected("unknown argument \"" + std::string(word) + "\"");
        }
    }
    if (const std::string why = why_not_together(parsed); !why.empty()) {
        return tl::unexpected(why);
    }
    return parsed;
}

std::string_view usage() {
    return "usage: portreeved [--config FILE] [--check]\n"
           "       portreeved [--config FILE] --explain --key FILE --listen ADDRESS:PORT\n"
           "                  [--user NAME] [--from IP]\n"
           "\n"
           "Keeps the ports of this host for people who run plain `ssh -R`.\n"
           "\n"
           "  --config FILE  read FILE; without it $CONFIGURATION_DIRECTORY/portreeve.toml, then\n"
           "                 /etc/portreeve/portreeve.toml, then the built-in defaults\n"
           "  --check        check the configuration and the keys it names, then end\n"
           "  --explain      say whether a key would be granted a forward, and by which line, "
           "then\n"
           "                 end; nothing is opened\n"
           "  --key FILE     the key or certificate, such as ~/.ssh/id_ed25519.pub\n"
           "  --listen A:P   what is asked for, written as for ssh -R: 8080, '*:0', [::1]:8080\n"
           "  --user NAME    the login name, where the answer depends on it\n"
           "  --from IP      where the client comes from, where the answer depends on it\n"
           "  --version      print the version\n"
           "  --help         print this\n"
           "\n"
           "Exit codes: 0 fine, 1 failed at run time, 2 bad usage or bad configuration; of\n"
           "--explain: 0 granted, 1 not granted, 2 no answer.\n"
           "See portreeved(8) and portreeve.toml(5).\n";
}

}  // namespace portreeve::daemon
