#include "daemon/login.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <optional>
#include <span>
#include <utility>

#include "ssh/certificate.h"
#include "ssh/patterns.h"

namespace portreeve::daemon {
namespace {

using Entry = ssh::AuthorizedKeys::Entry;

std::string source_of(const Entry& entry) {
    return entry.line == 0 ? entry.file : entry.file + ":" + std::to_string(entry.line);
}

// What a line, or a certificate, says of the login itself. `source` begins the sentence.
std::optional<Refusal> why_denied(const ssh::KeyOptions& options, const std::string& source,
                                  const std::string& address, std::int64_t now_s) {
    if (options.expired(now_s)) {
        return Refusal{"key_expired", source + ": the time of expiry-time has passed"};
    }
    if (!options.from.empty() && !ssh::address_in_list(options.from, address)) {
        return Refusal{"wrong_source",
                       source + ": from=\"" + options.from + "\" does not allow " + address};
    }
    return std::nullopt;
}

// A security key says with each signature whether it was touched, and whether its user was
// verified. libssh checks the signature and keeps what it says to itself.
std::optional<Refusal> why_cannot_be_checked(const std::string& key_type,
                                             const ssh::KeyOptions& options,
                                             const std::string& source) {
    if (options.verify_required) {
        return Refusal{"verify_not_checkable",
                       source +
                           ": verify-required cannot be checked by this server, so the key "
                           "is refused"};
    }
    if (options.touch_required && key_type.starts_with("sk-")) {
        return Refusal{"touch_not_checkable",
                       source +
                           ": whether a security key was touched cannot be checked by this "
                           "server; write no-touch-required in front of the key to let it in "
                           "without"};
    }
    return std::nullopt;
}

tl::expected<Grant, Refusal> decide_line(const LoginAttempt& attempt, const Entry& entry) {
    const std::string source = source_of(entry);
    if (auto why = why_denied(entry.options, source, attempt.address, attempt.now_s)) {
        return tl::unexpected(std::move(*why));
    }
    if (auto why = why_cannot_be_checked(entry.key.type, entry.options, source)) {
        return tl::unexpected(std::move(*why));
    }
    return Grant{attempt.key.fingerprint, attempt.user, entry.options, source, {}, {}};
}

// Both the authority's line and the certificate must permit; as sshd merges them.
tl::expected<ssh::KeyOptions, Refusal> options_of_both(ssh::KeyOptions options,
                                                       const ssh::Certificate& certificate,
                                                       const std::string& source) {
    options.port_forwarding = options.port_forwarding && certificate.permit_port_forwarding;
    options.pty = options.pty && certificate.permit_pty;
    options.verify_required = options.verify_required || certificate.verify_required;
    options.touch_required = options.touch_required || !certificate.no_touch_required;
    if (certificate.force_command) {
        if (options.command && *options.command != *certificate.force_command) {
            return tl::unexpected(Refusal{
                "certificate_wrong_command",
                source + ": its command= is not the force-command of " + certificate.name()});
        }
        options.command = certificate.force_command;
    }
    return options;
}

// What a line trusts its authority to say of who somebody is.
std::vector<std::string> principals_by(const ssh::Certificate& certificate,
                                       const ssh::KeyOptions& line) {
    if (line.principals.empty()) {
        return certificate.principals;
    }
    std::vector<std::string> trusted;
    std::copy_if(certificate.principals.begin(), certificate.principals.end(),
                 std::back_inserter(trusted), [&](const std::string& principal) {
                     return std::find(line.principals.begin(), line.principals.end(), principal) !=
                            line.principals.end();
                 });
    return trusted;
}

// A certificate whose signature holds, by one line that trusts its authority.
tl::expected<Grant, Refusal> decide_authority(const LoginAttempt& attempt,
                                              const ssh::Certificate& certificate,
                                              const ssh::KeyOptions& line,
                                              const std::string& source) {
    if (auto why = why_denied(line, source, attempt.address, attempt.now_s)) {
        return tl::unexpected(std::move(*why));
    }
    const std::vector<std::string> by_user = {attempt.user};
    const auto& names = line.principals.empty() ? by_user : line.principals;
    const std::int64_t shown_s = attempt.shown_s.value_or(attempt.now_s);
    if (auto why = certificate.why_denied(names, static_cast<std::uint64_t>(shown_s))) {
        return tl::unexpected(Refusal{why->code, source + ": " + why->sentence});
    }
    if (!certificate.source_address.empty() &&
        !ssh::address_in_list(certificate.source_address, attempt.address)) {
        return tl::unexpected(
            Refusal{"certificate_wrong_source", certificate.name() + " is for logins from " +
                                                    certificate.source_address + ", not from " +
                                                    attempt.address});
    }
    auto options = options_of_both(line, certificate, source);
    if (!options) {
        return tl::unexpected(options.error());
    }
    if (auto why = why_cannot_be_checked(certificate.key.type, *options, source)) {
        return tl::unexpected(std::move(*why));
    }
    return Grant{certificate.key.fingerprint, attempt.user,
                 std::move(*options),         source,
                 certificate.name(),          principals_by(certificate, line)};
}

tl::expected<Grant, Refusal> decide_certificate(const LoginAttempt& attempt,
                                                const ssh::AuthorizedKeys& keys,
                                                const Policy& policy) {
    const auto certificate = ssh::Certificate::parse_base64(attempt.key.base64);
    if (!certificate) {
        return tl::unexpected(Refusal{"certificate_not_valid", certificate.error()});
    }
    if (policy.revoked) {
        if (auto why = policy.revoked->why_revoked(*certificate)) {
            return tl::unexpected(Refusal{"key_revoked", std::move(*why)});
        }
    }
    std::optional<Refusal> refusal;
    for (const Entry& entry : keys.find_authority(certificate->authority)) {
        auto grant = decide_authority(attempt, *certificate, entry.options, source_of(entry));
        if (grant) {
            return grant;
        }
        refusal = std::move(grant.error());
    }
    for (const Entry& entry : policy.trusted_user_ca.find(certificate->authority)) {
        auto grant = decide_authority(attempt, *certificate, entry.options, source_of(entry));
        if (grant) {
            return grant;
        }
        refusal = std::move(grant.error());
    }
    return tl::unexpected(refusal ? std::move(*refusal)
                                  : Refusal{"unknown_authority",
                                            certificate->name() +
                                                ": its authority is in no cert-authority line and "
                                                "not in [auth] trusted_user_ca"});
}

}  // namespace

tl::expected<Grant, Refusal> decide_login(const LoginAttempt& attempt,
                                          const ssh::AuthorizedKeys& keys, const Policy& policy) {
    if (ssh::is_certificate_type(attempt.key.type)) {
        return decide_certificate(attempt, keys, policy);
    }
    if (policy.revoked) {
        if (auto why = policy.revoked->why_revoked(attempt.key)) {
            return tl::unexpected(Refusal{"key_revoked", std::move(*why)});
        }
    }
    std::optional<Refusal> refusal;
    for (const Entry& entry : keys.find(attempt.key)) {
        auto grant = decide_line(attempt, entry);
        if (grant) {
            return grant;
        }
        refusal = std::move(grant.error());
    }
    return tl::unexpected(refusal
                              ? std::move(*refusal)
                              : Refusal{"unknown_key", "the key is in no authorized_keys file"});
}

tl::expected<Grant, Refusal> decide_password_login(const std::string& user,
                                                   const std::string& address, std::int64_t now_s,
                                                   const ssh::KeyOptions& options,
                                                   const std::string& source) {
    if (auto why = why_denied(options, source, address, now_s)) {
        return tl::unexpected(std::move(*why));
    }
    return Grant{"user:" + user, user, options, source, {}, {}};
}

bool is_final(const Refusal& refusal) {
    return refusal.code == "key_revoked" || refusal.code == "certificate_not_valid";
}

std::int64_t wall_clock_s() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::seconds>(now).count();
}

}  // namespace portreeve::daemon
