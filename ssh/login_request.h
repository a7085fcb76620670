// One request of a client to be let in, held from its arrival until it is answered.
//
// libssh would have the answer at once; a hook or a hashed password takes its time. So until the
// login its messages are taken out one by one, and this keeps the one that waits for an answer.
//
// Owns: libssh's message. Called by: Session, which shows it to its user. Bounds: one a session.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "ssh/keys.h"

struct ssh_message_struct;

namespace portreeve::ssh {

struct MessageDeleter {
    void operator()(ssh_message_struct* message) const;
};
using MessageHandle = std::unique_ptr<ssh_message_struct, MessageDeleter>;

class LoginRequest {
  public:
    enum class Method { public_key, password, other };

    // `message` is an authentication request.
    explicit LoginRequest(MessageHandle message);

    [[nodiscard]] Method method() const { return method_; }
    // The method "none" asks which others there are, and is no attempt.
    [[nodiscard]] bool asks_for_methods() const { return asks_for_methods_; }
    [[nodiscard]] const std::string& user() const { return user_; }
    // Method public_key only. A key is tried first, then shown to be the client's own.
    [[nodiscard]] const PublicKey& key() const { return *key_; }
    [[nodiscard]] bool proven() const { return proven_; }
    // Method password only; the message's own memory, gone with the answer.
    [[nodiscard]] std::string_view password() const;

  private:
    friend class Session;
    // Inside a Wire::Scope. Granted and not only tried: the client is in.
    void grant();
    void refuse();

    MessageHandle message_;
    Method method_ = Method::other;
    bool asks_for_methods_ = false;
    bool proven_ = false;
    std::string user_;
    std::optional<PublicKey> key_;
};

}  // namespace portreeve::ssh
