#include "conf/reader.h"

#include <tuple>

#include "conf/nearest.h"

namespace portreeve::conf {

namespace {

std::string_view type_name(toml::node_type type) {
    switch (type) {
        case toml::node_type::table:
            return "a table";
        case toml::node_type::array:
            return "a list";
        case toml::node_type::string:
            return "a string";
        case toml::node_type::integer:
            return "an integer";
        case toml::node_type::floating_point:
            return "a floating-point number";
        case toml::node_type::boolean:
            return "a boolean";
        case toml::node_type::date:
            return "a date";
        case toml::node_type::time:
            return "a time of day";
        case toml::node_type::date_time:
            return "a date and time";
        case toml::node_type::none:
            break;
    }
    return "nothing";
}

bool contains(const std::vector<std::string_view>& words, std::string_view word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

std::string bracketed(std::string_view section) {
    return '[' + std::string(section) + ']';
}

std::string joined(const std::vector<std::string_view>& words) {
    std::string text;
    for (const auto word : words) {
        text += text.empty() ? "" : ", ";
        text += word;
    }
    return text;
}

std::string joined_sections(const std::vector<std::string_view>& names) {
    std::string text;
    for (const auto name : names) {
        text += text.empty() ? "" : ", ";
        text += bracketed(name);
    }
    return text;
}

}  // namespace

// ---- Reader and Section ----

Section Reader::section(std::string_view name) {
    sections_.push_back(name);
    const toml::node* const node = root_.at_path(name).node();
    if (node != nullptr && !node->is_table()) {
        report(node->source().begin, printable(name) + " must be one table, written " +
                                         bracketed(name) + " with its keys below, not " +
                                         std::string(type_name(node->type())));
    }
    return {name, node == nullptr ? nullptr : node->as_table(), *this};
}

Value Section::operator[](std::string_view key) const {
    reader_.known_.push_back({name_, key});
    return {std::string(name_) + '.' + std::string(key),
            table_ == nullptr ? nullptr : table_->get(key), reader_};
}

std::vector<std::string_view> Section::keys() const {
    std::vector<std::string_view> names;
    if (table_ != nullptr) {
        for (const auto& [key, node] : *table_) {
            names.push_back(key.str());
        }
    }
    return names;
}

void Reader::report(const toml::source_position& at, std::string sentence) {
    errors_.push_back({file_, at.line, at.column, std::move(sentence)});
}

ConfigErrors Reader::finish() {
    report_unknown();
    std::stable_sort(errors_.begin(), errors_.end(), [](auto& a, auto& b) {
        return std::tie(a.line, a.column) < std::tie(b.line, b.column);
    });
    if (errors_.size() > kConfigErrorsMax) {
        errors_.resize(kConfigErrorsMax);
    }
    return std::move(errors_);
}

std::vector<std::string_view> Reader::keys_of(std::string_view section) const {
    std::vector<std::string_view> keys;
    for (const auto& known : known_) {
        if (known.section == section) {
            keys.push_back(known.key);
        }
    }
    for (const auto inner : sections_) {
        if (const auto dot = inner.find('.');
            inner.substr(0, dot) == section && dot != inner.npos) {
            keys.push_back(inner.substr(dot + 1));
        }
    }
    return keys;
}

// Suggestions cost time, so they are made only for the keys whose error will be shown.
void Reader::report_unknown() {
    struct Unknown {
        toml::source_position at{};
        std::string_view section;  // empty: the key is at the top
        std::string_view key;
    };
    std::vector<Unknown> unknown;
    for (const auto& [name, node] : root_) {
        // A dot in the name itself, ["log.levels"], is no table in a table.
        if (!contains(sections_, name.str()) || name.str().find('.') != std::string_view::npos) {
            unknown.push_back({name.source().begin, {}, name.str()});
        }
    }
    for (const auto section : sections_) {
        const auto known = keys_of(section);
        if (const auto* const table = root_.at_path(section).as_table()) {
            for (const auto& [key, value] : *table) {
                if (!contains(known, key.str())) {
                    unknown.push_back({key.source().begin, section, key.str()});
                }
            }
        }
    }
    std::sort(unknown.begin(), unknown.end(), [](auto& a, auto& b) { return a.at < b.at; });
    unknown.resize(std::min(unknown.size(), kConfigErrorsMax));
    for (const auto& [at, section, key] : unknown) {
        report(at,
               section.empty() ? unknown_table_sentence(key) : unknown_key_sentence(section, key));
    }
}

std::string Reader::unknown_table_sentence(std::string_view name) const {
    const auto* const node = root_.get(name);
    if (!node->is_table() && !node->is_array_of_tables()) {
        return "unknown key " + in_quotes(name) + " outside of any table" +
               elsewhere_or(name, "the tables are " + joined_sections(sections_));
    }
    if (contains(sections_, name)) {
        return "unknown table " + in_quotes(name) + "; write it without the quotes";
    }
    const auto meant = nearest(name, sections_);
    return "unknown table " + bracketed(printable(name)) +
           (meant.empty() ? "; the tables are " + joined_sections(sections_)
                          : "; did you mean " + bracketed(meant) + "?");
}

std::string Reader::unknown_key_sentence(std::string_view section, std::string_view name) const {
    const auto here = keys_of(section);
    const auto meant = nearest(name, here);
    return "unknown key " + in_quotes(name) + " in " + bracketed(section) +
           (meant.empty() ? elsewhere_or(name, "the keys there are " + joined(here))
                          : "; did you mean " + in_quotes(meant) + "?");
}

std::string Reader::elsewhere_or(std::string_view key, const std::string& otherwise) const {
    std::vector<std::string_view> homes;
    for (const auto& known : known_) {
        if (known.key == key) {
            homes.push_back(known.section);
        }
    }
    return homes.empty() ? "; " + otherwise : "; there is such a key in " + joined_sections(homes);
}

// ---- Value ----

void Value::wrong(const toml::node& node, const std::string& rest) const {
    reader_.report(node.source().begin, name_ + rest);
}

std::string Value::described(std::string_view what, std::string_view example) {
    return std::string(what) + (example.empty() ? "" : " such as " + std::string(example));
}

void Value::wrong_type(const toml::node& node, const std::string& subject,
                       const std::string& right) const {
    reader_.report(node.source().begin,
                   subject + " must be " + right + ", not " + std::string(type_name(node.type())));
}

void Value::boolean(bool& out) const {
    if (node_ == nullptr) {
        return;
    }
    if (const auto* const value = node_->as_boolean()) {
        out = value->get();
    } else {
        wrong_type(*node_, name_, "true or false");
    }
}

void Value::integer(std::uint32_t& out, std::uint32_t least, std::uint32_t most) const {
    if (node_ == nullptr) {
        return;
    }
    const auto* const value = node_->as_integer();
    if (value == nullptr) {
        wrong_type(*node_, name_, "a whole number such as " + std::to_string(out));
        return;
    }
    const std::int64_t number = value->get();
    if (number < least || number > most) {
        wrong(*node_, " must be from " + std::to_string(least) + " to " + std::to_string(most) +
                          ", not " + std::to_string(number));
        return;
    }
    out = static_cast<std::uint32_t>(number);
}

void Value::duration(Milliseconds& out, std::string_view least, std::string_view most) const {
    Milliseconds read{};
    if (node_ == nullptr || !read_text(*node_, name_, kDuration, read)) {
        return;
    }
    if (read < parse_duration(least).value() || read > parse_duration(most).value()) {
        wrong(*node_, " must be from " + in_quotes(least) + " to " + in_quotes(most) + ", not " +
                          in_quotes(node_->ref<std::string>()));
        return;
    }
    out = read;
}

const toml::array* Value::sized_array(std::string_view what, std::string_view example,
                                      AtLeast least) const {
    const std::string right = '[' + std::string(example) + ']';
    if (node_ == nullptr) {
        return nullptr;
    }
    const auto* const array = node_->as_array();
    if (array == nullptr) {
        wrong_type(*node_, name_, "a list such as " + right);
        return nullptr;
    }
    if (array->size() < least.elements) {
        wrong(*node_, " must hold " + std::string(what) + ", as in " + right);
        return nullptr;
    }
    if (array->size() > kListMax) {
        wrong(*node_, " must hold at most " + std::to_string(kListMax) + " elements, not " +
                          std::to_string(array->size()));
        return nullptr;
    }
    return array;
}

}  // namespace portreeve::conf
