// Answers that go on: what who follows gets to read, how it ends, and what happens to one who does
// not read. Questions with one answer are tried from outside, in tests/e2e/test_control.py.
#include "daemon/http_desk.h"

#include <gmock/gmock.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/unit/uring/rings.h"

namespace portreeve::daemon {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using uring::test::FakeSocket;

class HttpDeskTest : public ::testing::Test, protected HttpDesk::Events {
  protected:
    HttpDeskTest() { EXPECT_EQ(desk_.open(), 0); }
    void TearDown() override {
        desk_.close();
        fake_.turn_until([this] { return desk_.joined(); });
    }
    [[nodiscard]] std::optional<HttpAnswer> why_not(int) override { return std::nullopt; }
    [[nodiscard]] HttpAnswer on_question(const HttpQuestion& question) override {
        HttpAnswer answer{200, "whole", "text/plain"};
        answer.goes_on = question.target == "/events";
        return answer;
    }
    void on_followers(std::size_t count) override { counts_.push_back(count); }
    void on_follower_cut() override { ++cut_; }
    void on_desk_joined() override {}

    // One who asks for this, and what it gets.
    FakeSocket& ask(const std::string& target, const std::string& version = "HTTP/1.1") {
        FakeSocket& socket = fake_.kernel.socket();
        socket.input = "GET " + target + " " + version + "\r\nHost: x\r\n\r\n";
        desk_.take(socket.take());
        fake_.turn_until([&] { return socket.output.find("\r\n\r\n") != std::string::npos; });
        return socket;
    }
    static std::string body(const FakeSocket& socket) {
        return socket.output.substr(socket.output.find("\r\n\r\n") + 4);
    }
    void wait_body(const FakeSocket& socket, const std::string& text) {
        fake_.turn_until([&] { return body(socket).size() >= text.size(); });
        EXPECT_EQ(body(socket), text);
    }
    void wait_closed(const FakeSocket& socket) {
        fake_.turn_until([&] { return socket.closed(); });
    }

    uring::test::FakeRing fake_;
    HttpDesk desk_{fake_.ring, 0, *this};
    std::vector<std::size_t> counts_;
    int cut_ = 0;
};

TEST_F(HttpDeskTest, ChunksFollowTheHead) {
    const FakeSocket& socket = ask("/events");
    EXPECT_THAT(socket.output, StartsWith("HTTP/1.1 200 "));
    EXPECT_THAT(socket.output, HasSubstr("\r\nTransfer-Encoding: chunked\r\n"));
    EXPECT_THAT(socket.output, Not(HasSubstr("Content-Length")));
    EXPECT_THAT(counts_, ElementsAre(1));
    desk_.tell("one\n");
    wait_body(socket, "4\r\none\n\r\n");
    desk_.tell("");  // would be the end
    desk_.tell(std::string(17, 'x'));
    wait_body(socket, "4\r\none\n\r\n11\r\n" + std::string(17, 'x') + "\r\n");
    EXPECT_FALSE(socket.output_ended());
}

TEST_F(HttpDeskTest, OneOfHttp10ReadsUntilTheEnd) {
    const FakeSocket& socket = ask("/events", "HTTP/1.0");
    EXPECT_THAT(socket.output, Not(HasSubstr("Transfer-Encoding")));
    desk_.tell("one\n");
    desk_.close();
    wait_closed(socket);
    EXPECT_EQ(body(socket), "one\n");
}

TEST_F(HttpDeskTest, TellsThoseWhoFollowAndNobodyElse) {
    const FakeSocket& one = ask("/events");
    const FakeSocket& other = ask("/events");
    const FakeSocket& asker = ask("/status");
    desk_.tell("one\n");
    wait_body(one, "4\r\none\n\r\n");
    wait_body(other, "4\r\none\n\r\n");
    EXPECT_EQ(body(asker), "whole");
    EXPECT_THAT(counts_, ElementsAre(1, 2));
}

TEST_F(HttpDeskTest, WhoLeavesDoesNotFollow) {
    FakeSocket& leaves = ask("/events");
    const FakeSocket& stays = ask("/events");
    leaves.input_ends = true;
    wait_closed(leaves);
    EXPECT_THAT(counts_, ElementsAre(1, 2, 1));
    desk_.tell("one\n");
    wait_body(stays, "4\r\none\n\r\n");
    EXPECT_EQ(cut_, 0);
}

TEST_F(HttpDeskTest, MayBeSilentForLongerThanAnAnswerTakes) {
    const FakeSocket& follows = ask("/events");
    FakeSocket& slow = fake_.kernel.socket();
    slow.input = "GET /events HTTP/1.1\r\n";
    desk_.take(slow.take());
    fake_.turn();
    fake_.kernel.pass_ms(HttpExchange::kTimeMs + 1);
    wait_closed(slow);
    EXPECT_FALSE(follows.shut_down());
    desk_.tell("one\n");
    wait_body(follows, "4\r\none\n\r\n");
}

TEST_F(HttpDeskTest, CutsOffWhoDoesNotReadAndTellsTheOthers) {
    FakeSocket& stuck = ask("/events");
    const FakeSocket& reads = ask("/events");
    stuck.room = 0;
    const std::string line(16 * 1024, 'x');
    std::size_t told = 0;
    while (cut_ == 0) {
        ASSERT_LE(told, HttpExchange::kUnreadBytesMax);
        desk_.tell(line);
        told += line.size();
        fake_.turn_until([&] { return body(reads).size() > told; });
    }
    EXPECT_GT(told, HttpExchange::kUnreadBytesMax * 9 / 10);
    desk_.tell(line);
    wait_closed(stuck);
    EXPECT_EQ(cut_, 1);
    EXPECT_THAT(counts_, ElementsAre(1, 2, 1));
    EXPECT_FALSE(reads.shut_down());
}

TEST_F(HttpDeskTest, TheEndIsTheLastChunk) {
    const FakeSocket& socket = ask("/events");
    desk_.tell("one\n");
    desk_.close();
    wait_closed(socket);
    EXPECT_EQ(body(socket), "4\r\none\n\r\n0\r\n\r\n");
    EXPECT_TRUE(desk_.joined());
}

TEST_F(HttpDeskTest, WhoDoesNotReadHoldsUpNoEnd) {
    FakeSocket& stuck = ask("/events");
    stuck.room = 0;
    desk_.tell("one\n");
    fake_.turn();
    const auto begun_ms = fake_.kernel.now_ms();
    desk_.close();
    wait_closed(stuck);
    EXPECT_GE(fake_.kernel.now_ms() - begun_ms, HttpExchange::kFarewellMs);
    EXPECT_LE(fake_.kernel.now_ms() - begun_ms, 2 * HttpExchange::kFarewellMs);
    EXPECT_EQ(body(stuck), "");
}

TEST_F(HttpDeskTest, AFewMayFollow) {
    for (std::size_t count = 0; count < HttpDesk::kFollowersMax; ++count) {
        EXPECT_THAT(ask("/events").output, StartsWith("HTTP/1.1 200 "));
    }
    const FakeSocket& refused = ask("/events");
    EXPECT_THAT(refused.output, StartsWith("HTTP/1.1 503 "));
    EXPECT_THAT(refused.output, HasSubstr("too many follow at once"));
    EXPECT_THAT(ask("/status").output, EndsWith("whole")) << "others ask as ever";
    EXPECT_EQ(desk_.followers(), HttpDesk::kFollowersMax);
}

}  // namespace
}  // namespace portreeve::daemon
