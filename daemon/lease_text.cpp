#include "daemon/lease_text.h"

#include <openssl/evp.h>
#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <set>
#include <span>
#include <tuple>
#include <utility>

#include "ssh/key_blob.h"
#include "uring/socket.h"

// Debian's shared library is built with exceptions; none leaves this file.
static_assert(TOML_EXCEPTIONS);

namespace portreeve::daemon {
namespace {

constexpr std::string_view kTitle = "# portreeve leases, format ";
constexpr std::string_view kFormat = "1";
constexpr std::string_view kTable = "lease";
constexpr std::string_view kBase64Suffix = "_base64";

// toml++ destroys nested tables by recursion without a limit. They come from dots between names,
// and those of several lines add up only in inline tables, which are not ours.
constexpr std::size_t kDotsInLineMax = 2 * kLeaseOwnerBytesMax;

std::string sha256_hex(std::string_view text) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1) {
        std::abort();  // OpenSSL without SHA-256 has no SSH either
    }
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string hex;
    for (const unsigned char byte : std::span(digest).first(size)) {
        hex += kDigits[byte >> 4U];
        hex += kDigits[byte & 0xFU];
    }
    return hex;
}

std::string first_line(std::string_view body) {
    return std::string(kTitle) + std::string(kFormat) + ", sha256 " + sha256_hex(body) + "\n";
}

// What stands in the file as it is, between quotes. A brace does not, so that one in the file is an
// inline table.
bool is_plain(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) {
        return c >= ' ' && c <= '~' && c != '{' && c != '"' && c != '\\';
    });
}

bool is_id(std::string_view text) {
    constexpr std::size_t kDigits = 16;
    return text.size() == kDigits &&
           text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string why_wrong_hosts(const std::vector<std::string>& hosts) {
    if (hosts.size() > kLeaseHostsMax) {
        return "has more than " + std::to_string(kLeaseHostsMax) + " hosts";
    }
    for (const std::string& host : hosts) {
        if (!is_plain(host) || !uring::Address::parse(host, 1)) {
            return "has a host that is no literal address";
        }
    }
    return {};
}

std::string why_not_storable(const std::vector<LeaseRecord>& records) {
    if (records.size() > kLeasesMax) {
        return "more than " + std::to_string(kLeasesMax) + " leases";
    }
    std::set<std::string_view> ids;
    std::set<std::tuple<std::string_view, std::string_view, std::string_view, std::uint16_t,
                        std::string_view, std::string_view>>
        claims;
    std::size_t number = 0;
    for (const LeaseRecord& record : records) {
        const std::string which = "lease " + std::to_string(++number) + " ";
        if (std::string why = why_not_storable(record); !why.empty()) {
            return which + why;
        }
        if (!ids.insert(record.id).second) {
            return which + "has the id of one before it";
        }
        if (!claims
                 .emplace(record.owner, record.label, record.requested, record.port, record.host,
                          record.path)
                 .second) {
            return which + "has owner, label, address and port of one before it";
        }
    }
    return {};
}

// Written without toml++, whose tables take some 10 KiB a lease: whatever is quoted is plain.
void put_text(std::string& into, std::string_view key, const std::string& text) {
    const bool plain = is_plain(text);
    into.append(key).append(plain ? "" : kBase64Suffix).append(" = \"");
    into.append(plain ? text : ssh::to_base64(ssh::as_bytes(text))).append("\"\n");
}

void put_number(std::string& into, std::string_view key, std::int64_t number) {
    into.append(key).append(" = ").append(std::to_string(number)).append("\n");
}

void put_lease(std::string& into, const LeaseRecord& record) {
    into.append("\n[[").append(kTable).append("]]\n");
    put_text(into, "id", record.id);
    put_text(into, "owner", record.owner);
    put_text(into, "label", record.label);
    put_text(into, "requested", record.requested);
    put_number(into, "requested_port", record.requested_port);
    put_number(into, "port", record.port);
    std::string hosts;
    for (const std::string& host : record.hosts) {
        hosts.append(hosts.empty() ? "\"" : ", \"").append(host).append("\"");
    }
    into.append("hosts = [").append(hosts).append("]\n");
    put_text(into, "note", record.note);
    put_number(into, "held_until_s", record.held_until_s);
    for (const auto& [key, text] : {std::pair("reach", record.reach),
                                    {"share", record.share},
                                    {"allow", record.allow},
                                    {"deny", record.deny},
                                    {"host", record.host},
                                    {"path", record.path}}) {
        if (!text.empty()) {
            put_text(into, key, text);
        }
    }
}

// Takes the fields of one lease out of its table, and remembers what is wrong.
class FieldReader {
  public:
    explicit FieldReader(const toml::table& table) : table_(table) {}

    void word(std::string_view key, std::string& out) {
        if (const auto* const plain = take(key); plain != nullptr) {
            if (const auto* const text = plain->as_string(); text == nullptr) {
                wrong(key);
            } else {
                out = text->get();
            }
            return;
        }
        const std::string encoded_key = std::string(key) + std::string(kBase64Suffix);
        const toml::node* const node = take(encoded_key);
        const auto* const text = node != nullptr ? node->as_string() : nullptr;
        const auto bytes = text != nullptr ? ssh::from_base64(text->get()) : std::nullopt;
        if (!bytes) {
            wrong(key);
            return;
        }
        out = ssh::as_text(*bytes);
    }

    void word_if_there(std::string_view key, std::string& out) {
        if (table_.contains(key) ||
            table_.contains(std::string(key) + std::string(kBase64Suffix))) {
            word(key, out);
        }
    }

    template <class Number>
    void number(std::string_view key, Number& out) {
        const toml::node* const node = take(key);
        const auto* const value = node != nullptr ? node->as_integer() : nullptr;
        if (value == nullptr || !std::in_range<Number>(value->get())) {
            wrong(key);
            return;
        }
        out = static_cast<Number>(value->get());
    }

    void words(std::string_view key, std::vector<std::string>& out) {
        const toml::node* const node = take(key);
        const auto* const array = node != nullptr ? node->as_array() : nullptr;
        if (array == nullptr) {
            wrong(key);
            return;
        }
        for (const toml::node& element : *array) {
            const auto* const text = element.as_string();
            if (text == nullptr) {
                wrong(key);
                return;
            }
            out.push_back(text->get());
        }
    }

    // What is wrong, as the end of a sentence about the lease; to be asked when all is read.
    [[nodiscard]] std::string why_wrong() const {
        if (why_.empty() && taken_ != table_.size()) {
            return "has a field that is not known";
        }
        return why_;
    }

  private:
    const toml::node* take(std::string_view key) {
        const toml::node* const node = table_.get(key);
        taken_ += node != nullptr ? 1U : 0U;
        return node;
    }
    void wrong(std::string_view key) {
        if (why_.empty()) {
            why_ = "has no usable " + std::string(key);
        }
    }

    const toml::table& table_;
    std::size_t taken_ = 0;
    std::string why_;
};

tl::expected<LeaseRecord, std::string> record_of(const toml::node& node) {
    const toml::table* const table = node.as_table();
    if (table == nullptr) {
        return tl::unexpected<std::string>("is no table");
    }
    LeaseRecord record;
    FieldReader fields(*table);
    fields.word("id", record.id);
    fields.word("owner", record.owner);
    fields.word("label", record.label);
    fields.word("requested", record.requested);
    fields.number("requested_port", record.requested_port);
    fields.number("port", record.port);
    fields.words("hosts", record.hosts);
    fields.word("note", record.note);
    fields.number("held_until_s", record.held_until_s);
    fields.word_if_there("reach", record.reach);
    fields.word_if_there("share", record.share);
    fields.word_if_there("allow", record.allow);
    fields.word_if_there("deny", record.deny);
    fields.word_if_there("host", record.host);
    fields.word_if_there("path", record.path);
    if (std::string why = fields.why_wrong(); !why.empty()) {
        return tl::unexpected(std::move(why));
    }
    return record;
}

tl::expected<std::vector<LeaseRecord>, std::string> records_of(const toml::table& root) {
    std::vector<LeaseRecord> records;
    if (root.empty()) {
        return records;
    }
    const toml::array* const leases = root.get_as<toml::array>(kTable);
    if (leases == nullptr || root.size() != 1) {
        return tl::unexpected<std::string>("holds something else than leases");
    }
    if (leases->size() > kLeasesMax) {
        return tl::unexpected("holds more than " + std::to_string(kLeasesMax) + " leases");
    }
    for (const toml::node& node : *leases) {
        auto record = record_of(node);
        if (!record) {
            return tl::unexpected("lease " + std::to_string(records.size() + 1) + " in it " +
                                  record.error());
        }
        records.push_back(std::move(*record));
    }
    if (const std::string why = why_not_storable(records); !why.empty()) {
        return tl::unexpected("holds what no file of leases may: " + why);
    }
    return records;
}

bool may_nest(std::string_view body) {
    if (body.find('{') != std::string_view::npos) {
        return true;
    }
    std::size_t dots = 0;
    for (const char c : body) {
        dots = c == '\n' ? 0 : dots + (c == '.' ? 1U : 0U);
        if (dots > kDotsInLineMax) {
            return true;
        }
    }
    return false;
}

// The text behind the first line, once that line has been found to be right.
tl::expected<std::string_view, std::string> body_of(std::string_view text) {
    if (text.size() > kLeaseTextBytesMax) {
        return tl::unexpected("is longer than " + std::to_string(kLeaseTextBytesMax) + " bytes");
    }
    if (!text.starts_with(kTitle)) {
        return tl::unexpected<std::string>("does not begin as a file of leases does");
    }
    const std::string_view named = text.substr(kTitle.size());
    if (named.substr(0, named.find(',')) != kFormat) {
        return tl::unexpected("is not of format " + std::string(kFormat) +
                              ", the one that this version reads");
    }
    const std::size_t end = text.find('\n');
    const std::string_view body = end == std::string_view::npos ? "" : text.substr(end + 1);
    if (text.substr(0, text.size() - body.size()) != first_line(body)) {
        return tl::unexpected<std::string>("is damaged: its checksum does not fit");
    }
    return body;
}

}  // namespace

std::string why_not_storable(const LeaseRecord& record) {
    if (!is_id(record.id)) {
        return "has an id that is not 16 lower-case hex digits";
    }
    if (record.owner.empty()) {
        return "has no owner";
    }
    struct Word {
        const char* name;
        const std::string& text;
        std::size_t bytes_max;
    };
    for (const Word& word :
         {Word{"an owner", record.owner, kLeaseOwnerBytesMax},
          Word{"a label", record.label, kLeaseWordBytesMax},
          Word{"an address asked for", record.requested, kLeaseRequestedBytesMax},
          Word{"a note", record.note, kLeaseWordBytesMax},
          Word{"a reach", record.reach, kLeaseAudienceBytesMax},
          Word{"a share", record.share, kLeaseAudienceBytesMax},
          Word{"an allow", record.allow, kLeaseNetworksBytesMax},
          Word{"a deny", record.deny, kLeaseNetworksBytesMax},
          Word{"a host", record.host, kLeaseHostBytesMax},
          Word{"a path", record.path, kLeasePathBytesMax}}) {
        if (word.text.size() > word.bytes_max) {
            return std::string("has ") + word.name + " of more than " +
                   std::to_string(word.bytes_max) + " bytes";
        }
    }
    if (record.port == 0) {
        return "has port 0";
    }
    if (record.held_until_s < 0) {
        return "is held until a time before 1970";
    }
    if (record.host.empty() ? !record.path.empty() : !record.hosts.empty()) {
        return "is of http and of something else";
    }
    return why_wrong_hosts(record.hosts);
}

tl::expected<std::string, std::string> format_leases(const std::vector<LeaseRecord>& records) {
    if (const std::string why = why_not_storable(records); !why.empty()) {
        return tl::unexpected("these leases cannot be kept: " + why);
    }
    constexpr std::size_t kUsualLeaseBytes = 400;
    std::string body;
    body.reserve(records.size() * kUsualLeaseBytes);
    for (const LeaseRecord& record : records) {
        put_lease(body, record);
    }
    return body.insert(0, first_line(body));
}

std::string sealed_leases(std::string_view body) {
    return first_line(body) + std::string(body);
}

tl::expected<std::vector<LeaseRecord>, std::string> parse_leases(std::string_view text) {
    const auto body = body_of(text);
    if (!body) {
        return tl::unexpected(body.error());
    }
    if (may_nest(*body)) {
        return tl::unexpected<std::string>("holds tables in tables, which are no leases");
    }
    try {
        return records_of(toml::parse(*body));
    } catch (const toml::parse_error& error) {
        return tl::unexpected("is not TOML: line " + std::to_string(error.source().begin.line + 1) +
                              ": " + std::string(error.description()));
    }
}

}  // namespace portreeve::daemon
