#include "daemon/ctl/arguments.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "daemon/options.h"

namespace portreeve::ctl {
namespace {

using daemon::Flag;
using daemon::Valued;

constexpr std::array kFlags = {
    Flag<Arguments>{"--json", &Arguments::json},
    Flag<Arguments>{"--help", &Arguments::help},
    Flag<Arguments>{"-h", &Arguments::help},
    Flag<Arguments>{"--version", &Arguments::version},
};

constexpr std::array kValued = {
    Valued<Arguments>{"--socket", "a path", &Arguments::socket, false},
    Valued<Arguments>{"--key", "a file", &Arguments::key, true},
    Valued<Arguments>{"--listen", "ADDRESS:PORT", &Arguments::listen, true},
    Valued<Arguments>{"--user", "a login name", &Arguments::user, true},
    Valued<Arguments>{"--from", "an IP address", &Arguments::from, true},
};

// How many words a command takes behind it.
struct Command {
    std::string_view name;
    std::size_t words_min;
    std::size_t words_max;
    std::string_view words;
};
constexpr auto kCommands = std::to_array<Command>({
    {"list", 0, 0, ""},
    {"show", 1, 1, " NAME"},
    {"kick", 1, 1, " NAME"},
    {"status", 0, 0, ""},
    {"reload", 0, 0, ""},
    {"check", 0, 0, ""},
    {"drain", 0, 0, ""},
    {"explain", 0, 0, " --key FILE --listen ADDRESS:PORT"},
    {"watch", 0, 0, ""},
    {"log-level", 0, SIZE_MAX, " [LEVEL | PART=LEVEL]..."},
});

std::string command_names() {
    std::string names;
    for (const Command& command : kCommands) {
        names.append(names.empty() ? "" : ", ").append(command.name);
    }
    return names;
}

std::string why_not_together(const Arguments& parsed) {
    if (parsed.help || parsed.version) {
        return {};
    }
    if (parsed.command.empty()) {
        return "what shall be done? the commands are " + command_names();
    }
    const auto* const command =
        std::find_if(kCommands.begin(), kCommands.end(),
                     [&](const Command& one) { return one.name == parsed.command; });
    if (command == kCommands.end()) {
        return "\"" + parsed.command + "\" is no command; the commands are " + command_names();
    }
    const bool explains = command->name == "explain";
    if (parsed.words.size() < command->words_min || parsed.words.size() > command->words_max ||
        (explains && (parsed.key.empty() || parsed.listen.empty()))) {
        return "write portreevectl " + std::string(command->name) + std::string(command->words);
    }
    if (const auto stray = daemon::stray_option(parsed, kValued, explains); !stray.empty()) {
        return std::string(stray) + " is for explain";
    }
    return {};
}

}  // namespace

tl::expected<Arguments, std::string> parse_arguments(int argc, const char* const* argv) {
    Arguments parsed;
    bool options = true;
    for (int index = 1; index < argc; ++index) {
        const std::string_view word = argv[index];
        if (options && word == "--") {
            options = false;
        } else if (options && word.starts_with('-')) {
            const auto taken = daemon::take_option(parsed, kFlags, kValued, argc, argv, index);
            if (!taken) {
                return tl::unexpected(taken.error());
            }
            if (!*taken) {
                return tl::unexpected("unknown option \"" + std::string(word) + "\"");
            }
        } else if (parsed.command.empty()) {
            parsed.command = word;
        } else {
            parsed.words.emplace_back(word);
        }
    }
    if (const std::string why = why_not_together(parsed); !why.empty()) {
        return tl::unexpected(why);
    }
    return parsed;
}

std::string_view usage() {
    return "usage: portreevectl [--socket PATH] [--json] COMMAND\n"
           "\n"
           "Asks a running portreeved, and tells it what to do.\n"
           "\n"
           "  list                   all tunnels\n"
           "  show NAME              those called NAME, NAME:PORT, PORT or URL, in detail\n"
           "  kick NAME              end them, and the sessions that hold them\n"
           "  status                 how the daemon is\n"
           "  explain --key FILE --listen ADDRESS:PORT [--user NAME] [--from IP]\n"
           "                         would this key be granted this forward now, and by which "
           "line\n"
           "  check                  read the configuration and the keys; change nothing\n"
           "  reload                 … and use them, if nothing is wrong with them\n"
           "  drain                  stop: no new connections, visitors may finish\n"
           "  watch                  what happens, as it happens: tunnels up, held, down; "
           "refusals\n"
           "  log-level [LEVEL | PART=LEVEL]...\n"
           "                         the levels of the log; or set them, until the next reload\n"
           "\n"
           "  --socket PATH          the control socket (default /run/portreeve/control)\n"
           "  --json                 the answer as JSON, for programs\n"
           "  --version, --help\n"
           "\n"
           "Exit codes: 0 fine, 1 it failed or the answer is no, 2 bad usage or bad\n"
           "configuration. See portreevectl(1).\n";
}

}  // namespace portreeve::ctl
