// Who may reach a private name, as a key's option and the words of a session say it:
// "SHA256:…,ops,any". What a group's name stands for is the configuration's business.
//
// Owns: values only. Called by: key_options, daemon/. Bounds: kMembersMax.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

namespace portreeve::ssh {

struct Audience {
    static constexpr std::size_t kMembersMax = 64;

    bool anyone = false;               // every key that may log in
    std::vector<std::string> members;  // "SHA256:…", or the name of a group

    // The error says what is wrong with `text`, and how it is written.
    static tl::expected<Audience, std::string> parse(std::string_view text);

    // Both together.
    void add(const Audience& more);
    // As parse() takes it.
    [[nodiscard]] std::string text() const;
    bool operator==(const Audience&) const = default;
};

}  // namespace portreeve::ssh
