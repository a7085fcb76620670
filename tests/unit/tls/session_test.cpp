#include "daemon/tls/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "tests/unit/tls/conversation.h"
#include "tests/unit/uring/seeds.h"

namespace portreeve::tls::test {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using uring::test::Dice;
using uring::test::for_each_seed;

class SessionTest : public ::testing::Test {
  protected:
    SessionTest() { static_cast<void>(site_.add("a", {})); }

    Site site_;
};

// Of both versions.
class EachVersion : public ::testing::TestWithParam<int> {
  protected:
    EachVersion() {
        static_cast<void>(site_.add("a", {}));
        wishes_.version_min = wishes_.version_max = GetParam();
    }

    Site site_;
    Wishes wishes_;
};

INSTANTIATE_TEST_SUITE_P(Tls, EachVersion, ::testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& version) {
                             return version.param == TLS1_2_VERSION ? "12" : "13";
                         });

TEST_P(EachVersion, ServesOneExchange) {
    Client client(wishes_);
    Server server(site_.context());
    talk(client, server);
    ASSERT_TRUE(server.session.is_established()) << server.session.error() << client.error();
    EXPECT_TRUE(client.is_established());
    EXPECT_EQ(server.session.server_name(), "a.example");
    EXPECT_EQ(server.session.version(), GetParam() == TLS1_2_VERSION ? "TLSv1.2" : "TLSv1.3");
    EXPECT_FALSE(server.session.is_resumed());

    client.write("GET / HTTP/1.1\r\n\r\n");
    talk(client, server);
    EXPECT_EQ(server.got, "GET / HTTP/1.1\r\n\r\n");
    EXPECT_TRUE(server.session.write("HTTP/1.1 200 OK\r\n\r\n"));
    talk(client, server);
    EXPECT_EQ(client.got, "HTTP/1.1 200 OK\r\n\r\n");
    EXPECT_EQ(server.session.error(), "");
}

TEST_P(EachVersion, TakesItByteByByte) {
    Client client(wishes_);
    Server server(site_.context());
    talk(client, server, 1);
    ASSERT_TRUE(server.session.is_established()) << server.session.error();
    client.write("hello");
    talk(client, server, 1);
    EXPECT_EQ(server.got, "hello");
}

TEST_P(EachVersion, CarriesMuchBothWaysInOddPieces) {
    const auto context = site_.context();
    for_each_seed(10, [&](std::uint64_t seed) {
        Dice dice(seed);
        Client client(wishes_);
        Server server(context);
        talk(client, server);
        std::string up;
        std::string down;
        for (int turn = 0; turn < 20; ++turn) {
            const std::string more_up = dice.text(dice.between(0, 70'000));
            const std::string more_down = dice.text(dice.between(0, 70'000));
            if (!more_up.empty()) {
                client.write(more_up);
            }
            EXPECT_TRUE(server.session.write(more_down));
            up += more_up;
            down += more_down;
            server.receive(client.take_output(), dice.between(1, 40'000), dice.between(1, 20'000));
            client.receive(server.output.take());
            client.step();
        }
        EXPECT_EQ(server.got, up);
        EXPECT_EQ(client.got, down);
        EXPECT_EQ(server.session.error(), "");
    });
}

TEST_P(EachVersion, WritesFullRecords) {
    Client client(wishes_);
    Server server(site_.context());
    talk(client, server);
    server.output.sizes.clear();
    EXPECT_TRUE(server.session.write(std::string(100'000, 'x')));
    // 6 of 16384 and one of 1696.
    ASSERT_EQ(server.output.sizes.size(), 7U);
    EXPECT_GT(server.output.sizes.front(), 16'384U);
    EXPECT_LT(server.output.bytes.size(), 100'000U + 7 * 40);
}

TEST_P(EachVersion, EachDirectionEndsByItself) {
    Client client(wishes_);
    Server server(site_.context());
    talk(client, server);
    client.write("last words");
    client.close_notify();
    server.receive(client.take_output());
    EXPECT_EQ(server.got, "last words");
    EXPECT_TRUE(server.session.got_close_notify());
    EXPECT_EQ(server.session.error(), "");
    EXPECT_TRUE(server.session.write("still here"));
    server.session.close_notify();
    EXPECT_FALSE(server.session.write("too late"));
    EXPECT_EQ(server.session.error(), "");
    client.receive(server.output.take());
    std::array<char, 100> plain{};
    // OpenSSL's client reads on after its own close_notify.
    EXPECT_EQ(SSL_read(client.ssl(), plain.data(), 100), 10);
    EXPECT_EQ(SSL_read(client.ssl(), plain.data(), 100), 0);
    EXPECT_EQ(SSL_get_shutdown(client.ssl()), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

TEST_P(EachVersion, ReadsOnAfterItHasClosed) {
    Client client(wishes_);
    Server server(site_.context());
    talk(client, server);
    server.session.close_notify();
    server.session.close_notify();
    client.receive(server.output.take());
    client.step();
    EXPECT_TRUE(client.got_close_notify);
    client.write("more of the upload");
    server.receive(client.take_output());
    EXPECT_EQ(server.got, "more of the upload");
    EXPECT_FALSE(server.session.got_close_notify());
}

TEST_P(EachVersion, WhatFollowsTheEndIsNotRead) {
    Client client(wishes_);
    Server server(site_.context());
    talk(client, server);
    client.close_notify();
    server.receive(client.take_output() + "anything");
    EXPECT_TRUE(server.session.got_close_notify());
    server.receive("anything");
    EXPECT_EQ(server.got, "");
    EXPECT_EQ(server.session.error(), "");
}

TEST_P(EachVersion, AnEndWithoutCloseNotifyIsTold) {
    Client client(wishes_);
    Server server(site_.context());
    talk(client, server);
    client.write("all of it?");
    const std::string cipher = client.take_output();
    server.receive(cipher.substr(0, cipher.size() - 1));
    EXPECT_EQ(server.got, "");
    EXPECT_FALSE(server.session.got_close_notify());
    EXPECT_EQ(server.session.error(), "");
}

TEST_P(EachVersion, WhatWasChangedOnTheWayIsAnError) {
    Client client(wishes_);
    Server server(site_.context());
    talk(client, server);
    client.write("good");
    client.write("bad");
    std::string cipher = client.take_output();
    cipher.back() = static_cast<char>(cipher.back() ^ 1);
    server.receive(cipher);
    EXPECT_EQ(server.got, "good");
    EXPECT_EQ(server.session.error(),
              "what it sent is broken: decryption failed or bad record mac");
    EXPECT_FALSE(server.session.write("anything"));
    server.session.close_notify();
    client.receive(server.output.take());
    client.step();
    EXPECT_THAT(client.error(), HasSubstr("alert bad record mac"));
}

TEST_P(EachVersion, NothingIsSentBeforeItIsEstablished) {
    Client client(wishes_);
    Server server(site_.context());
    EXPECT_FALSE(server.session.write("too early"));
    server.session.close_notify();
    EXPECT_EQ(server.output.bytes, "");
    talk(client, server);
    EXPECT_TRUE(server.session.is_established());
    EXPECT_TRUE(server.session.write(""));
    EXPECT_EQ(server.output.bytes, "");
}

TEST_P(EachVersion, MovesBetweenThreads) {
    Client client(wishes_);
    auto server = std::make_unique<Server>(site_.context());
    for (int turn = 0; turn < 10; ++turn) {
        std::thread([&] {
            client.step();
            server->receive(client.take_output(), 100);
            client.receive(server->output.take());
            if (client.is_established()) {
                client.write("x");
            }
        }).join();
    }
    EXPECT_TRUE(server->session.is_established());
    EXPECT_GT(server->got.size(), 3U);
    std::thread([&] { server.reset(); }).join();
}

TEST_P(EachVersion, SaysWhatTheClientRefuses) {
    Client client(wishes_);
    SSL_set_verify(client.ssl(), SSL_VERIFY_PEER, nullptr);
    Server server(site_.context());
    talk(client, server);
    EXPECT_EQ(server.session.error(), "the client refuses: unknown CA");
    EXPECT_FALSE(server.session.is_established());
}

TEST_F(SessionTest, OldVersionsAreRefused) {
    for (const int version : {TLS1_VERSION, TLS1_1_VERSION}) {
        Client client({.version_min = version, .version_max = version});
        Server server(site_.context());
        talk(client, server);
        EXPECT_EQ(server.session.error(), "the handshake failed: unsupported protocol");
        EXPECT_THAT(client.error(), HasSubstr("alert protocol version"));
    }
}

TEST_F(SessionTest, WeakCiphersAreRefused) {
    for (const char* cipher : {"ECDHE-ECDSA-AES128-SHA", "AES128-SHA", "ECDHE-ECDSA-AES128-SHA256",
                               "ECDHE-ECDSA-AES128-CCM8"}) {
        Client client({.version_max = TLS1_2_VERSION, .ciphers = cipher});
        Server server(site_.context());
        talk(client, server);
        EXPECT_EQ(server.session.error(), "the handshake failed: no shared cipher") << cipher;
        EXPECT_THAT(client.error(), HasSubstr("alert handshake failure"));
    }
}

TEST_F(SessionTest, GroupsAreThoseOfToday) {
    for (const char* group : {"X25519", "P-256", "P-384"}) {
        Client client({.groups = group});
        Server server(site_.context());
        talk(client, server);
        EXPECT_TRUE(server.session.is_established()) << group << server.session.error();
    }
    Client client({.groups = "P-521:X448"});
    Server server(site_.context());
    talk(client, server);
    EXPECT_FALSE(server.session.is_established());
}

// A client that guesses the wrong group says hello twice.
TEST_F(SessionTest, AsksForAnotherHello) {
    Client client({.host = "A.Example.", .groups = "X448:P-256"});
    Server server(site_.context());
    talk(client, server, 7);
    EXPECT_TRUE(server.session.is_established()) << server.session.error();
    EXPECT_EQ(server.session.server_name(), "a.example");
}

TEST_F(SessionTest, RenegotiationIsRefused) {
    Client client({.version_max = TLS1_2_VERSION});
    Server server(site_.context());
    talk(client, server);
    ASSERT_TRUE(server.session.is_established());
    SSL_renegotiate(client.ssl());
    SSL_do_handshake(client.ssl());
    server.receive(client.take_output());
    // For the server, that was all.
    EXPECT_EQ(server.session.error(), "");
    EXPECT_TRUE(server.session.write("still here"));
    // OpenSSL's client cannot live with it.
    talk(client, server);
    EXPECT_THAT(client.error(), HasSubstr("no renegotiation"));
    EXPECT_EQ(server.session.error(), "the client refuses: handshake failure");
}

TEST_F(SessionTest, KeysMayBeUpdated) {
    Client client({});
    Server server(site_.context());
    talk(client, server);
    for (int turn = 0; turn < 10; ++turn) {
        ASSERT_EQ(SSL_key_update(client.ssl(), SSL_KEY_UPDATE_REQUESTED), 1);
        client.write("x");
        const std::string cipher = client.take_output();
        server.receive(cipher);
        // As many messages as it got, none of them longer.
        EXPECT_LE(server.output.bytes.size(), cipher.size());
        EXPECT_TRUE(server.session.write("y"));
        talk(client, server);
    }
    EXPECT_EQ(server.got, "xxxxxxxxxx");
    EXPECT_EQ(client.got, "yyyyyyyyyy");
}

TEST_F(SessionTest, HttpOnItIsRefused) {
    Server server(site_.context());
    server.receive("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n");
    EXPECT_EQ(server.session.error(), "the handshake failed: http request");
}

TEST_F(SessionTest, GarbageIsRefused) {
    const auto context = site_.context();
    for_each_seed(300, [&](std::uint64_t seed) {
        Dice dice(seed);
        Server server(context);
        // The first byte decides whether it looks like a record.
        const std::string head = dice.chance(50) ? std::string("\x16\x03\x01\x01\x00\x01", 6) : "";
        server.receive(head + dice.text(600), dice.between(1, 300));
        EXPECT_NE(server.session.error(), "");
        EXPECT_FALSE(server.session.is_established());
        EXPECT_LT(server.output.bytes.size(), 20U);
        EXPECT_EQ(server.got, "");
    });
}

TEST_F(SessionTest, ChangedHandshakesDoNoHarm) {
    const auto context = site_.context();
    for_each_seed(200, [&](std::uint64_t seed) {
        Dice dice(seed);
        Client client({.version_max = dice.chance(50) ? TLS1_2_VERSION : TLS1_3_VERSION});
        Server server(context);
        for (int turn = 0; turn < 6; ++turn) {
            client.step();
            std::string cipher = client.take_output();
            if (!cipher.empty() && dice.chance(60)) {
                auto& at = cipher[dice.between(0, cipher.size() - 1)];
                at = static_cast<char>(dice.between(0, 255));
            }
            server.receive(cipher, dice.between(1, 600));
            client.receive(server.output.take());
        }
        EXPECT_TRUE(server.session.is_established() || !server.session.error().empty() ||
                    server.got.empty());
    });
}

// A ClientHello of 24 bits' length, of which nothing follows.
TEST_F(SessionTest, AGreetingMayNotBeLong) {
    const std::string message("\x01\x00\x40\x01", 4);
    for (const std::size_t step : {1U, 3U, 9U}) {
        Server server(site_.context());
        server.receive(std::string("\x16\x03\x01\x00\x04", 5) + message, step);
        EXPECT_EQ(server.session.error(),
                  "the client's greeting is longer than that of any client");
        EXPECT_EQ(server.output.bytes, std::string("\x15\x03\x03\x00\x02\x02\x16", 7));
    }
    // In records of two bytes.
    Server server(site_.context());
    server.receive(std::string("\x16\x03\x01\x00\x02\x01\x00\x16\x03\x01\x00\x02\x40\x01", 14));
    EXPECT_THAT(server.session.error(), HasSubstr("greeting"));
    // As long as it may be.
    Server other(site_.context());
    other.receive(std::string("\x16\x03\x01\x00\x04\x01\x00\x40\x00", 9));
    EXPECT_EQ(other.session.error(), "");
}

TEST_F(SessionTest, NoSecondGreetingMayBeLong) {
    Client client({.groups = "X448:P-256"});
    Server server(site_.context());
    client.step();
    server.receive(client.take_output());
    ASSERT_NE(server.output.bytes, "");
    // With what a client of TLS 1.3 sends between, to look like one of 1.2.
    server.receive(std::string("\x14\x03\x03\x00\x01\x01", 6) +
                   std::string("\x16\x03\x03\x00\x04\x01\x01\x00\x00", 9));
    EXPECT_THAT(server.session.error(), HasSubstr("greeting"));
}

}  // namespace
}  // namespace portreeve::tls::test
