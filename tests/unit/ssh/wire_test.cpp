#include "ssh/wire.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>
#include <thread>

#include "ssh/library.h"
#include "tests/unit/ssh/bench.h"

namespace portreeve::ssh {
namespace {

class TextWire final : public Wire {
  public:
    std::string output;

  private:
    void on_output(std::span<const std::byte> bytes) override {
        output.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    }
};

std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text));
}

TEST(Interposition, ReachesTheWire) {
    EXPECT_EQ(Library::why_not_interposed(), "");
}

TEST(Interposition, LeavesPlainDescriptorsToTheKernel) {
    const auto [near, far] = testing::local_pair();
    pollfd entry{far.get(), POLLIN, 0};
    EXPECT_EQ(::poll(&entry, 1, 0), 0);
    ASSERT_EQ(::send(near.get(), "hello", 5, MSG_NOSIGNAL), 5);
    EXPECT_EQ(::poll(&entry, 1, 0), 1);
    EXPECT_EQ(entry.revents, POLLIN);
    char text[8] = {};
    EXPECT_EQ(::recv(far.get(), text, sizeof(text), MSG_PEEK), 5);  // flags are passed on
    EXPECT_EQ(::recv(far.get(), text, sizeof(text), 0), 5);
    EXPECT_STREQ(text, "hello");
    EXPECT_EQ(::recv(far.get(), text, sizeof(text), MSG_DONTWAIT), -1);
    EXPECT_EQ(errno, EAGAIN);
}

TEST(Interposition, LeavesPlainDescriptorsAloneInsideAScope) {
    TextWire wire;
    const Wire::Scope scope(wire);
    const auto [near, far] = testing::local_pair();
    ASSERT_EQ(::send(near.get(), "x", 1, MSG_NOSIGNAL), 1);
    EXPECT_EQ(wire.output, "");
    pollfd both[2] = {{far.get(), POLLIN, 0}, {near.get(), POLLOUT, 0}};
    EXPECT_EQ(::poll(both, 2, 0), 2);
}

TEST(Interposition, OutsideAScopeTheWireIsABadDescriptor) {
    ASSERT_EQ(Wire::current(), nullptr);
    char letter = 'x';
    EXPECT_EQ(::send(kWireDescriptor, &letter, 1, 0), -1);
    EXPECT_EQ(errno, EBADF);
    errno = 0;
    EXPECT_EQ(::recv(kWireDescriptor, &letter, 1, 0), -1);
    EXPECT_EQ(errno, EBADF);
    pollfd entry{kWireDescriptor, POLLIN, 0};
    EXPECT_EQ(::poll(&entry, 1, 0), 1);
    EXPECT_EQ(entry.revents, POLLNVAL);
}

TEST(Wire, GivesWhatItHasAndThenSaysThatItIsEmpty) {
    TextWire wire;
    const Wire::Scope scope(wire);
    pollfd entry{kWireDescriptor, POLLIN | POLLOUT, 0};
    EXPECT_EQ(::poll(&entry, 1, 0), 1);
    EXPECT_EQ(entry.revents, POLLOUT);
    entry.events = POLLIN;
    EXPECT_EQ(::poll(&entry, 1, 0), 0);

    wire.set_input(bytes_of("abcde"));
    EXPECT_EQ(::poll(&entry, 1, 0), 1);
    char text[4] = {};
    EXPECT_EQ(::recv(kWireDescriptor, text, 3, 0), 3);
    EXPECT_STREQ(text, "abc");
    EXPECT_EQ(wire.input_bytes(), 2U);
    EXPECT_EQ(::recv(kWireDescriptor, text, 3, 0), 2);
    errno = 0;
    EXPECT_EQ(::recv(kWireDescriptor, text, 3, 0), -1);
    EXPECT_EQ(errno, EAGAIN);
}

TEST(Wire, CountsWhatItWasGiven) {
    TextWire wire;
    const Wire::Scope scope(wire);
    EXPECT_EQ(::send(kWireDescriptor, "one", 3, 0), 3);
    EXPECT_EQ(::send(kWireDescriptor, "four", 4, 0), 4);
    EXPECT_EQ(wire.output, "onefour");
    EXPECT_EQ(wire.given_bytes(), 7U);
}

TEST(Wire, ScopesNest) {
    TextWire outer;
    TextWire inner;
    {
        const Wire::Scope first(outer);
        ::send(kWireDescriptor, "a", 1, 0);
        {
            const Wire::Scope second(inner);
            ::send(kWireDescriptor, "b", 1, 0);
        }
        ::send(kWireDescriptor, "c", 1, 0);
        EXPECT_EQ(Wire::current(), &outer);
    }
    EXPECT_EQ(Wire::current(), nullptr);
    EXPECT_EQ(outer.output, "ac");
    EXPECT_EQ(inner.output, "b");
}

TEST(Wire, AScopeHoldsOnItsOwnThreadOnly) {
    TextWire wire;
    const Wire::Scope scope(wire);
    const Wire* elsewhere = &wire;
    std::thread([&] { elsewhere = Wire::current(); }).join();
    EXPECT_EQ(elsewhere, nullptr);
}

}  // namespace
}  // namespace portreeve::ssh
