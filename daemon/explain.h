// The answer to `portreeved --explain`: whether a key would be let in and granted a forward,
// decided by the same functions as for a client, from the configuration and the files that it names
// alone.
//
// What only a running daemon knows is not in it, unless it is asked for by explain_now(): whether
// the port is free. Nor is whether this host has the address, and how much of each limit is used
// up. Nor is [auth] command run: where the files do not let the key in and a command would be
// asked, the answer is "undecided".
//
// Owns: values only. Called by: main, client_commands, Server. Bounds: one look-up; files are read
// again only to find lines that hold the key and were refused.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>
#include <tl/expected.hpp>

#include "daemon/arguments.h"
#include "daemon/grant.h"
#include "daemon/leases.h"
#include "daemon/policy.h"
#include "ssh/keys.h"
#include "ssh/session.h"

namespace portreeve::daemon {

struct Question {
    ssh::PublicKey key;  // or a certificate
    ssh::ForwardWish wish;
    std::string user;     // empty: not said
    std::string address;  // where the client comes from; empty: not said
};

struct Answer {
    bool granted = false;
    std::string code;            // of the refusal; empty: granted
    std::string text;            // the first word is "granted", "refused" or "undecided"
    std::optional<Grant> grant;  // nullopt: the key is not let in
};

// For programs: granted, code, text.
[[nodiscard]] nlohmann::ordered_json json_of(const Answer& answer);

// "refused: CODE: sentence", a line.
[[nodiscard]] std::string refusal_text(const Refusal& refusal);

// What stock ssh asks a server for when `text` stands behind its -R, in front of the target. The
// error is a sentence.
[[nodiscard]] tl::expected<ssh::ForwardWish, std::string> parse_wish(std::string_view text);

// What is asked, from the words that ask it. The error is a sentence.
[[nodiscard]] tl::expected<Question, std::string> make_question(
    tl::expected<ssh::PublicKey, std::string> key, const std::string& listen,
    const std::string& user, const std::string& from);
// … the key is in the file that the arguments name.
[[nodiscard]] tl::expected<Question, std::string> read_question(const Arguments& arguments);

[[nodiscard]] Answer explain(const Question& question, const Policy& policy, std::int64_t now_s);

// The same for one who has logged in.
[[nodiscard]] Answer explain_wish(const ssh::ForwardWish& wish, const Grant& grant,
                                  const Policy& policy);

// What a running daemon knows besides: `answer`, unless another key has what `grant` grants.
[[nodiscard]] Answer explain_now(Answer answer, const ssh::ForwardWish& wish, const Grant& grant,
                                 const Policy& policy, const Leases& leases);

}  // namespace portreeve::daemon
