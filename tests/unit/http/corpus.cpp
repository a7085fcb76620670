#include "tests/unit/http/corpus.h"

#include <gtest/gtest.h>

#include <charconv>
#include <fstream>

namespace portreeve::http::test {
namespace {

std::size_t number(std::string_view digits, int base) {
    std::size_t value = 0;
    const auto [stop, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
    EXPECT_TRUE(error == std::errc{} && stop == digits.data() + digits.size()) << digits;
    return value;
}

std::string repeated(std::size_t count, const std::string& text) {
    std::string made;
    made.reserve(count * text.size());
    for (std::size_t i = 0; i < count; ++i) {
        made.append(text);
    }
    return made;
}

std::string unescaped(std::string_view text);

// What stands behind a backslash, which it takes off `text`.
std::string take_escape(std::string_view& text) {
    const char kind = text.empty() ? '?' : text.front();
    text.remove_prefix(text.empty() ? 0 : 1);
    switch (kind) {
        case 'r':
            return "\r";
        case 'n':
            return "\n";
        case 't':
            return "\t";
        case 's':
            return " ";
        case '\\':
            return "\\";
        case 'x': {
            const auto byte = static_cast<char>(number(text.substr(0, 2), 16));
            text.remove_prefix(2);
            return {byte};
        }
        case '{': {
            const auto colon = text.find(':');
            const auto end = text.find('}');
            const auto what = unescaped(text.substr(colon + 1, end - colon - 1));
            const auto count = number(text.substr(0, colon), 10);
            text.remove_prefix(end + 1);
            return repeated(count, what);
        }
        default:
            ADD_FAILURE() << "there is no escape \\" << kind;
            return {};
    }
}

std::string unescaped(std::string_view text) {
    std::string made;
    while (!text.empty()) {
        const char c = text.front();
        text.remove_prefix(1);
        made += c == '\\' ? take_escape(text) : std::string(1, c);
    }
    return made;
}

std::vector<std::string> words(const std::string& text) {
    std::istringstream stream(text);
    std::vector<std::string> made;
    for (std::string word; stream >> word;) {
        made.push_back(word);
    }
    return made;
}

}  // namespace

std::vector<Case> read_corpus() {
    std::ifstream file(PORTREEVE_SOURCE_DIR "/tests/unit/http/corpus.txt");
    EXPECT_TRUE(file) << "tests/unit/http/corpus.txt cannot be read";
    std::vector<Case> cases;
    for (std::string line; std::getline(file, line);) {
        const auto rest = [&line](std::size_t from) { return line.substr(from); };
        if (line.empty() || line.starts_with("#")) {
            continue;
        }
        if (line.starts_with("== ")) {
            cases.emplace_back().name = rest(3);
        } else if (line.starts_with("RFC ")) {
            cases.back().section = line;
        } else if (line.starts_with("to ")) {
            cases.back().is_response = true;
            cases.back().methods = words(rest(3));
        } else if (line.starts_with(">> ")) {
            cases.back().sent += unescaped(rest(3));
        } else if (line.starts_with(">")) {
            cases.back().sent += unescaped(line.size() > 2 ? rest(2) : "") + "\r\n";
        } else if (line.starts_with("= ")) {
            cases.back().expected.push_back(unescaped(rest(2)));
        } else {
            ADD_FAILURE() << "corpus.txt: no such line: " << line;
        }
    }
    return cases;
}

}  // namespace portreeve::http::test
