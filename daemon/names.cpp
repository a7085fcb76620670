#include "daemon/names.h"

#include <arpa/inet.h>

#include <algorithm>
#include <string>

#include "daemon/wish_text.h"
#include "ssh/text.h"

namespace portreeve::daemon {
namespace {

// It is a word in ssh_config, and the name of a file.
bool well_formed(const std::string& name) {
    return name.size() <= kNameBytesMax && ssh::is_letter_or_digit(name.front()) &&
           std::all_of(name.begin(), name.end(), [](char c) {
               return ssh::is_letter_or_digit(c) || c == '-' || c == '_' || c == '.';
           });
}

}  // namespace

// inet_aton(3) takes numbers too, hexadecimal ones, and fewer than four.
bool reads_as_address(const std::string& name) {
    in_addr address{};
    return name.find_first_not_of("0123456789.") == std::string::npos ||
           inet_aton(name.c_str(), &address) == 1;
}

tl::expected<void, Refusal> check_name(const ssh::ForwardWish& wish, const conf::Config& config) {
    const std::string quoted = "\"" + ssh::shown(without_credentials(wish.address)) + "\"";
    if (!config.forward.aliases) {
        return tl::unexpected(Refusal{"name_not_served",
                                      quoted + " is a name, and this server serves none ([forward] "
                                               "aliases); ask for a port: -R 0:HOST:PORT"});
    }
    const std::string name = ssh::lower_case(wish.address);
    if (!well_formed(name) || name == "localhost" || name == "localhost.") {
        return tl::unexpected(Refusal{
            "name_not_valid",
            quoted + " is no name that can be had: it is up to " + std::to_string(kNameBytesMax) +
                " letters, digits, \"-\", \"_\" and \".\", begins with a letter or a digit, "
                "and is not localhost"});
    }
    if (reads_as_address(name)) {
        return tl::unexpected(Refusal{
            "name_not_valid", quoted + " is no name that can be had, since it reads as an address; "
                                       "an address is taken in full only: -R "
                                       "127.0.0.1:PORT:HOST:PORT"});
    }
    if (wish.port == 0) {
        return tl::unexpected(Refusal{
            "name_not_valid", quoted + " has port 0, and a name needs the port that others ask "
                                       "for: -R NAME:22:HOST:PORT"});
    }
    if (is_metrics_name(wish.address, config)) {
        return tl::unexpected(servers_own_name(wish.address));
    }
    return {};
}

bool is_metrics_name(const std::string& name, const conf::Config& config) {
    return !config.metrics.alias.empty() && ssh::lower_case(name) == config.metrics.alias;
}

Refusal servers_own_name(const std::string& name) {
    return {"name_not_valid",
            "\"" + ssh::shown(name) +
                "\" is this server's own name, for its metrics ([metrics] alias)"};
}

}  // namespace portreeve::daemon
