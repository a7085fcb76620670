#include "conf/command.h"

#include <utility>

namespace portreeve::conf {

namespace {

using Words = std::vector<std::string>;

tl::unexpected<std::string> bad(std::string_view text, const std::string& rest) {
    return tl::unexpected<std::string>(in_quotes(text) + rest);
}

bool is_space(char c) {
    return c == ' ' || c == '\t';
}

bool is_quote(char c) {
    return c == '"' || c == '\'';
}

// Takes one word off `rest`, which starts with it; false: its quote is not closed.
bool take_word(std::string_view& rest, std::string& word) {
    char open = '\0';
    std::size_t at = 0;
    for (; at < rest.size() && (open != '\0' || !is_space(rest[at])); ++at) {
        const char c = rest[at];
        const char next = at + 1 < rest.size() ? rest[at + 1] : '\0';
        if (c == '\\' && (is_quote(next) || next == '\\' || (next == ' ' && open == '\0'))) {
            word += next;
            ++at;
        } else if (open == '\0' && is_quote(c)) {
            open = c;
        } else if (open != '\0' && c == open) {
            open = '\0';
        } else {
            word += c;
        }
    }
    rest.remove_prefix(at);
    return open == '\0';
}

// What is wrong with the tokens of an argument; empty if nothing is.
std::string token_fault(std::string_view argument) {
    for (std::size_t at = argument.find('%'); at != std::string_view::npos;
         at = argument.find('%', at + 2)) {
        const auto token = argument.substr(at, 2);
        if (token == "%h" || token == "%U") {
            return "has the token " + in_quotes(token) +
                   ", but a login name is not an account of this host and has no home and no "
                   "number: leave it out";
        }
        if (token.size() < 2 || kCommandTokens.find(token[1]) == std::string_view::npos) {
            return "has the unknown token " + in_quotes(token) +
                   ": the tokens are %u %f %k %t %i %s %F %K %T %C %D, and %% for a percent sign";
        }
    }
    return {};
}

// The words of a program and its arguments, or none for ""; `example` is what to write instead.
Parsed<Words> split(std::string_view text, const std::string& example) {
    if (const auto plain = parse_text(text); !plain) {
        return tl::unexpected(plain.error());
    }
    Words words;
    if (text.empty()) {
        return words;
    }
    for (auto rest = text;;) {
        while (!rest.empty() && is_space(rest.front())) {
            rest.remove_prefix(1);
        }
        if (rest.empty()) {
            break;
        }
        if (!take_word(rest, words.emplace_back())) {
            return bad(text, " has a quote that is not closed");
        }
    }
    if (words.empty() || !words.front().starts_with('/')) {
        return bad(text, " must name a program by its absolute path, as in " + example);
    }
    return words;
}

}  // namespace

Parsed<Words> parse_command(std::string_view text) {
    auto words = split(text, R"("/usr/local/bin/keys-of %u %f")");
    if (!words || words->empty()) {
        return words;
    }
    for (std::size_t index = 1; index < words->size(); ++index) {
        if (const auto fault = token_fault((*words)[index]); !fault.empty()) {
            return bad(text, " " + fault);
        }
    }
    if (words->size() == 1) {
        words->emplace_back("%u");
    }
    return words;
}

Parsed<Words> parse_plain_command(std::string_view text) {
    return split(text, R"("/usr/local/bin/tell-of-tunnels")");
}

}  // namespace portreeve::conf
