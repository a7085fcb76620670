#include "ssh/link.h"

namespace portreeve::ssh {

namespace {
constexpr std::size_t kReceiveBytes = std::size_t{64} * 1024;
}

void Link::listen() {
    if (stream_.output_bytes() <= kOutputPauseBytes) {
        stream_.receive(kReceiveBytes);
    }
}

void Link::on_input(std::span<const std::byte> bytes) {
    set_input(bytes);
    events_.on_link_input();
    set_input({});
    listen();
}

void Link::on_output_sent() {
    listen();
    events_.on_link_sent();
}

}  // namespace portreeve::ssh
