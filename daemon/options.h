// The options of a command line: `--name`, and `--name VALUE` or `--name=VALUE`.
//
// Owns: nothing. Called by: the command lines of portreeved and portreevectl. Bounds: none needed.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace portreeve::daemon {

template <class Arguments>
struct Flag {
    std::string_view name;
    bool Arguments::*value;
};

template <class Arguments>
struct Valued {
    std::string_view name;
    std::string_view what;
    std::string Arguments::*value;
    bool explains = false;  // it is part of the question of explain
};

// Takes the option at `index`, and moves on to its value if that is the next word. False: there is
// no such option. The error is a sentence.
template <class Arguments, std::size_t kFlagCount, std::size_t kValuedCount>
tl::expected<bool, std::string> take_option(
    Arguments& parsed, const std::array<Flag<Arguments>, kFlagCount>& flags,
    const std::array<Valued<Arguments>, kValuedCount>& valued, int argc, const char* const* argv,
    int& index) {
    const std::string_view word = argv[index];
    const auto flag =
        std::find_if(flags.begin(), flags.end(), [&](const auto& one) { return one.name == word; });
    if (flag != flags.end()) {
        parsed.*(flag->value) = true;
        return true;
    }
    const std::size_t equals = std::min(word.find('='), word.size());
    const auto option = std::find_if(valued.begin(), valued.end(), [&](const auto& one) {
        return one.name == word.substr(0, equals);
    });
    if (option == valued.end()) {
        return false;
    }
    std::string_view value = word.substr(std::min(equals + 1, word.size()));
    if (equals == word.size() && index + 1 < argc) {
        value = argv[++index];
    }
    if (value.empty()) {
        return tl::unexpected(std::string(option->name) + " needs " + std::string(option->what));
    }
    parsed.*(option->value) = value;
    return true;
}

// An option that is part of the question of explain, and was given without that; empty: none was.
template <class Arguments, std::size_t kValuedCount>
std::string_view stray_option(const Arguments& parsed,
                              const std::array<Valued<Arguments>, kValuedCount>& valued,
                              bool explains) {
    const auto stray = std::find_if(valued.begin(), valued.end(), [&](const auto& one) {
        return one.explains && !explains && !(parsed.*(one.value)).empty();
    });
    return stray == valued.end() ? std::string_view() : stray->name;
}

}  // namespace portreeve::daemon
