#include "daemon/exposition.h"

#include <array>
#include <charconv>

namespace portreeve::daemon {
namespace {

// As short as it can be and still be read as the same number.
std::string text_of(double value) {
    std::array<char, 32> digits{};
    const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), value);
    return {digits.data(), end};
}

std::string scaled(std::uint64_t value, std::uint64_t scale) {
    return scale == 1 ? std::to_string(value)
                      : text_of(static_cast<double>(value) / static_cast<double>(scale));
}

void append_escaped(std::string& text, std::string_view value, bool quotes_too) {
    for (const char c : value) {
        if (c == '\n') {
            text += "\\n";
        } else if (c == '\\' || (quotes_too && c == '"')) {
            text += '\\';
            text += c;
        } else {
            text += c;
        }
    }
}

}  // namespace

void Exposition::family(std::string_view name, std::string_view type, std::string_view help) {
    name_ = name;
    text_.append("# HELP ").append(name).append(" ");
    append_escaped(text_, help, false);
    text_.append("\n# TYPE ").append(name).append(" ").append(type).append("\n");
}

void Exposition::sample(std::string_view suffix, Labels labels, Label more,
                        std::string_view value) {
    text_.append(name_).append(suffix);
    char before = '{';
    const auto append = [&](const Label& label) {
        text_ += before;
        text_.append(label.name).append("=\"");
        append_escaped(text_, label.value, true);
        text_ += '"';
        before = ',';
    };
    for (const Label& label : labels) {
        append(label);
    }
    if (!more.name.empty()) {
        append(more);
    }
    text_ += before == ',' ? "} " : " ";
    text_.append(value).append("\n");
}

void Exposition::whole(Labels labels, std::uint64_t value) {
    sample("", labels, {}, std::to_string(value));
}

void Exposition::real(Labels labels, double value) {
    sample("", labels, {}, text_of(value));
}

void Exposition::ranges(Labels labels, std::span<const std::uint64_t> bounds,
                        std::span<const std::uint64_t> counts, std::uint64_t sum,
                        std::uint64_t scale) {
    std::uint64_t up_to = 0;
    for (std::size_t range = 0; range < counts.size(); ++range) {
        up_to += counts[range];
        const std::string bound = range < bounds.size() ? scaled(bounds[range], scale) : "+Inf";
        sample("_bucket", labels, {"le", bound}, std::to_string(up_to));
    }
    sample("_sum", labels, {}, scaled(sum, scale));
    sample("_count", labels, {}, std::to_string(up_to));
}

}  // namespace portreeve::daemon
