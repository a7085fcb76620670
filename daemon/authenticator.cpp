#include "daemon/authenticator.h"

#include <utility>

#include "ssh/certificate.h"

namespace portreeve::daemon {
namespace {

constexpr const char* kCommandSource = "[auth] command";

Refusal wrong_password() {
    return {"wrong_password", "no such user, or not the user's password"};
}

LoginFacts facts_of(const LoginAttempt& attempt, const uring::Address& client,
                    const uring::Address& server) {
    LoginFacts facts;
    facts.user = attempt.user;
    facts.key_type = attempt.key.type;
    facts.key_base64 = attempt.key.base64;
    facts.key_fingerprint = attempt.key.fingerprint;
    facts.client_address = client.host();
    facts.client_port = client.port();
    facts.server_address = server.host();
    facts.server_port = server.port();
    if (!ssh::is_certificate_type(attempt.key.type)) {
        return facts;
    }
    if (const auto certificate = ssh::Certificate::parse_base64(attempt.key.base64)) {
        facts.key_fingerprint = certificate->key.fingerprint;
        facts.certificate_id = certificate->key_id;
        facts.certificate_serial = std::to_string(certificate->serial);
        facts.ca_type = certificate->authority.type;
        facts.ca_base64 = certificate->authority.base64;
        facts.ca_fingerprint = certificate->authority.fingerprint;
    }
    return facts;
}

}  // namespace

void Authenticator::decide(const ssh::LoginRequest& request) {
    policy_ = events_.policy();
    by_password_ = request.method() == ssh::LoginRequest::Method::password;
    const bool same =
        !by_password_ && request.user() == attempt_.user && request.key() == attempt_.key;
    if (!same) {
        commanded_.reset();
    }
    attempt_ = {request.user(), by_password_ ? ssh::PublicKey{} : request.key(),
                ends_.client.host(), wall_clock_s()};
    if (by_password_) {
        decide_password(request.password());
    } else {
        decide_key();
    }
}

void Authenticator::decide_key() {
    auto decision = decide_login(attempt_, policy_->authorized_keys, *policy_);
    if (decision || !policy_->key_command || is_final(decision.error())) {
        answer(std::move(decision));
    } else if (commanded_) {
        answer(decide_login(attempt_, *commanded_, *policy_));
    } else {
        ask_command();
    }
}

void Authenticator::ask_command() {
    KeyCommand::Events& self = *this;
    command_ = std::make_unique<KeyCommand>(ring_, self);
    command_->start(*policy_->key_command, facts_of(attempt_, ends_.client, ends_.server));
}

void Authenticator::on_key_command_done(tl::expected<std::string, std::string> lines) {
    command_.reset();
    if (stopped_) {
        events_.on_authenticator_idle();
        return;
    }
    if (!lines) {
        answer(tl::unexpected(Refusal{"auth_command_failed", lines.error()}));
        return;
    }
    commanded_ = std::make_unique<ssh::AuthorizedKeys>();
    commanded_->add_text(*lines, kCommandSource);
    auto decision = decide_login(attempt_, *commanded_, *policy_);
    if (!decision && !commanded_->complaints().empty()) {
        decision.error().sentence += "; " + commanded_->complaints().front().text();
    }
    answer(std::move(decision));
}

void Authenticator::decide_password(std::string_view password) {
    if (!policy_->passwords) {
        answer(tl::unexpected(wrong_password()));
        return;
    }
    PasswordCheck::Events& self = *this;
    check_ = std::make_unique<PasswordCheck>(ring_, checker_, self);
    check_->start(*policy_->passwords, attempt_.user, password);
}

void Authenticator::on_password_checked(tl::expected<bool, std::string> right) {
    check_.reset();
    if (stopped_) {
        events_.on_authenticator_idle();
    } else if (!right) {
        answer(tl::unexpected(Refusal{"password_not_checked", right.error()}));
    } else if (!*right) {
        answer(tl::unexpected(wrong_password()));
    } else {
        answer(decide_user(*policy_));
    }
}

tl::expected<Grant, Refusal> Authenticator::decide_user(const Policy& policy) const {
    const Passwords::Entry* entry =
        policy.passwords ? policy.passwords->find(attempt_.user) : nullptr;
    if (entry == nullptr) {
        return tl::unexpected(Refusal{"unknown_user", "the user is not in [auth] passwords"});
    }
    const std::string source = policy.passwords->path() + ":" + std::to_string(entry->line);
    return decide_password_login(attempt_.user, attempt_.address, wall_clock_s(), entry->options,
                                 source);
}

tl::expected<Grant, Refusal> Authenticator::decide_again(const Grant& grant) const {
    const Policy& policy = *events_.policy();
    if (by_password_) {
        return decide_user(policy);
    }
    LoginAttempt attempt = attempt_;
    attempt.shown_s = attempt_.now_s;
    attempt.now_s = wall_clock_s();
    auto decision = decide_login(attempt, policy.authorized_keys, policy);
    if (decision || is_final(decision.error())) {
        return decision;
    }
    return commanded_ && policy.key_command ? grant : decision;
}

void Authenticator::answer(tl::expected<Grant, Refusal> decision) {
    policy_.reset();
    events_.on_login_decided(std::move(decision));
}

void Authenticator::stop() {
    stopped_ = true;
    if (command_) {
        command_->cancel();
    }
    if (check_) {
        check_->cancel();
    }
}

}  // namespace portreeve::daemon
