// What turns an accepted connection into a libssh session: the server's host keys, and the
// algorithms it offers.
//
// Owns: libssh's bind object. libssh changes it with each accept, so every worker has its own.
// Called by: daemon/ at start and reload, Session::open. Bounds: none needed, it does not grow.
#pragma once

#include <memory>
#include <string>

#include <tl/expected.hpp>

#include "ssh/keys.h"

struct ssh_bind_struct;

namespace portreeve::ssh {

class Acceptor {
  public:
    static tl::expected<Acceptor, std::string> make(const HostKeys& keys);
    [[nodiscard]] ssh_bind_struct* handle() const { return bind_.get(); }

  private:
    struct BindDeleter {
        void operator()(ssh_bind_struct* bind) const;
    };
    std::unique_ptr<ssh_bind_struct, BindDeleter> bind_;
};

}  // namespace portreeve::ssh
