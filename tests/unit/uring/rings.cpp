#include "tests/unit/uring/rings.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "uring/socket.h"

namespace portreeve::uring::test {

void RealRing::SetUp() {
    auto kernel = make_kernel();
    if (!kernel) {
        GTEST_SKIP() << kernel.error().sentence;
    }
    ring = std::make_unique<Ring>(std::move(*kernel));
    ASSERT_EQ(ring->enable(), 0);
}

std::pair<Fd, Fd> tcp_pair() {
    auto listener = listen_on(*Address::parse("127.0.0.1", 0), false);
    if (!listener) {
        ADD_FAILURE() << "listen: " << std::strerror(-listener.error());
        return {};
    }
    const Address address = Address::of_local(listener->get());
    Fd ours(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (connect(ours.get(), address.data(), address.size()) != 0) {
        ADD_FAILURE() << "connect: " << std::strerror(errno);
    }
    Fd theirs(accept4(listener->get(), nullptr, nullptr, SOCK_CLOEXEC));
    EXPECT_TRUE(theirs);
    return {std::move(ours), std::move(theirs)};
}

ssize_t receive_now(const Fd& socket) {
    char bytes[4096];
    const ssize_t count = recv(socket.get(), bytes, sizeof(bytes), MSG_DONTWAIT);
    return count >= 0 ? count : -errno;
}

ssize_t receive_soon(const Fd& socket) {
    pollfd ready{socket.get(), POLLIN, 0};
    poll(&ready, 1, 30'000);
    return receive_now(socket);
}

}  // namespace portreeve::uring::test
