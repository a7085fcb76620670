#include "daemon/explain.h"

#include <charconv>
#include <fstream>
#include <optional>
#include <vector>

#include "daemon/binding.h"
#include "daemon/grant.h"
#include "daemon/json_text.h"
#include "daemon/login.h"
#include "daemon/time_text.h"
#include "daemon/wish_text.h"
#include "ssh/certificate.h"
#include "uring/socket.h"

namespace portreeve::daemon {
namespace {

constexpr std::uint32_t kPortMax = 65'535;

// A line of the answer below the first.
std::string row(std::string_view what, const std::string& text) {
    return text.empty() ? "" : "  " + std::string(what) + ": " + text + "\n";
}

std::string text_of(const ssh::ForwardWish& wish) {
    return "\"" + without_credentials(wish.address) + "\" port " + std::to_string(wish.port);
}

std::optional<ssh::Certificate> certificate_of(const ssh::PublicKey& key) {
    if (!ssh::is_certificate_type(key.type)) {
        return std::nullopt;
    }
    auto parsed = ssh::Certificate::parse_base64(key.base64);
    return parsed ? std::optional(std::move(*parsed)) : std::nullopt;
}

std::string key_text(const ssh::PublicKey& key) {
    const auto certificate = certificate_of(key);
    return certificate ? certificate->name() + ", of key " + certificate->key.fingerprint
                       : key.fingerprint;
}

// What was refused as a whole: files, and the lines that hold this key. A key that seems to be
// missing is often there, on a line that cannot be honoured.
std::string rows_of_complaints(const ssh::AuthorizedKeys& keys, const ssh::PublicKey& key) {
    const auto certificate = certificate_of(key);
    const std::string& wanted = certificate ? certificate->authority.base64 : key.base64;
    std::string rows;
    std::string name;
    std::ifstream file;
    std::uint32_t number = 0;
    std::string line;
    for (const auto& complaint : keys.complaints()) {
        if (complaint.file != name) {
            name = complaint.file;
            file = std::ifstream(name);
            number = 0;
        }
        while (number < complaint.line && std::getline(file, line)) {
            ++number;
        }
        if (complaint.line == 0 ||
            (number == complaint.line && line.find(wanted) != std::string::npos)) {
            rows += row("note", complaint.text());
        }
    }
    return rows;
}

// A refusal may be for want of something that was not asked about.
std::string rows_of_hints(const Question& question, const Refusal& refusal) {
    const bool by_source =
        refusal.code == "wrong_source" || refusal.code == "certificate_wrong_source";
    if (by_source && question.address.empty()) {
        return row("note", "it depends on where the client comes from: add --from IP");
    }
    if (refusal.code == "certificate_wrong_principal" && question.user.empty()) {
        return row("note", "it may depend on the login name: add --user NAME");
    }
    return {};
}

Answer refused(const Refusal& refusal, const std::string& rows) {
    return {false, std::string(refusal.code), refusal_text(refusal) + rows, {}};
}

Answer login_refused(const Question& question, const Policy& policy, const Refusal& refusal) {
    std::string rows = rows_of_hints(question, refusal);
    if (refusal.code == "unknown_key" || refusal.code == "unknown_authority") {
        rows += rows_of_complaints(policy.authorized_keys, question.key);
    }
    if (!policy.key_command || is_final(refusal)) {
        return refused(refusal, row("key", key_text(question.key)) + rows);
    }
    return {false,
            std::string(refusal.code),
            "undecided: the files do not let the key in, but [auth] command would be asked, "
            "and its answer is not in the configuration\n" +
                row("key", key_text(question.key)) +
                row("files", std::string(refusal.code) + ": " + refusal.sentence) + rows,
            {}};
}

std::string place_text(const Wanted& wanted, const ssh::ForwardWish& wish,
                       const conf::Forward& rules) {
    std::string text;
    for (const std::string& host : wanted.hosts) {
        const auto address = uring::Address::parse(host, static_cast<std::uint16_t>(wish.port));
        text += (text.empty() ? "" : " and ") + (wish.port == 0 ? host : address->text());
    }
    if (wish.port == 0) {
        text += ", on a free port of " + std::to_string(rules.pool.first) + "-" +
                std::to_string(rules.pool.last) + " ([forward] pool)";
    }
    return text;
}

std::string rows_of_name(const Grant& grant) {
    const ssh::Audience& more = grant.options.alias_users;
    return row("listens on", "nothing: it is a private name, reached by -L, -W and -J") +
           row("may be reached by", more.anyone ? "every key that may log in"
                                    : more.members.empty()
                                        ? "this key"
                                        : "this key, " + more.text() + " (" + grant.source + ")") +
           row("may also be had by", grant.options.alias_share.text());
}

std::string rows_of_http_name(const Grant& grant, const HttpName& name, const conf::Http& http) {
    return row("serves", http_urls(http).text(name.host, name.path)) +
           row("note", name.is_derived
                           ? "the name is made from the key and the login name; while that one is "
                             "another key's, it is the next that is made so"
                           : "") +
           row("needs", needs_proof(name.host, http)
                            ? "_portreeve." + name.host + " TXT \"" + grant.owner +
                                  "\" in DNS, which is not asked here"
                            : "") +
           row("asks visitors for", name.credentials.empty() ? "" : "the user and password given") +
           row("may also be had by", grant.options.alias_share.text());
}

// "32 a session ([limits] tunnels_per_session), 5 with the key (max-tunnels)"
std::string limit_text(std::uint32_t general, const std::string& of, std::uint32_t key_max,
                       const std::string& option) {
    return std::to_string(general) + " " + of +
           (key_max == 0 ? "" : ", " + std::to_string(key_max) + " with the key (" + option + ")");
}

std::string rows_of_limits(const Grant& grant, const conf::Limits& limits) {
    const ssh::KeyOptions& options = grant.options;
    return row("from", options.from) +
           row("until", options.expiry_s ? time_text(*options.expiry_s) : "") +
           row("tunnels at most",
               limit_text(limits.tunnels_per_session, "a session ([limits] tunnels_per_session)",
                          options.tunnels_max, "max-tunnels")) +
           row("visitors at most",
               limit_text(limits.visitors_per_tunnel, "a tunnel ([limits] visitors_per_tunnel)",
                          options.visitors_max, "max-visitors")) +
           row("rate at most",
               options.bytes_per_s_max == 0
                   ? ""
                   : std::to_string(options.bytes_per_s_max) + " bytes a second (max-rate)");
}

// `key` is the row about it.
Answer explained(const ssh::ForwardWish& wish, const Grant& grant, const Policy& policy,
                 const std::string& key) {
    const std::string who = key + row("let in by", grant.source);
    const conf::Forward& rules = policy.config.forward;
    const auto http = may_forward(grant, policy.config, policy.authorized_keys, wish);
    if (!http) {
        return refused(http.error(), who);
    }
    const std::string granted = "granted: " + text_of(wish) + "\n" + who;
    const std::string limits = rows_of_limits(grant, policy.config.limits);
    if (*http) {
        return {
            true, {}, granted + rows_of_http_name(grant, **http, policy.config.http) + limits, {}};
    }
    if (is_name(wish.address)) {
        return {true, {}, granted + rows_of_name(grant) + limits, {}};
    }
    const auto wanted = addresses_for(wish.address, rules.bind);
    if (!wanted) {
        return refused(wanted.error(), who);
    }
    return {true,
            {},
            granted + row("listens on", place_text(*wanted, wish, rules)) +
                row("note", wanted->note) + limits,
            {}};
}

// As ssh reads the address: all between brackets, or letters of which a "\" takes the next as it
// is. nullopt: something in it means more.
std::optional<std::string> read_field(std::string_view field) {
    if (field.starts_with('[') && field.ends_with(']')) {
        return std::string(field.substr(1, field.size() - 2));
    }
    std::string made;
    for (std::size_t at = 0; at < field.size(); ++at) {
        const bool is_taken = field[at] == '\\' && at + 1 < field.size();
        at += is_taken ? 1 : 0;
        if (!is_taken && std::string_view(":[]").find(field[at]) != std::string_view::npos) {
            return std::nullopt;
        }
        made += field[at];
    }
    return made;
}

}  // namespace

nlohmann::ordered_json json_of(const Answer& answer) {
    return {{"granted", answer.granted}, {"code", answer.code}, {"text", answer.text}};
}

std::string refusal_text(const Refusal& refusal) {
    return "refused: " + std::string(refusal.code) + ": " + refusal.sentence + "\n";
}

tl::expected<ssh::ForwardWish, std::string> parse_wish(std::string_view text) {
    const auto wrong = [text](const std::string& why) {
        return tl::unexpected("--listen \"" + without_credentials(std::string(text)) +
                              "\": " + why +
                              "; write it as for ssh -R, without the target: 8080, '*:0', "
                              "[::1]:8080");
    };
    if (text.starts_with('/')) {
        return wrong("a Unix socket is not served");
    }
    const std::size_t colon = text.rfind(':');
    const std::string_view field =
        colon == std::string_view::npos ? "localhost" : text.substr(0, colon);
    const std::string_view digits = colon == std::string_view::npos ? text : text.substr(colon + 1);
    const auto address = read_field(field);
    if (!address) {
        return wrong(
            "what has a \":\" is written in brackets, such as an IPv6 address, and a port "
            "follows it");
    }
    std::uint32_t port = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (error != std::errc{} || end != digits.data() + digits.size() || port > kPortMax) {
        return wrong("the port is a number from 0 to 65535");
    }
    return ssh::ForwardWish{*address == "*" ? "" : *address, port};
}

tl::expected<Question, std::string> make_question(tl::expected<ssh::PublicKey, std::string> key,
                                                  const std::string& listen,
                                                  const std::string& user,
                                                  const std::string& from) {
    auto wish = parse_wish(listen);
    if (!wish) {
        return tl::unexpected(wish.error());
    }
    if (!from.empty() && !uring::Address::parse(from, 0)) {
        return tl::unexpected("--from \"" + from +
                              "\": write an IP address, such as 192.0.2.1 or 2001:db8::1");
    }
    if (!key) {
        return tl::unexpected("--key " + key.error());
    }
    return Question{std::move(*key), std::move(*wish), user, from};
}

tl::expected<Question, std::string> read_question(const Arguments& arguments) {
    return make_question(ssh::PublicKey::read(arguments.key), arguments.listen, arguments.user,
                         arguments.from);
}

Answer explain(const Question& question, const Policy& policy, std::int64_t now_s) {
    const std::string address = question.address.empty() ? "an unknown address" : question.address;
    const auto grant =
        decide_login({question.user, question.key, address, now_s}, policy.authorized_keys, policy);
    if (!grant) {
        return login_refused(question, policy, grant.error());
    }
    Answer answer = explained(question.wish, *grant, policy, row("key", key_text(question.key)));
    answer.grant = *grant;
    return answer;
}

Answer explain_wish(const ssh::ForwardWish& wish, const Grant& grant, const Policy& policy) {
    return explained(wish, grant, policy, row("key", grant.owner));
}

Answer explain_now(Answer answer, const ssh::ForwardWish& wish, const Grant& grant,
                   const Policy& policy, const Leases& leases) {
    if (!answer.granted) {
        return answer;
    }
    const conf::Config& config = policy.config;
    const auto http = may_forward(grant, config, policy.authorized_keys, wish);
    const auto is_among = [&](const std::string& owner, const ssh::Audience& audience) {
        return is_in_audience(grant, owner, audience, config.groups);
    };
    if (const auto why = leases.why_anothers(grant.owner, grant.user, is_among, wish,
                                             config.forward, http && *http ? &**http : nullptr)) {
        answer.granted = false;
        answer.code = why->code;
        answer.text = refusal_text(*why);
    }
    return answer;
}

}  // namespace portreeve::daemon
