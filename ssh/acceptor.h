// What turns an accepted connection into a libssh session: the server's host keys, and the
// algorithms it offers.
//
// Owns: libssh's bind object. libssh changes it with each accept, so every worker has its own.
// Called by: daemon/ at start and reload, Session::open. Bounds: what is offered is at most what
// libssh knows, however long a configured list is.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "ssh/keys.h"

struct ssh_bind_struct;

namespace portreeve::ssh {

// What is offered to clients, the best first. An empty list: the built-in choice, of which libssh
// offers those that it has.
struct Algorithms {
    std::vector<std::string> ciphers = {};
    std::vector<std::string> kex = {};
    std::vector<std::string> macs = {};
    std::vector<std::string> host_key_algorithms = {};

    // Empty, or the sentence that says which name cannot be used, and which can. Without
    // `host_keys`, those that a first start would make are meant.
    [[nodiscard]] std::string why_unusable(const HostKeys& host_keys) const;
};

struct BindDeleter {
    void operator()(ssh_bind_struct* bind) const;
};
using BindHandle = std::unique_ptr<ssh_bind_struct, BindDeleter>;

class Acceptor {
  public:
    // The error is a sentence, for what why_unusable() finds and for what libssh refuses.
    static tl::expected<Acceptor, std::string> make(const HostKeys& keys,
                                                    const Algorithms& algorithms = {});
    [[nodiscard]] ssh_bind_struct* handle() const { return bind_.get(); }

  private:
    BindHandle bind_;
};

}  // namespace portreeve::ssh
