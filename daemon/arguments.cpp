#include "daemon/arguments.h"
#include <algorithm>
#include <array>

namespace portreeve::daemon {
namespace {

struct Flag {
    std::string_view name;
    bool Arguments::*value;
};
constexpr std::array kFlags = {
    Flag{"--check", &Arguments::check},     Flag{"--explain", &Arguments::explain},
    Flag{"--help", &Arguments::help},       Flag{"-h", &Arguments::help},
    Flag{"--version", &Arguments::version},
};

// An option with a value, as the next word or behind `=`.
struct Valued {
    std::string_view name;
    std::string_view what;
    std::string Arguments::*value;
    bool explains;  // only with --explain
};
constexpr std::array kValued = {
    Valued{"--config", "a file", &Arguments::config, false},
    Valued{"--key", "a file", &Arguments::key, true},
    Valued{"--listen", "ADDRESS:PORT", &Arguments::listen, true},
    Valued{"--user", "a login name", &Arguments::user, true},
    Valued{"--from", "an IP address", &Arguments::from, true},
};

std::string why_not_together(const Arguments& parsed) {
    if (parsed.explain && parsed.check) {
        return "--check and --explain are two questions: ask one at a time";
    }
    if (parsed.explain && (parsed.key.empty() || parsed.listen.empty())) {
        return "--explain needs --key FILE and --listen ADDRESS:PORT";
    }
    for (const Valued& option : kValued) {
        if (option.explains && !parsed.explain && !(parsed.*option.value).empty()) {
            return std::string(option.name) + " is for --explain";
        }
    }
    return {};
}

}  // namespace

tl::expected<Arguments, std::string> parse_arguments(int argc, const char* const* argv) {
    Arguments parsed;
    for (int index = 1; index < argc; ++index) {
        const std::string_view word = argv[index];
        const auto* const flag = std::find_if(kFlags.begin(), kFlags.end(),
                                              [&](const Flag& one) { return one.name == word; });
        if (flag != kFlags.end()) {
            parsed.*flag->value = true;
            continue;
        }
        const std::size_t equals = std::min(word.find('='), word.size());
        const auto* const option =
            std::find_if(kValued.begin(), kValued.end(),
                         [&](const Valued& one) { return one.name == word.substr(0, equals); });
        if (option == kValued.end()) {
            return tl::unexpected("unknown argument \"" + std::string(word) + "\"");
        }
        std::string_view value = word.substr(std::min(equals + 1, word.size()));
        if (equals == word.size() && index + 1 < argc) {
            value = argv[++index];
        }
        if (value.empty()) {
            return tl::unexpected(std::string(option->name) + " needs " +
                                  std::string(option->what));
        }
        parsed.*option->value = value;
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
