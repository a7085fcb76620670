#include "daemon/names.h"

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

tl::expected<void, Refusal> check_name(const ssh::ForwardWish& wish, const conf::Config& config) {
    const std::string quoted = "\"" + ssh::shown(without_credentials(wish.address)) + "\"";
    if (!config.forward.aliases) {
        return tl::unexpected(Refusal{"name_not_served",
                                      quoted + " is a name, and this server serves none ([forward] "
                                               "aliases); ask for a port: -R 0:HOST:PORT"});
    }
    if (!well_formed(wish.address) || ssh::lower_case(wish.address) == "localhost") {
        return tl::unexpected(Refusal{
            "name_not_valid",
            quoted + " is no name that can be had: it is up to " + std::to_string(kNameBytesMax) +
                " letters, digits, \"-\", \"_\" and \".\", begins with a letter or a digit, "
                "and is not localhost"});
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
