// From TOML nodes to typed values. A Reader holds the parsed file; its sections give Values by
// name; a Value checks its node's type, hands the text to the parser in values.h, checks bounds,
// and reports what is wrong at the node's place in the file. A value that is absent or wrong leaves
// its target as it was, so that reading goes on and one run reports every mistake. Asking for a
// section or a value is also what makes its name known: whatever nobody asked for is an unknown
// key.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <toml++/toml.h>

#include "conf/config.h"
#include "conf/values.h"

namespace portreeve::conf {

inline constexpr std::size_t kListMax = 1000;  // elements of one list

class Section;

class Reader {
  public:
    struct KeyName {
        std::string_view section;
        std::string_view key;
    };

    // `root` must outlive the reader.
    Reader(const toml::table& root, std::string_view file) : root_(root), file_(file) {}
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;

    // Names given to section() and its operator[] must be literals: they are kept as known. A
    // table in a table is "log.levels", and read after the one it is in.
    [[nodiscard]] Section section(std::string_view name);
    [[nodiscard]] const std::vector<KeyName>& known() const { return known_; }

    void report(const toml::source_position& at, std::string sentence);

    // To be called when all that is known has been read: adds the unknown keys and gives every
    // error in the order of the file, the first kConfigErrorsMax of them.
    [[nodiscard]] ConfigErrors finish();

  private:
    friend class Section;

    void report_unknown();
    [[nodiscard]] std::string unknown_table_sentence(std::string_view name) const;
    [[nodiscard]] std::string unknown_key_sentence(std::string_view section,
                                                   std::string_view name) const;
    // Where else `key` is known, or else `otherwise`.
    [[nodiscard]] std::string elsewhere_or(std::string_view key,
                                           const std::string& otherwise) const;
    // … and the tables in it.
    [[nodiscard]] std::vector<std::string_view> keys_of(std::string_view section) const;

    const toml::table& root_;
    std::string file_;
    std::vector<std::string_view> sections_;
    std::vector<KeyName> known_;
    ConfigErrors errors_;
};

// How many elements a list needs.
struct AtLeast {
    std::size_t elements;
};

// One key ("ssh.keepalive") and its value in the file, if it is there.
class Value {
  public:
    Value(std::string name, const toml::node* node, Reader& reader)
        : name_(std::move(name)), node_(node), reader_(reader) {}

    [[nodiscard]] bool given() const { return node_ != nullptr; }
    // It is what it should be, but not beside another value.
    void refuse(const std::string& rest) const { wrong(*node_, rest); }

    void boolean(bool& out) const;
    void integer(std::uint32_t& out, std::uint32_t least, std::uint32_t most) const;

    // `least` and `most` are durations as the file would write them.
    void duration(Milliseconds& out, std::string_view least, std::string_view most) const;

    template <class T>
    void one(T& out, const Form<T>& form) const {
        if (node_ != nullptr) {
            (void)read_text(*node_, name_, form, out);
        }
    }

    // One, or "" for none.
    template <class T>
    void one_or_none(std::vector<T>& out, const Form<T>& form) const;

    // No element may stand twice.
    template <class T>
    void list(std::vector<T>& out, const Form<T>& form, AtLeast least) const;

  private:
    // The array behind a list, or nullptr, reported, if it is not one or not of the right size.
    [[nodiscard]] const toml::array* sized_array(std::string_view what, std::string_view example,
                                                 AtLeast least) const;

    // Reads `node`, which is this value or an element of it; `subject` names it in a type error.
    template <class T>
    [[nodiscard]] bool read_text(const toml::node& node, const std::string& subject,
                                 const Form<T>& form, T& out) const;

    [[nodiscard]] static std::string described(std::string_view what, std::string_view example);
    void wrong_type(const toml::node& node, const std::string& subject,
                    const std::string& right) const;
    void wrong(const toml::node& node, const std::string& rest) const;

    std::string name_;
    const toml::node* node_;
    Reader& reader_;
};

// One table of the file, or its absence.
class Section {
  public:
    Section(std::string_view name, const toml::table* table, Reader& reader)
        : name_(name), table_(table), reader_(reader) {}

    [[nodiscard]] Value operator[](std::string_view key) const;
    // The keys that the file gives it, for a table whose keys are the user's own names.
    [[nodiscard]] std::vector<std::string_view> keys() const;

  private:
    std::string_view name_;
    const toml::table* table_;
    Reader& reader_;
};

template <class T>
bool Value::read_text(const toml::node& node, const std::string& subject, const Form<T>& form,
                      T& out) const {
    const auto* const text = node.as_string();
    if (text == nullptr) {
        wrong_type(node, subject, described(form.what, form.example));
        return false;
    }
    auto parsed = form.parse(text->get());
    if (!parsed) {
        wrong(node, ": " + parsed.error());
        return false;
    }
    out = std::move(*parsed);
    return true;
}

template <class T>
void Value::one_or_none(std::vector<T>& out, const Form<T>& form) const {
    if (node_ == nullptr) {
        return;
    }
    T element{};
    if (const auto* const text = node_->as_string(); text != nullptr && text->get().empty()) {
        out.clear();
    } else if (read_text(*node_, name_, form, element)) {
        out = {std::move(element)};
    }
}

template <class T>
void Value::list(std::vector<T>& out, const Form<T>& form, AtLeast least) const {
    const auto* const array = sized_array(form.what, form.example, least);
    if (array == nullptr) {
        return;
    }
    std::vector<T> elements;
    for (const toml::node& node : *array) {
        T element{};
        if (!read_text(node, "an element of " + name_, form, element)) {
            continue;
        }
        if (std::find(elements.begin(), elements.end(), element) != elements.end()) {
            wrong(node, " holds " + in_quotes(node.ref<std::string>()) + " twice: remove one");
        }
        elements.push_back(std::move(element));
    }
    out = std::move(elements);
}

}  // namespace portreeve::conf
