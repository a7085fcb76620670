#include "daemon/command_tokens.h"

#include <algorithm>

#include "conf/values.h"

namespace portreeve::daemon {
namespace {

// %C
std::string connection(const LoginFacts& facts) {
    return facts.client_address + ' ' + std::to_string(facts.client_port) + ' ' +
           facts.server_address + ' ' + std::to_string(facts.server_port);
}

std::string value_of(char token, const LoginFacts& facts) {
    switch (token) {
        case 'C':
            return connection(facts);
        case 'D':
            return facts.routing_domain;
        case 'F':
            return facts.ca_fingerprint;
        case 'f':
            return facts.key_fingerprint;
        case 'i':
            return facts.certificate_id;
        case 'K':
            return facts.ca_base64;
        case 'k':
            return facts.key_base64;
        case 's':
            return facts.certificate_serial;
        case 'T':
            return facts.ca_type;
        case 't':
            return facts.key_type;
        case 'u':
            return facts.user;
        default:
            return std::string(1, token);  // "%%"
    }
}

std::string expand(const std::string& word, const LoginFacts& facts) {
    std::string expanded;
    for (std::size_t at = 0; at < word.size(); ++at) {
        if (word[at] == '%' && at + 1 < word.size()) {
            expanded += value_of(word[++at], facts);
        } else {
            expanded += word[at];
        }
    }
    return expanded;
}

bool is_control(char c) {
    return (c >= '\0' && c < ' ') || c == '\x7f';
}

// What a program could take `argument` for that the configuration's `word` did not mean.
std::string fault(const std::string& word, const std::string& argument) {
    if (argument.starts_with('-') && word.starts_with('%')) {
        return "begins with \"-\", as options do";
    }
    if (std::count_if(argument.begin(), argument.end(), is_control) >
        std::count_if(word.begin(), word.end(), is_control)) {
        return "holds a control character";
    }
    return {};
}

}  // namespace

tl::expected<std::vector<std::string>, std::string> expand_tokens(
    const std::vector<std::string>& words, const LoginFacts& facts) {
    std::vector<std::string> expanded;
    std::size_t bytes = 0;
    for (const std::string& word : words) {
        expanded.push_back(expand(word, facts));
        const std::string& argument = expanded.back();
        if (const std::string why = fault(word, argument); !why.empty()) {
            return tl::unexpected("not run, because what the client sent for " +
                                  conf::in_quotes(word) + ", " + conf::in_quotes(argument) + ", " +
                                  why);
        }
        bytes += argument.size() + 1;
        if (bytes > kArgumentBytesMax) {
            return tl::unexpected("not run, because its arguments would be longer than " +
                                  std::to_string(kArgumentBytesMax) + " bytes");
        }
    }
    return expanded;
}

}  // namespace portreeve::daemon
