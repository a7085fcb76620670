#include "daemon/http/label.h"

#include <algorithm>

#include "daemon/http/host.h"
#include "daemon/http/text.h"

namespace portreeve::http {
namespace {

// Words that only sound official are left to people: "app", "dev", "blog", "test".
constexpr std::string_view kReserved =
    "abuse account accounts acme admin administrator api auth autoconfig autodiscover billing "
    "broadcasthost ca cdn cert certs console dashboard dns email ftp gate gateway gw help "
    "host hostmaster http https id imap info internal intranet isatap ldap local localdomain "
    "localhost login mail mailer-daemon metrics mx nic noc ns ns1 ns2 ns3 ns4 oauth password "
    "pay payment payments pop pop3 portreeve postmaster proxy register root secure security "
    "server sftp signin smtp ssh ssl ssladmin ssladministrator sslwebmaster sso status "
    "support sysadmin tls webmail webmaster wpad ";
constexpr std::string_view kWww = "www";

// No two letters of which look or sound alike: no l, o, q, x, c, y.
constexpr std::string_view kConsonants = "bdfghjkmnprstvwz";
constexpr std::string_view kVowels = "aeiu";

std::uint64_t mixed(std::uint64_t hash) {
    hash ^= hash >> 33U;
    hash *= 0xFF51AFD7ED558CCD;
    hash ^= hash >> 33U;
    hash *= 0xC4CEB9FE1A85EC53;
    return hash ^ hash >> 33U;
}

// FNV-1a. Nobody need be kept from finding two owners of one name: anyone may ask for it anyway.
std::uint64_t hashed(std::uint64_t hash, std::string_view text) {
    for (const char c : text) {
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3;
    }
    return hash;
}

}  // namespace

bool is_label(std::string_view text) {
    const bool letters = std::all_of(
        text.begin(), text.end(), [](char c) { return is_letter(c) || is_digit(c) || c == '-'; });
    if (!letters || text.empty() || text.size() > kLabelBytesMax || text.front() == '-' ||
        text.back() == '-') {
        return false;
    }
    return text.substr(std::min<std::size_t>(2, text.size()), 2) != "--" ||
           is_word(text.substr(0, 4), "xn--");
}

bool is_reserved(std::string_view label) {
    const auto rest = label.substr(std::min(kWww.size(), label.size()));
    if (is_word(label.substr(0, kWww.size()), kWww) &&
        std::all_of(rest.begin(), rest.end(), is_digit)) {
        return true;
    }
    for (std::size_t begin = 0; begin < kReserved.size();) {
        const auto end = kReserved.find(' ', begin);
        if (is_word(label, kReserved.substr(begin, end - begin))) {
            return true;
        }
        begin = end + 1;
    }
    return false;
}

std::string derived_label(std::string_view fingerprint, std::string_view owner_label,
                          std::uint32_t attempt) {
    constexpr std::size_t kSyllables = 6;
    std::uint64_t hash = hashed(0xCBF29CE484222325, fingerprint);
    hash = hashed(hash, std::string_view("\0", 1));
    hash = mixed(hashed(hash, owner_label) + attempt);
    std::string made;
    for (std::size_t syllable = 0; syllable < kSyllables; ++syllable) {
        if (syllable == kSyllables / 2) {
            made += '-';
        }
        made += kConsonants[hash & 15U];
        made += kVowels[hash >> 4U & 3U];
        hash >>= 6U;
    }
    return made;
}

}  // namespace portreeve::http
