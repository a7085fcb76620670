#include "daemon/tls/ticket_keys.h"

#include <gtest/gtest.h>

#include "tests/unit/tls/conversation.h"

namespace portreeve::tls::test {
namespace {

constexpr std::int64_t kHourS = TicketKeys::kRotateS;

class TicketTest : public ::testing::TestWithParam<int> {
  protected:
    TicketTest() {
        static_cast<void>(site_.add("a", {.names = {"a.example", "b.example"}}));
        context_ = site_.context();
    }

    // Comes with `ticket`; whether it was taken. The tickets that it was given are in tickets_.
    bool resumes(const std::shared_ptr<const Context>& context, SSL_SESSION* ticket,
                 const std::string& host = "a.example") {
        // A copy, since OpenSSL's client takes none twice, and changes what it has.
        const Ticket copy(ticket != nullptr ? SSL_SESSION_dup(ticket) : nullptr);
        Client client({.host = host,
                       .version_min = GetParam(),
                       .version_max = GetParam(),
                       .protocols = {"http/1.1"},
                       .ticket = copy.get()});
        Server server(context);
        talk(client, server);
        EXPECT_TRUE(server.session.is_established()) << server.session.error();
        EXPECT_EQ(server.session.protocol(), "http/1.1");
        client.write("x");
        talk(client, server);
        EXPECT_EQ(server.got, "x");
        // Or OpenSSL's client would not take it again.
        client.close_notify();
        talk(client, server);
        keep_tickets(client, ticket);
        EXPECT_EQ(server.session.is_resumed(), SSL_session_reused(client.ssl()) == 1);
        return server.session.is_resumed();
    }
    // Of a resumed session of TLS 1.2, OpenSSL does not tell that there is another.
    void keep_tickets(Client& client, SSL_SESSION* former) {
        tickets_.clear();
        if (GetParam() == TLS1_3_VERSION || former == nullptr) {
            for (const auto& one : client.tickets()) {
                tickets_.emplace_back(SSL_SESSION_dup(one.get()));
            }
            return;
        }
        Ticket now(SSL_get1_session(client.ssl()));
        if (bytes_of(now.get()) != bytes_of(former)) {
            tickets_.push_back(std::move(now));
        }
    }
    static std::string bytes_of(const SSL_SESSION* ticket) {
        const unsigned char* bytes = nullptr;
        std::size_t size = 0;
        SSL_SESSION_get0_ticket(ticket, &bytes, &size);
        return {reinterpret_cast<const char*>(bytes), size};
    }
    Ticket ticket() {
        EXPECT_FALSE(resumes(context_, nullptr));
        EXPECT_EQ(tickets_.size(), GetParam() == TLS1_2_VERSION ? 1U : 2U);
        return tickets_.empty() ? nullptr : std::move(tickets_.back());
    }

    Site site_;
    std::shared_ptr<const Context> context_;
    std::vector<Ticket> tickets_;
};

INSTANTIATE_TEST_SUITE_P(Tls, TicketTest, ::testing::Values(TLS1_2_VERSION, TLS1_3_VERSION));

TEST_P(TicketTest, AreTakenAgain) {
    const auto first = ticket();
    EXPECT_TRUE(resumes(context_, first.get()));
    // Those of TLS 1.3 are for one use, and so there is another.
    EXPECT_EQ(tickets_.size(), GetParam() == TLS1_2_VERSION ? 0U : 1U);
}

// So that nobody comes with one that cannot be opened any more.
TEST_P(TicketTest, SayHowLongTheyAreGood) {
    EXPECT_EQ(SSL_SESSION_get_ticket_lifetime_hint(ticket().get()), 2U * kHourS);
}

TEST_P(TicketTest, AreTakenByAnotherContext) {
    const auto first = ticket();
    static_cast<void>(site_.add("a", {}));  // renewed
    EXPECT_TRUE(resumes(site_.context(), first.get()));
}

TEST_P(TicketTest, AreNotTakenWithOtherKeys) {
    const auto first = ticket();
    site_.tickets = std::make_shared<TicketKeys>(0);
    EXPECT_FALSE(resumes(site_.context(), first.get()));
}

TEST_P(TicketTest, AreTakenByTwoMoreKeysAndRenewed) {
    const auto first = ticket();
    site_.tickets->rotate(kHourS - 1);
    EXPECT_TRUE(resumes(context_, first.get()));
    site_.tickets->rotate(kHourS);
    EXPECT_TRUE(resumes(context_, first.get()));
    ASSERT_EQ(tickets_.size(), 1U);
    const auto renewed = std::move(tickets_.back());
    site_.tickets->rotate(2 * kHourS);
    EXPECT_TRUE(resumes(context_, first.get()));
    site_.tickets->rotate(3 * kHourS);
    EXPECT_FALSE(resumes(context_, first.get()));
    EXPECT_TRUE(resumes(context_, renewed.get()));
}

TEST_P(TicketTest, AreOverAfterALongSleep) {
    const auto first = ticket();
    site_.tickets->rotate(3 * kHourS);
    EXPECT_FALSE(resumes(context_, first.get()));
    const auto second = ticket();
    EXPECT_TRUE(resumes(context_, second.get()));
}

TEST_P(TicketTest, AreForTheHostTheyWereMadeFor) {
    const auto first = ticket();
    EXPECT_FALSE(resumes(context_, first.get(), "b.example"));
    EXPECT_FALSE(resumes(context_, first.get(), ""));
    EXPECT_TRUE(resumes(context_, first.get(), "A.example"));
}

TEST_P(TicketTest, AreNotTakenWhenChanged) {
    const auto first = ticket();
    for (const std::size_t at : {0U, 20U, 60U, 150U}) {
        const unsigned char* bytes = nullptr;
        std::size_t size = 0;
        SSL_SESSION_get0_ticket(first.get(), &bytes, &size);
        ASSERT_GT(size, 150U);
        const_cast<unsigned char*>(bytes)[at] ^= 1U;
        EXPECT_FALSE(resumes(context_, first.get()));
        const_cast<unsigned char*>(bytes)[at] ^= 1U;
    }
    EXPECT_TRUE(resumes(context_, first.get()));
}

}  // namespace
}  // namespace portreeve::tls::test
