#include "ssh/audience.h"

#include <algorithm>

#include "ssh/text.h"

namespace portreeve::ssh {
namespace {

constexpr std::string_view kKey = "SHA256:";

bool is_one_of(std::string_view text, std::string_view beyond_letters) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
        return is_letter_or_digit(c) || beyond_letters.find(c) != std::string_view::npos;
    });
}

bool is_key(std::string_view word) {
    constexpr std::size_t kDigestLetters = 43;  // of 32 bytes in base64, without the padding
    return word.starts_with(kKey) && word.size() == kKey.size() + kDigestLetters &&
           is_one_of(word.substr(kKey.size()), "+/");
}

}  // namespace

tl::expected<Audience, std::string> Audience::parse(std::string_view text) {
    Audience made;
    for (std::size_t at = 0; at <= text.size();) {
        const std::size_t comma = std::min(text.find(',', at), text.size());
        const std::string_view word = text.substr(at, comma - at);
        at = comma + 1;
        if (word == "any") {
            made.anyone = true;
        } else if (is_key(word) || is_one_of(word, "-_")) {
            made.members.emplace_back(word);
        } else {
            return tl::unexpected(
                std::string("it is any, or keys as ssh-keygen -l shows them (SHA256:...) and names "
                            "of [groups], with commas between"));
        }
        if (made.members.size() > kMembersMax) {
            return tl::unexpected("there are more than " + std::to_string(kMembersMax) +
                                  " keys and groups in it");
        }
    }
    return made;
}

void Audience::add(const Audience& more) {
    anyone = anyone || more.anyone;
    for (const std::string& member : more.members) {
        if (std::find(members.begin(), members.end(), member) == members.end() &&
            members.size() < kMembersMax) {
            members.push_back(member);
        }
    }
}

std::string Audience::text() const {
    std::string words = anyone ? "any" : "";
    for (const std::string& member : members) {
        words += (words.empty() ? "" : ",") + member;
    }
    return words;
}

}  // namespace portreeve::ssh
