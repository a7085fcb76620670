// Text to Config: what must hold for the text as a whole, the TOML parser, and then keys.cpp.

#include <toml++/toml.h>

#include <algorithm>
#include <cstddef>
#include <string>

#include "conf/config.h"
#include "conf/keys.h"
#include "conf/reader.h"
#include "conf/values.h"

// Debian's shared library is built with exceptions; none leaves this file.
static_assert(TOML_EXCEPTIONS);

namespace portreeve::conf {

namespace {

// Each dot between two names ("a.b.c = 1") makes a table inside a table, and toml++ destroys tables
// by recursion without a limit: a megabyte of dots overflows the stack. No dots, no depth, so the
// dots of the whole text are bounded, those in strings and comments included (but not runs of dots,
// which cannot stand between names), far above what a real file has.
constexpr std::size_t kDotsMax = 5000;

tl::unexpected<ConfigErrors> only(std::string_view file, std::string sentence) {
    return tl::unexpected(ConfigErrors{{std::string(file), 0, 0, std::move(sentence)}});
}

bool too_many_dots(std::string_view toml) {
    std::size_t dots = 0;
    char before = ' ';
    for (std::size_t i = 0; i < toml.size(); ++i) {
        const char after = i + 1 < toml.size() ? toml[i + 1] : ' ';
        if (toml[i] == '.' && before != '.' && after != '.') {
            ++dots;
        }
        before = toml[i];
    }
    return dots > kDotsMax;
}

// toml++ says "Error while parsing boolean: expected ..., saw ...": its words, our shape.
std::string syntax_sentence(std::string_view description) {
    constexpr std::string_view kPreamble = "Error while parsing ";
    if (!description.starts_with(kPreamble)) {
        return "not TOML: " + printable(description);
    }
    description.remove_prefix(kPreamble.size());
    // What is not a string, a table or a key is most often a text that lacks its quotes: 15s,
    // [::]:22.
    const auto colon = description.find(':');
    const auto construct = description.substr(0, colon);
    constexpr auto kQuotable =
        std::to_array<std::string_view>({"value", "boolean", "decimal integer", "octal integer",
                                         "floating-point", "date", "time", "date-time"});
    const bool may_lack_quotes =
        std::find(kQuotable.begin(), kQuotable.end(), construct) != kQuotable.end();
    return "not TOML: in this " + printable(description) +
           (may_lack_quotes ? "; is this a text without its quotes?" : "");
}

}  // namespace

tl::expected<Config, ConfigErrors> parse(std::string_view toml, std::string_view file) {
    if (toml.size() > kConfigBytesMax) {
        return only(file, "is longer than " + std::to_string(kConfigBytesMax) +
                              " bytes, the most that a configuration may be");
    }
    if (too_many_dots(toml)) {
        return only(file, "holds more than " + std::to_string(kDotsMax) +
                              " dots, each of which may nest a table: that is too deep");
    }
    try {
        const toml::table root = toml::parse(toml);
        Config config;
        Reader reader(root, file);
        read_keys(reader, config);
        auto errors = reader.finish();
        if (!errors.empty()) {
            return tl::unexpected(std::move(errors));
        }
        return config;
    } catch (const toml::parse_error& error) {
        const auto at = error.source().begin;
        return tl::unexpected(ConfigErrors{
            {std::string(file), at.line, at.column, syntax_sentence(error.description())}});
    }
}

}  // namespace portreeve::conf
