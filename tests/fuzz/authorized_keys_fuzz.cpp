// Feeds AuthorizedKeys any text, and checks what must hold whatever the text is: each line grants
// to at most one key, a line that is complained of grants to none, a key that is granted stands on
// its line, and nothing that the line says about forwarding is lost on the way.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "ssh/authorized_keys.h"
#include "ssh/patterns.h"

namespace {

using portreeve::ssh::AuthorizedKeys;
using portreeve::ssh::KeyOptions;
using portreeve::ssh::PublicKey;

void check(bool holds, const char* what) {
    if (!holds) {
        (void)std::fprintf(stderr, "authorized_keys_fuzz: %s\n", what);
        std::abort();
    }
}

// What no line may be read as, whatever it says.
void check_options(const KeyOptions& options) {
    check(options.principals.empty() || options.cert_authority, "a plain key has principals");
    check(options.permit_listen.size() <= KeyOptions::kPermitsMax, "permits are not bounded");
    check(options.from.empty() ||
              !portreeve::ssh::why_bad_address_list(options.from, /*only_cidr=*/false),
          "a bad from= was let through");
    (void)portreeve::ssh::address_in_list(options.from, "192.0.2.1");
    for (const auto& permit : options.permit_listen) {
        check(permit.any_port || permit.port_first <= permit.port_last, "a range ends early");
        check(permit.port_last <= 65535, "a port is too large");
        check(!permit.matches("name", permit.port_first, /*is_name=*/true) || !permit.any_address,
              "a bare port permits a name");
        check(!permit.names_port(permit.port_last) || !permit.any_port, "a star names a port");
        check(permit.any_address || permit.any_port ||
                  !permit.matches(permit.host, permit.port_last + 1, /*is_name=*/false),
              "a port beyond the last is permitted");
    }
    for (const auto& permit : options.permit_open) {
        check(!permit.host.empty(), "a permitopen has no host");
        check(permit.any_port != (permit.port != 0), "a permitopen has no port, or two");
    }
}

// The text's lines, as any reader would cut them.
std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        lines.push_back(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return lines;
}

// The keys that a line may grant to: any two words in it that are the type and base64 of one.
std::vector<PublicKey> keys_in(std::string_view line) {
    std::vector<PublicKey> keys;
    std::string before;
    while (!line.empty()) {
        const std::size_t end = line.find_first_of(" \t\r");
        const std::string word(line.substr(0, end));
        line.remove_prefix(end == std::string_view::npos ? line.size() : end + 1);
        if (word.empty()) {
            continue;
        }
        if (auto key = PublicKey::parse(before, word)) {
            keys.push_back(std::move(*key));
        }
        before = word;
    }
    return keys;
}

// How many lines' entries `found` holds for line `number`.
std::size_t entries_of(std::span<const AuthorizedKeys::Entry> found, std::uint32_t number,
                       bool authority) {
    std::size_t count = 0;
    for (const auto& entry : found) {
        check(entry.options.cert_authority == authority, "an authority is where plain keys are");
        check_options(entry.options);
        count += entry.line == number ? 1 : 0;
    }
    return count;
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
        check(complaint.sentence.size() < 600, "a complaint has no bound");
        before = complaint.line;
        refused.insert(complaint.line);
    }

    const auto lines = lines_of(text);
    check(before <= lines.size(), "a complaint is of no line");
    std::unordered_set<std::string> granted;
    std::unordered_set<std::string> authorities;
    for (std::uint32_t number = 1; number <= lines.size(); ++number) {
        std::unordered_set<std::string> here;
        std::size_t grants = 0;
        for (const PublicKey& key : keys_in(lines[number - 1])) {
            if (!here.insert(key.base64).second) {
                continue;
            }
            const std::size_t plain = entries_of(keys.find(key), number, false);
            const std::size_t signing = entries_of(keys.find_authority(key), number, true);
            grants += plain + signing;
            if (plain != 0) {
                granted.insert(key.base64);
            }
            if (signing != 0) {
                authorities.insert(key.base64);
            }
        }
        check(grants <= 1, "a line grants to two keys");
        check(grants == 0 || !refused.contains(number), "a refused line grants");
    }
    check(granted.size() == keys.size(), "a key was granted by no line of the text");
    check(authorities.size() == keys.authorities(), "an authority was made by no line of the text");
    return 0;
}
