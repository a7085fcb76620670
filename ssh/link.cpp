#include "ssh/link.h"

namespace portreeve::ssh {

namespace {
constexpr std::size_t kReceiveBytes = std::size_t{64} * 1024;
}

void Link::listen() {
    if (!paused_ && stream_.output_bytes() <= kOutputPauseBytes) {
        stream_.receive(kReceiveBytes);
    }
}

void Link::deliver(std::span<const std::byte> bytes) {
    set_input(bytes);
    events_.on_link_input();
    if (paused_) {
        kept_.assign(unread().begin(), unread().end());
    }
    set_input({});
    listen();
}

void Link::resume() {
    paused_ = false;
    const std::vector<std::byte> kept = std::exchange(kept_, {});
    deliver(kept);
}

void Link::on_output_sent() {
    listen();
    events_.on_link_sent();
}

}  // namespace portreeve::ssh
