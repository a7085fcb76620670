// One client's login, from the first key it shows to the grant: what the files say decides at once;
// where they do not let a key in, [auth] command is asked; a password is hashed by the checker.
//
//     idle -> decide() -> on_login_decided, at once
//             decide() -> command or hashing -> on_login_decided, later
//
// A key is shown twice, tried and then proven, and the command runs once for both.
//
// Owns: the command and the check that are under way; what the login was decided by. Called by:
// Client, on its worker's ring; destroyed only while idle. Bounds: one command or check at a time.
#pragma once

#include <memory>
#include <string>

#include <tl/expected.hpp>

#include "daemon/grant.h"
#include "daemon/key_command.h"
#include "daemon/login.h"
#include "daemon/password_check.h"
#include "daemon/policy.h"
#include "ssh/login_request.h"
#include "uring/socket.h"

namespace portreeve::daemon {

class Authenticator final : private KeyCommand::Events, private PasswordCheck::Events {
  public:
    class Events {
      public:
        Events() = default;
        Events(const Events&) = delete;
        Events& operator=(const Events&) = delete;
        virtual ~Events() = default;
        [[nodiscard]] virtual const PolicyPtr& policy() const = 0;
        // Once for each decide(), unless stop() came first.
        virtual void on_login_decided(tl::expected<Grant, Refusal> decision) = 0;
        // After stop(): nothing is under way any more.
        virtual void on_authenticator_idle() = 0;
    };

    // A connection's two ends.
    struct Ends {
        uring::Address client;
        uring::Address server;
    };

    Authenticator(uring::Ring& ring, PasswordChecker& checker, Ends ends, Events& events)
        : ring_(ring), checker_(checker), ends_(ends), events_(events) {}
    Authenticator(const Authenticator&) = delete;
    Authenticator& operator=(const Authenticator&) = delete;
    Authenticator(Authenticator&&) = delete;
    Authenticator& operator=(Authenticator&&) = delete;
    ~Authenticator() override = default;

    void decide(const ssh::LoginRequest& request);
    // No answer is wanted any more.
    void stop();
    [[nodiscard]] bool idle() const { return !command_ && !check_; }

    // The login that was granted, by a newer policy. What a command has granted is not asked for
    // again; only revocation ends it.
    [[nodiscard]] tl::expected<Grant, Refusal> decide_again(const Grant& grant) const;

  private:
    void decide_key();
    void ask_command();
    void decide_password(std::string_view password);
    void on_key_command_done(tl::expected<std::string, std::string> lines) override;
    void on_password_checked(tl::expected<bool, std::string> right) override;
    void answer(tl::expected<Grant, Refusal> decision);
    [[nodiscard]] tl::expected<Grant, Refusal> decide_user(const Policy& policy) const;

    uring::Ring& ring_;
    PasswordChecker& checker_;
    Ends ends_;
    Events& events_;
    LoginAttempt attempt_;
    PolicyPtr policy_;  // of the attempt that is under way
    std::unique_ptr<KeyCommand> command_;
    std::unique_ptr<PasswordCheck> check_;
    std::unique_ptr<ssh::AuthorizedKeys> commanded_;  // what the command said of attempt_
    bool by_password_ = false;
    bool stopped_ = false;
};

}  // namespace portreeve::daemon
