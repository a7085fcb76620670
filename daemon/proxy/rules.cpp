#include "daemon/proxy/rules.h"

#include "conf/values.h"

namespace portreeve::daemon {

tl::expected<std::vector<conf::Network>, std::string> parse_networks(std::string_view list) {
    std::vector<conf::Network> networks;
    for (bool more = true; more;) {
        const std::size_t comma = std::min(list.find(','), list.size());
        const auto network = conf::parse_network(list.substr(0, comma));
        if (!network || networks.size() == Admitted::kNetworksMax) {
            return tl::unexpected("write up to " + std::to_string(Admitted::kNetworksMax) +
                                  " networks with \",\" between them: 192.0.2.0/24,2001:db8::/32");
        }
        networks.push_back(*network);
        more = comma < list.size();
        list.remove_prefix(std::min(comma + 1, list.size()));
    }
    return networks;
}

std::string text_of(const std::vector<conf::Network>& networks) {
    std::string text;
    for (const conf::Network& network : networks) {
        text.append(text.empty() ? "" : ",").append(network.text());
    }
    return text;
}

}  // namespace portreeve::daemon
