#include "daemon/ctl/commands.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <string>

#include <nlohmann/json.hpp>

#include "daemon/ctl/control_client.h"
#include "daemon/news_text.h"
#include "daemon/people_text.h"
#include "daemon/tunnel_entry.h"

namespace portreeve::ctl {
namespace {

using Json = nlohmann::ordered_json;
using daemon::printable;

constexpr int kNo = 1;
constexpr int kWrong = 2;
constexpr unsigned kBadRequest = 400;
constexpr unsigned kUnprocessable = 422;
constexpr int kIndent = 2;

void print(const std::string& text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
}

// Words of a command line may be any bytes.
std::string text_of(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

int complain(const std::string& sentence, int code) {
    std::fprintf(stderr, "portreevectl: %s\n", sentence.c_str());
    return code;
}

// What the daemon said instead of yes. A file's own errors begin with the file.
int refused(const Reply& reply) {
    const int code = reply.status == kBadRequest || reply.status == kUnprocessable ? kWrong : kNo;
    const Json body = Json::parse(reply.body, nullptr, false);
    if (!body.is_object()) {
        return complain("the daemon answers " + std::to_string(reply.status), code);
    }
    const Json errors = body.value("errors", Json::array({body.value("error", "")}));
    for (const Json& error : errors) {
        const std::string sentence = printable(error.is_string() ? error.get<std::string>() : "");
        std::fprintf(stderr, "%s%s\n",
                     reply.status == kUnprocessable ? "" : "portreevectl: ", sentence.c_str());
    }
    return code;
}

// Asks, and shows a yes: as it is for programs, or as `shown` makes it for people.
template <class Shown>
int ask(const Arguments& arguments, const std::string& method, const std::string& target,
        const std::string& body, Shown shown) {
    const auto reply = ControlClient(arguments.socket).ask(method, target, body);
    if (!reply) {
        return complain(reply.error(), kNo);
    }
    if (reply->status != Reply::kFine) {
        return refused(*reply);
    }
    const Json answer = Json::parse(reply->body, nullptr, false);
    if (answer.is_discarded()) {
        return complain("the daemon's answer is no JSON", kNo);
    }
    if (arguments.json) {
        print(reply->body);
    }
    return shown(answer);
}

// "sessions     3", a line for each member.
std::string rows_of(const Json& object) {
    std::size_t width = 0;
    for (const auto& [name, value] : object.items()) {
        width = std::max(width, name.size());
    }
    std::string text;
    for (const auto& [name, value] : object.items()) {
        std::string row = name;
        row.append(width - name.size() + 2, ' ');
        row += printable(value.is_string() ? value.get<std::string>() : value.dump());
        text.append(row, 0, row.find_last_not_of(' ') + 1).append("\n");
    }
    return text;
}

int list(const Arguments& arguments) {
    Arguments quiet = arguments;
    quiet.json = false;
    return ask(quiet, "GET", "/v1/tunnels", {}, [&](Json tunnels) {
        if (!arguments.json) {
            print(tunnels.empty() ? "no tunnel is open\n" : daemon::table_of(tunnels));
            return 0;
        }
        for (Json& tunnel : tunnels) {
            tunnel.erase("traffic");  // as in the directory: `show` has it
        }
        print(tunnels.dump(kIndent) + "\n");
        return 0;
    });
}

int show(const Arguments& arguments) {
    return ask(arguments, "GET", "/v1/tunnels/" + encoded(arguments.words.front()), {},
               [&](const Json& tunnels) {
                   std::string text;
                   for (const Json& tunnel : tunnels) {
                       Json flat = tunnel;
                       const Json traffic = tunnel.value("traffic", Json::object());
                       flat.erase("traffic");
                       flat.update(traffic);
                       text.append(text.empty() ? "" : "\n").append(rows_of(flat));
                   }
                   print(arguments.json ? "" : text);
                   return 0;
               });
}

int kick(const Arguments& arguments) {
    return ask(arguments, "DELETE", "/v1/tunnels/" + encoded(arguments.words.front()), {},
               [&](const Json& answer) {
                   const int ended = answer.value("ended", 0);
                   print(arguments.json ? ""
                                        : "ended " + std::to_string(ended) +
                                              (ended == 1 ? " tunnel\n" : " tunnels\n"));
                   return 0;
               });
}

int status(const Arguments& arguments) {
    return ask(arguments, "GET", "/v1/status", {}, [&](const Json& answer) {
        print(arguments.json ? "" : rows_of(answer));
        return 0;
    });
}

int read_configuration(const Arguments& arguments) {
    return ask(arguments, "POST", "/v1/" + arguments.command, {}, [&](const Json& answer) {
        if (arguments.json) {
            return 0;
        }
        std::string text;
        for (const Json& warning : answer.value("warnings", Json::array())) {
            text.append("warning: ").append(printable(warning.get<std::string>())).append("\n");
        }
        const std::string file = answer.value("config", "");
        text.append(file.empty() ? "built-in defaults" : file)
            .append(arguments.command == "check" ? ": fine; " : ": in force; ")
            .append(std::to_string(answer.value("keys", 0)))
            .append(" keys may log in\n");
        print(text);
        return 0;
    });
}

int drain(const Arguments& arguments) {
    return ask(arguments, "POST", "/v1/drain", {}, [&](const Json&) {
        print(arguments.json ? "" : "draining: no new connections, visitors may finish\n");
        return 0;
    });
}

// The first line of the file that may be a key; the daemon decides what it is.
tl::expected<std::string, std::string> key_line(const std::string& path) {
    std::ifstream file(path);
    if (!file) {
        return tl::unexpected("--key " + path + ": cannot be read");
    }
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("-----BEGIN ")) {
            std::string sentence = "--key " + path;
            sentence.append(": give the public part, ").append(path).append(".pub");
            return tl::unexpected(std::move(sentence));
        }
        if (!line.empty() && line.front() != '#') {
            return line;
        }
    }
    return tl::unexpected("--key " + path + ": holds no key");
}

int explain(const Arguments& arguments) {
    const auto key = key_line(arguments.key);
    if (!key) {
        return complain(key.error(), kWrong);
    }
    const Json question = {{"key", *key},
                           {"listen", arguments.listen},
                           {"user", arguments.user},
                           {"from", arguments.from}};
    return ask(arguments, "POST", "/v1/explain", text_of(question), [&](const Json& answer) {
        print(arguments.json ? "" : answer.value("text", ""));
        return answer.value("granted", false) ? 0 : kNo;
    });
}

int log_level(const Arguments& arguments) {
    Json levels = Json::object();
    for (const std::string& word : arguments.words) {
        const std::size_t equals = word.find('=');
        if (equals == std::string::npos) {
            levels["level"] = word;
        } else {
            levels[word.substr(0, equals)] = word.substr(equals + 1);
        }
    }
    return ask(arguments, levels.empty() ? "GET" : "PUT", "/v1/log",
               levels.empty() ? std::string() : text_of(levels), [&](const Json& answer) {
                   print(arguments.json ? "" : rows_of(answer));
                   return 0;
               });
}

// A line for each line of JSON.
std::string lines_of(std::string_view news) {
    std::string text;
    while (!news.empty()) {
        const std::string_view line = news.substr(0, news.find('\n'));
        news.remove_prefix(std::min(news.size(), line.size() + 1));
        const Json object = Json::parse(line, nullptr, false);
        text.append(object.is_object() ? daemon::line_of(object) : printable(line)).append("\n");
    }
    return text;
}

// What happens, until the daemon ends; a signal ends it as it ends any program.
int watch(const Arguments& arguments) {
    std::string begun;  // of a line that is not there as a whole
    const auto reply =
        ControlClient(arguments.socket).follow("/v1/events", [&](std::string_view content) {
            begun.append(content);
            const std::size_t end = begun.rfind('\n') + 1;
            print(arguments.json ? begun.substr(0, end) : lines_of(begun.substr(0, end)));
            begun.erase(0, end);
            return std::fflush(stdout) == 0;
        });
    if (!reply) {
        return complain(reply.error(), kNo);
    }
    return reply->status == Reply::kFine ? 0 : refused(*reply);
}

struct Command {
    std::string_view name;
    int (*run)(const Arguments& arguments);
};
constexpr std::array kCommands = {
    Command{"list", list},
    Command{"show", show},
    Command{"kick", kick},
    Command{"status", status},
    Command{"reload", read_configuration},
    Command{"check", read_configuration},
    Command{"drain", drain},
    Command{"explain", explain},
    Command{"watch", watch},
    Command{"log-level", log_level},
};

}  // namespace

int run_command(const Arguments& arguments) {
    const auto* const command =
        std::find_if(kCommands.begin(), kCommands.end(),
                     [&](const Command& one) { return one.name == arguments.command; });
    return command->run(arguments);
}

}  // namespace portreeve::ctl
