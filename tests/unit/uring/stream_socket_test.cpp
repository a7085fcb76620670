// What only a real socket shows of a Stream: its options, and the socket that is handed back.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "tests/unit/uring/rings.h"
#include "uring/stream.h"

namespace portreeve::uring::test {
namespace {

class StreamSocket : public RealRing, private Stream::Events {
  protected:
    void SetUp() override {
        RealRing::SetUp();
        if (IsSkipped()) {
            return;
        }
        buffers_ = std::move(*BufferRing::make(ring->kernel(), 0, {4, 4096}));
        auto [near, far] = tcp_pair();
        far_ = std::move(far);
        Stream::Events& self = *this;
        stream_.emplace(*ring, Stream::Pools{*buffers_, slabs_}, std::move(near), self);
    }
    void TearDown() override {
        if (stream_) {
            stream_->close();
            turn_until([this] { return joined_; });
        }
    }

    std::unique_ptr<BufferRing> buffers_;
    SlabPool slabs_;
    Fd far_;
    std::optional<Stream> stream_;
    bool joined_ = false;

  private:
    void on_input(std::span<const std::byte>) override {}
    void on_input_end(int) override {}
    void on_output_sent() override {}
    void on_output_failed(int) override {}
    void on_stream_joined() override { joined_ = true; }
};

TEST_F(StreamSocket, TellsTheKernelHowPatientToBe) {
    stream_->set_patience_ms(45'000);
    unsigned patience_ms = 0;
    socklen_t size = sizeof(patience_ms);
    ASSERT_EQ(getsockopt(stream_->descriptor(), IPPROTO_TCP, TCP_USER_TIMEOUT, &patience_ms, &size),
              0);
    EXPECT_EQ(patience_ms, 45'000U);
}

TEST_F(StreamSocket, HandsItsSocketBackAsItWas) {
    ASSERT_EQ(::send(far_.get(), "hello", 5, MSG_NOSIGNAL), 5);
    const Fd back = stream_->give_back();
    turn_until([this] { return joined_; });
    char heard[8];
    EXPECT_EQ(::recv(back.get(), heard, sizeof(heard), 0), 5);
    EXPECT_EQ(::send(back.get(), "yes", 3, MSG_NOSIGNAL), 3);
    EXPECT_EQ(::recv(far_.get(), heard, sizeof(heard), 0), 3);
}

}  // namespace
}  // namespace portreeve::uring::test
