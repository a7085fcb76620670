#include "ssh/library.h"

#include <libssh/libssh.h>
#include <libssh/server.h>

#include <memory>
#include <string_view>

#include "ssh/wire.h"

namespace portreeve::ssh {
namespace {

class MemoryWire final : public Wire {
  public:
    [[nodiscard]] const std::string& output() const { return output_; }

  private:
    void on_output(std::span<const std::byte> bytes) override {
        output_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    }
    std::string output_;
};

template <class Handle, void (*release)(Handle)>
struct Releaser {
    using pointer = Handle;
    void operator()(Handle handle) const { release(handle); }
};

}  // namespace

Library::Library() : started_(ssh_init() == SSH_OK) {
}

Library::~Library() {
    ssh_finalize();
}

std::string Library::version() {
    return ssh_version(0);
}

std::string Library::why_not_interposed() {
    MemoryWire wire;
    const Wire::Scope scope(wire);
    const std::unique_ptr<ssh_bind, Releaser<ssh_bind, ssh_bind_free>> bind(ssh_bind_new());
    const std::unique_ptr<ssh_session, Releaser<ssh_session, ssh_free>> session(ssh_new());
    const bool read_system_files = false;
    ssh_bind_options_set(bind.get(), SSH_BIND_OPTIONS_PROCESS_CONFIG, &read_system_files);
    ssh_key key = nullptr;
    if (ssh_pki_generate(SSH_KEYTYPE_ED25519, 0, &key) != SSH_OK ||
        ssh_bind_options_set(bind.get(), SSH_BIND_OPTIONS_IMPORT_KEY, key) != SSH_OK) {
        return "libssh cannot make a key";
    }
    ssh_set_blocking(session.get(), 0);
    if (ssh_bind_accept_fd(bind.get(), session.get(), kWireDescriptor) != SSH_OK) {
        return std::string("libssh does not accept a connection: ") + ssh_get_error(bind.get());
    }
    ssh_handle_key_exchange(session.get());
    if (!wire.output().starts_with("SSH-2.0-")) {
        return "what libssh sends does not arrive at the link";
    }
    constexpr std::string_view kHello = "SSH-2.0-interposition_check\r\n";
    wire.set_input(std::as_bytes(std::span(kHello)));
    ssh_handle_key_exchange(session.get());
    if (wire.readable()) {
        return "libssh does not read from the link";
    }
    return {};
}

}  // namespace portreeve::ssh
