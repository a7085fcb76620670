// What a connection costs while nothing happens on it.
#include <gtest/gtest.h>
#include <malloc.h>

#include "tests/unit/tls/conversation.h"

namespace portreeve::tls::test {
namespace {

constexpr std::size_t kConnections = 1000;

class IdleTest : public ::testing::TestWithParam<int> {};

INSTANTIATE_TEST_SUITE_P(Tls, IdleTest, ::testing::Values(TLS1_2_VERSION, TLS1_3_VERSION));

// The client's half is gone when its connection is counted.
std::unique_ptr<Session> idle(const std::shared_ptr<const Context>& context, Sent& output,
                              int version) {
    auto session = std::make_unique<Session>(context, output);
    Client client({.version_min = version,
                   .version_max = version,
                   .protocols = {"http/1.1"},
                   .asks_for_status = true});
    std::array<char, 20'000> plain{};
    std::size_t got = 0;
    for (int turn = 0; turn < 4; ++turn) {
        client.step();
        if (client.is_established() && got == 0) {
            client.write("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n");
        }
        const std::string cipher = client.take_output();
        std::string_view left = cipher;
        got += session->read(left, plain);
        client.receive(output.take());
    }
    EXPECT_EQ(got, 35U);
    EXPECT_TRUE(session->write(std::string(20'000, 'x')));
    output.bytes.clear();
    output.sizes.clear();
    return session;
}

TEST_P(IdleTest, AConnectionIsSmall) {
    Site site;
    static_cast<void>(site.add("a", {}));
    static_cast<void>(site.add("b", {.kind = "RSA"}));
    const auto context = site.context();
    Sent output;
    std::vector<std::unique_ptr<Session>> sessions;
    sessions.reserve(kConnections);
    // What is made once, and the output's memory.
    static_cast<void>(idle(context, output, GetParam()));
    const std::size_t before = ::mallinfo2().uordblks;
    for (std::size_t i = 0; i < kConnections; ++i) {
        sessions.push_back(idle(context, output, GetParam()));
    }
    const std::size_t each_bytes = (::mallinfo2().uordblks - before) / kConnections;
    RecordProperty("each_bytes", std::to_string(each_bytes));
    if (each_bytes == 0) {
        GTEST_SKIP() << "this allocator does not count";
    }
    std::printf("an idle connection: %zu bytes\n", each_bytes);
    EXPECT_LT(each_bytes, 24U * 1024);
}

}  // namespace
}  // namespace portreeve::tls::test
