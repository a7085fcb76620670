// What is read from libssh is gone there. A channel whose user takes a little now and a little
// then, never as much as it is offered, must lose nothing: how much room there is changes with
// every piece it takes. The user here is a small cup over a sink.

#include <gtest/gtest.h>

#include <random>

#include "tests/unit/ssh/conversation.h"

namespace portreeve::ssh {
namespace {

using testing::Conversation;

class Cup final : public Channel::Events {
  public:
    static constexpr std::size_t kCupBytes =
        20'000;  // more than one piece of draining, less than two

    std::string received;
    std::size_t full_bytes = kCupBytes;  // full from the start
    int eofs = 0;

  private:
    [[nodiscard]] std::size_t channel_room() const override { return kCupBytes - full_bytes; }
    std::size_t on_channel_data(std::span<const std::byte> bytes) override {
        const std::size_t taken = std::min(bytes.size(), channel_room());
        received.append(reinterpret_cast<const char*>(bytes.data()), taken);
        full_bytes += taken;
        return taken;
    }
    void on_channel_eof() override { ++eofs; }
    void on_channel_closed() override {}
};

TEST_F(Conversation, DrainingLosesNothing) {
    log_in();
    Cup cup;
    Channel* channel = session->open_forwarded("localhost", 1, "192.0.2.7", 5555, cup);
    ssh_channel far = on_peer([this] { return peer->accept(); });
    ASSERT_NE(far, nullptr);
    const std::string bytes = testing::noise(300'000, 11);
    on_peer([&] {
        ASSERT_TRUE(testing::write_bytes(far, bytes));
        ssh_channel_send_eof(far);
    });
    ASSERT_TRUE(bench.rest());
    ASSERT_EQ(cup.received, "");

    std::mt19937 random(5);
    EXPECT_TRUE(bench.until([&] {
        cup.full_bytes -= std::min<std::size_t>(cup.full_bytes, 1 + random() % Cup::kCupBytes);
        channel->take_more();
        return cup.eofs > 0;
    }));
    EXPECT_EQ(testing::difference(cup.received, bytes), "");
    channel->close();
    on_peer([&] { ssh_channel_close(far); });
}

}  // namespace
}  // namespace portreeve::ssh
