#include "daemon/tls/context.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "tests/unit/tls/conversation.h"

namespace portreeve::tls::test {
namespace {

using ::testing::HasSubstr;

// What a client with these wishes is shown; or why nothing.
std::string shown(const std::shared_ptr<const Context>& context, const Wishes& wishes) {
    Client client(wishes);
    Server server(context);
    talk(client, server);
    EXPECT_EQ(client.error().empty(), server.session.error().empty());
    EXPECT_EQ(server.session.is_established(), server.session.error().empty());
    return client.error().empty() ? client.serial() : server.session.error();
}

TEST(TlsContext, NeedsACertificate) {
    const auto made = Context::make(Certificates(), std::make_shared<TicketKeys>(0));
    ASSERT_FALSE(made);
    EXPECT_THAT(made.error(), HasSubstr("there are no certificates: put NAME.crt and NAME.key"));
}

TEST(TlsContext, PicksByName) {
    Site site;
    const auto first = site.add("1", {.names = {"first.example"}});
    const auto wildcard = site.add("2", {.names = {"*.gate.example", "gate.example"}});
    const auto exact = site.add("3", {.names = {"blog.gate.example"}});
    const auto deeper = site.add("4", {.names = {"*.blog.gate.example"}});
    const auto context = site.context();
    EXPECT_EQ(shown(context, {.host = "blog.gate.example"}), exact);
    EXPECT_EQ(shown(context, {.host = "BLOG.Gate.EXAMPLE"}), exact);
    EXPECT_EQ(shown(context, {.host = "blog.gate.example."}), exact);
    EXPECT_EQ(shown(context, {.host = "shop.gate.example"}), wildcard);
    EXPECT_EQ(shown(context, {.host = "gate.example"}), wildcard);
    EXPECT_EQ(shown(context, {.host = "a.blog.gate.example"}), deeper);
    // Who names nothing, or an address.
    EXPECT_EQ(shown(context, {.host = ""}), first);
    EXPECT_EQ(shown(context, {.host = "192.0.2.1"}), first);
    EXPECT_EQ(shown(context, {.host = "2001:db8::1"}), first);

    EXPECT_TRUE(context->serves("shop.gate.example"));
    EXPECT_FALSE(context->serves("a.shop.gate.example"));
    EXPECT_FALSE(context->serves("*.gate.example"));
}

TEST(TlsContext, IsForWhatTheCertificateThatWasShownIsFor) {
    Site site;
    static_cast<void>(site.add("1", {.names = {"first.example"}}));
    static_cast<void>(site.add("2", {.names = {"*.gate.example", "gate.example"}}));
    static_cast<void>(site.add("3", {.names = {"blog.gate.example"}}));
    const auto is_for = [context = site.context()](const char* asked, const char* host) {
        Client client({.host = asked});
        Server server(context);
        talk(client, server);
        return server.session.is_for(host);
    };
    EXPECT_TRUE(is_for("shop.gate.example", "shop.gate.example"));
    EXPECT_TRUE(is_for("shop.gate.example", "gate.example"));
    // Another certificate would be shown for it, but this one is for it too.
    EXPECT_TRUE(is_for("shop.gate.example", "blog.gate.example"));
    EXPECT_FALSE(is_for("blog.gate.example", "shop.gate.example"));
    EXPECT_FALSE(is_for("shop.gate.example", "a.shop.gate.example"));
    EXPECT_FALSE(is_for("shop.gate.example", "first.example"));
    EXPECT_TRUE(is_for("", "first.example"));
    EXPECT_TRUE(is_for("", "gate.example")) << "it asked for no other";
    EXPECT_FALSE(is_for("", ""));
}

TEST(TlsContext, RefusesNamesThatNobodyHas) {
    Site site;
    static_cast<void>(site.add("1", {.names = {"*.gate.example"}}));
    const auto context = site.context();
    for (const char* host :
         {"other.example", "gate.example", "a.b.gate.example", "example", "gate"}) {
        EXPECT_EQ(shown(context, {.host = host}),
                  std::string("there is no certificate for ") + host);
        Client client({.host = host});
        Server server(context);
        talk(client, server);
        EXPECT_THAT(client.error(), HasSubstr("unrecognized name"));
        EXPECT_EQ(server.session.server_name(), host);
    }
    for (const char* host : {"*.gate.example", "a..gate.example", ".gate.example",
                             "a b.gate.example", "a\nb.gate.example", "."}) {
        EXPECT_EQ(shown(context, {.host = host}), "the client asks for what is no name of a host");
    }
    EXPECT_EQ(shown(context, {.host = std::string(242, 'a') + ".gate.example"}).substr(0, 10),
              "the client");
}

TEST(TlsContext, TheClientsSignaturesDecideTheKey) {
    Site site;
    const auto rsa = site.add("1", {.kind = "RSA"});
    const auto ec = site.add("2", {.kind = "EC"});
    const auto ed = site.add("3", {.kind = "ED25519"});
    const auto context = site.context();
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        const auto with = [version](const char* signatures) {
            return Wishes{.version_min = version, .version_max = version, .signatures = signatures};
        };
        EXPECT_EQ(shown(context, with("rsa_pss_rsae_sha256")), rsa);
        EXPECT_EQ(shown(context, with("ecdsa_secp256r1_sha256")), ec);
        EXPECT_EQ(shown(context, with("ed25519")), ed);
        EXPECT_EQ(shown(context, with("ecdsa_secp256r1_sha256:rsa_pss_rsae_sha256")), ec);
    }
    EXPECT_EQ(shown(context, {.signatures = "ecdsa_secp384r1_sha384",
                              .ciphers = "ECDHE-RSA-AES128-GCM-SHA256"})
                  .substr(0, 20),
              "the handshake failed");
    // A visitor who names nobody has the same choice.
    EXPECT_EQ(shown(context, {.host = "", .signatures = "ecdsa_secp256r1_sha256"}), ec);
}

TEST(TlsContext, OfTwoOfAKindTheOneThatEndsLastWins) {
    Site site;
    const auto soon = site.add("1", {.until_s = 5000});
    const auto late = site.add("2", {.until_s = 9000});
    const auto over = site.add("3", {.from_s = -10'000, .until_s = -100});
    EXPECT_EQ(shown(site.context(), {}), late);
    const auto not_yet = site.add("4", {.from_s = 5000, .until_s = 50'000});
    EXPECT_EQ(shown(site.context(), {}), late);
    // Before and behind all of them.
    const auto made = Context::make(site.read(now_s() + 7000), site.tickets);
    EXPECT_EQ(shown(*made, {}), not_yet);
}

TEST(TlsContext, WhatHasExpiredIsServedWhereThereIsNoOther) {
    Site site;
    const auto over = site.add("1", {.from_s = -10'000, .until_s = -100});
    EXPECT_EQ(shown(site.context(), {}), over);
}

TEST(TlsContext, SendsTheChain) {
    Site site;
    const Issued root = issue({.names = {"root"}, .is_authority = true});
    const Issued between = issue({.names = {"between"}, .is_authority = true}, &root);
    put(site.folder, "a", issue({}, &between), between.pem());
    Client client({});
    X509_STORE_add_cert(SSL_CTX_get_cert_store(SSL_get_SSL_CTX(client.ssl())),
                        root.certificate.get());
    SSL_set_verify(client.ssl(), SSL_VERIFY_PEER, nullptr);
    SSL_set1_host(client.ssl(), "a.example");
    Server server(site.context());
    talk(client, server);
    EXPECT_TRUE(client.is_established()) << client.error();
    EXPECT_EQ(client.chain_length(), 2);
}

TEST(TlsContext, AgreesOnAProtocol) {
    Site site;
    static_cast<void>(site.add("a", {}));
    const auto agreed = [&site](const std::vector<std::string>& offered,
                                const Context::Options& options = {}) {
        Client client({.protocols = offered});
        Server server(site.context(options));
        talk(client, server);
        EXPECT_EQ(client.protocol(), server.session.protocol());
        return server.session.error().empty() ? client.protocol() : server.session.error();
    };
    EXPECT_EQ(agreed({}), "");
    EXPECT_EQ(agreed({"h2", "http/1.1"}), "http/1.1");
    EXPECT_EQ(agreed({"http/1.0"}), "http/1.0");
    EXPECT_EQ(agreed({"http/1.0", "http/1.1"}), "http/1.1");
    EXPECT_EQ(agreed({"h2"}), "the client speaks none of our protocols");
    EXPECT_EQ(agreed({"http/1"}), "the client speaks none of our protocols");
    EXPECT_EQ(agreed({"http/1.1", "h2"}, {.protocols = {"h2", "http/1.1"}}), "h2");
    Client client({.protocols = {"acme-tls/1"}});
    Server server(site.context());
    talk(client, server);
    EXPECT_THAT(client.error(), HasSubstr("no application protocol"));
}

class OcspTest : public ::testing::TestWithParam<int> {
  protected:
    OcspTest() { put(site_.folder, "a", issued_, authority_.pem()); }
    std::string stapled(bool asks = true) {
        Client client(
            {.version_min = GetParam(), .version_max = GetParam(), .asks_for_status = asks});
        Server server(site_.context());
        talk(client, server);
        EXPECT_TRUE(server.session.is_established()) << server.session.error();
        return client.status();
    }

    Site site_;
    Issued authority_ = issue({.names = {"CA"}, .is_authority = true});
    Issued issued_ = issue({}, &authority_);
};

INSTANTIATE_TEST_SUITE_P(Tls, OcspTest, ::testing::Values(TLS1_2_VERSION, TLS1_3_VERSION));

TEST_P(OcspTest, IsStapledWhereTheFileIsGoodAndTheClientAsks) {
    EXPECT_EQ(stapled(), "");
    const auto response = ocsp_response(issued_, authority_);
    static_cast<void>(site_.folder.write("a.ocsp", response));
    EXPECT_EQ(stapled(), response);
    EXPECT_EQ(stapled(false), "");
}

TEST_P(OcspTest, IsNotStapledOnceItHasExpired) {
    static_cast<void>(
        site_.folder.write("a.ocsp", ocsp_response(issued_, authority_, {.until_s = -60})));
    EXPECT_EQ(stapled(), "");
    // … even if it was good when it was read.
    const auto context = Context::make(site_.read(now_s() - 3600), site_.tickets);
    EXPECT_TRUE((*context)->certificates().shown().front().is_stapled);
    Client client({.asks_for_status = true});
    Server server(*context);
    talk(client, server);
    EXPECT_EQ(client.status(), "");
}

TEST_P(OcspTest, IsThatOfTheCertificateThatWasChosen) {
    put(site_.folder, "b", issue({.kind = "RSA"}, &authority_), authority_.pem());
    static_cast<void>(site_.folder.write("a.ocsp", ocsp_response(issued_, authority_)));
    Client client({.signatures = "rsa_pss_rsae_sha256", .asks_for_status = true});
    Server server(site_.context());
    talk(client, server);
    EXPECT_TRUE(client.is_established());
    EXPECT_EQ(client.status(), "");
}

TEST(TlsContext, ServesManyThreads) {
    Site site;
    static_cast<void>(site.add("a", {}));
    static_cast<void>(site.add("b", {.names = {"b.example"}, .kind = "RSA"}));
    const auto context = site.context();
    std::vector<std::thread> threads;
    threads.reserve(4);
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&context, &site, i] {
            for (int turn = 0; turn < 25; ++turn) {
                Client client({.host = turn % 2 == 0 ? "a.example" : "b.example"});
                Server server(context);
                talk(client, server);
                EXPECT_TRUE(server.session.is_established());
                site.tickets->rotate(1800 * (turn + i));
            }
        });
    }
    for (auto& thread : threads) {
        thread.join();
    }
}

}  // namespace
}  // namespace portreeve::tls::test
