// Feeds AuthorizedKeys any text, and checks what must hold whatever the text is: each line grants
// at most one key, a line that is complained of grants none, and a key that is granted stands on
// its line plainly, without options before it.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string>
#include <string_view>
#include <unordered_set>

#include "ssh/authorized_keys.h"

namespace {

using portreeve::ssh::AuthorizedKeys;
using portreeve::ssh::PublicKey;

void check(bool holds, const char* what) {
    if (!holds) {
        (void)std::fprintf(stderr, "authorized_keys_fuzz: %s\n", what);
        std::abort();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    AuthorizedKeys keys;
    keys.add_text(text, "fuzz");

    std::unordered_set<std::uint32_t> refused;
    std::uint32_t before = 0;
    for (const auto& complaint : keys.complaints()) {
        check(complaint.line > before, "complaints are out of order, or two are of one line");
        check(!complaint.sentence.empty(), "a complaint says nothing");
        before = complaint.line;
        refused.insert(complaint.line);
    }

    std::istringstream lines(text);
    std::string line;
    std::uint32_t number = 0;
    std::size_t granting = 0;
    while (std::getline(lines, line)) {
        ++number;
        // Independent of the parser under test: the line's first two words alone may grant.
        std::istringstream words(line);
        std::string type;
        std::string base64;
        words >> type >> base64;
        const auto key = PublicKey::parse(type, base64);
        const AuthorizedKeys::Entry* entry = key ? keys.find(*key) : nullptr;
        if (entry != nullptr && entry->line == number) {
            ++granting;
            check(!refused.contains(number), "a refused line grants a key");
        }
    }
    check(before <= number, "a complaint is of no line");
    check(granting == keys.size(), "a key was granted by something else than a plain line");
    return 0;
}
