// Who gets an http name, and where requests for it go.

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "daemon/leases.h"
#include "tests/unit/daemon/keeper.h"

namespace portreeve::daemon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr std::int64_t kLater = 4'000'000'000;
constexpr std::int64_t kNowMs = 1'000;
const Refusal kCancelled{"cancelled", "taken back"};

class LeasesHttp : public ::testing::Test {
  protected:
    LeasesHttp() {
        http_.domain = "gate.example.com";
        leases_.use_urls(http_urls(http_));
    }

    [[nodiscard]] Leases::Claimant client(std::uint64_t number, const std::string& owner = "ann",
                                          const std::string& label = "desk") {
        return {owner, label, {&keeper_, number}, "192.0.2.1:4022", {}, {}, is_among(owner)};
    }
    // … who shares what he has.
    [[nodiscard]] Leases::Claimant sharing(std::uint64_t number, const std::string& owner,
                                           const std::string& with) {
        Leases::Claimant made = client(number, owner);
        made.name_rules.share = *ssh::Audience::parse(with);
        return made;
    }
    static Leases::IsAmong is_among(const std::string& who) {
        return [who](const std::string& owner, const ssh::Audience& audience) {
            return owner == who || audience.anyone ||
                   std::count(audience.members.begin(), audience.members.end(), who) == 1;
        };
    }
    tl::expected<Leases::Claim, Refusal> claim(const Leases::Claimant& who,
                                               const std::string& address,
                                               std::uint32_t port = 80) {
        const ssh::ForwardWish wish{address, port};
        const auto name = http_name_of(wish, who.owner, who.label, http_);
        EXPECT_TRUE(name) << name.error().sentence;
        return leases_.claim(who, wish, {}, &*name);
    }
    void lose(const Leases::Claim& claim) {
        EXPECT_TRUE(leases_.hold(claim.lease, claim.turn, {&keeper_, 0}, kLater, {"lost", "gone"}));
    }
    // The client that a request goes to, "2", "held", or "" for nobody.
    std::string goes(const std::string& path, const std::string& host = "blog.gate.example.com",
                     std::int64_t now_ms = kNowMs) {
        const auto place = leases_.find_http(host, path, now_ms);
        return !place ? "" : place->held ? "held" : std::to_string(place->holder.client);
    }
    static std::string code(const tl::expected<Leases::Claim, Refusal>& claim) {
        return claim ? "" : std::string(std::string_view(claim.error().code));
    }
    // Whether what was done changed the number.
    bool revised() { return std::exchange(revision_, leases_.http_revision()) != revision_; }

    test::Keeper keeper_;
    conf::Http http_;
    NewsBoard news_;
    Leases leases_{&news_};
    std::uint64_t revision_ = 0;
};

TEST_F(LeasesHttp, ANameIsFoundByItsHost) {
    const auto got = claim(client(1), "blog");
    ASSERT_TRUE(got) << got.error().sentence;
    EXPECT_THAT(got->sockets, IsEmpty());
    EXPECT_EQ(got->lease->kind(), LeaseKind::http);
    EXPECT_EQ(got->lease->address_text(), "blog.gate.example.com");
    const auto place = leases_.find_http("blog.gate.example.com", "/any?query", kNowMs);
    ASSERT_TRUE(place);
    EXPECT_EQ(place->lease, got->lease);
    EXPECT_EQ(place->turn, got->turn);
    EXPECT_TRUE(place->lease->held_since(place->turn));
    EXPECT_EQ(place->holder, (LeaseHolder{&keeper_, 1}));
    EXPECT_FALSE(place->held);
    EXPECT_TRUE(place->alone);
    EXPECT_EQ(goes("/", "other.gate.example.com"), "");
    EXPECT_EQ(goes("/", "gate.example.com"), "");
    EXPECT_EQ(leases_.counts().http.open, 1U);
    EXPECT_EQ(leases_.counts().open(), 1U);
    EXPECT_EQ(leases_.find_name("blog", 80, is_among("ann")), nullptr) << "it is no private name";
    EXPECT_TRUE(leases_.end(got->lease, got->turn, kCancelled));
    EXPECT_EQ(goes("/"), "");
    EXPECT_EQ(leases_.counts().open(), 0U);
}

TEST_F(LeasesHttp, ThePathIsTheLongestThatTheRequestIsBelow) {
    ASSERT_TRUE(claim(client(1), "blog"));
    ASSERT_TRUE(claim(client(2), "blog/api"));
    ASSERT_TRUE(claim(client(2), "blog/api/v1"));
    const std::string longest = "/" + std::string(127, 'p');
    ASSERT_TRUE(claim(client(3), "blog" + longest));
    EXPECT_EQ(leases_.find_http("blog.gate.example.com", "/api/v1/x", 0)->lease->terms().path,
              "/api/v1");
    for (const char* path : {"/api", "/api/", "/api?x=/y", "/api/v2", "/api/v1x", "/api/?a"}) {
        EXPECT_EQ(leases_.find_http("blog.gate.example.com", path, 0)->lease->terms().path, "/api")
            << path;
    }
    for (const char* path : {"/", "", "/apis", "/ap", "/x?/api", "/API", "*", "/x/api"}) {
        EXPECT_EQ(leases_.find_http("blog.gate.example.com", path, 0)->lease->terms().path, "")
            << path;
    }
    EXPECT_EQ(goes(longest), "3");
    EXPECT_EQ(goes(longest + "/more"), "3");
    EXPECT_EQ(goes(longest + "p"), "1");
    EXPECT_FALSE(leases_.find_http("blog.gate.example.com", "/", 0)->alone);
}

TEST_F(LeasesHttp, BelowNoPathIsNobody) {
    ASSERT_TRUE(claim(client(1), "blog/api"));
    EXPECT_EQ(goes("/"), "");
    EXPECT_EQ(goes("/apis"), "");
    EXPECT_EQ(goes("/api"), "1");
}

TEST_F(LeasesHttp, TheOwnerTakesItOverAndNobodyElse) {
    const auto first = claim(client(1), "blog");
    const auto again = claim(client(2), "BLOG.gate.example.com", 443);
    ASSERT_TRUE(again);
    EXPECT_TRUE(again->again);
    EXPECT_EQ(again->lease, first->lease) << "80 and 443 are one name";
    ASSERT_THAT(again->displaced, SizeIs(1));
    EXPECT_EQ(again->displaced.front().holder.client, 1U);
    EXPECT_FALSE(first->lease->held_since(first->turn));
    EXPECT_EQ(goes("/"), "2");
    const auto stranger = claim(client(3, "eve"), "blog");
    EXPECT_EQ(code(stranger), "address_leased");
    EXPECT_EQ(stranger.error().sentence, "blog.gate.example.com is in use by another key");
    EXPECT_EQ(code(claim(client(3, "eve"), "blog/other")), "address_leased") << "all its paths";
    lose(*again);
    EXPECT_THAT(claim(client(3, "eve"), "blog").error().sentence, HasSubstr("which is away"));
    EXPECT_TRUE(claim(client(4), "blog"));
}

TEST_F(LeasesHttp, ASessionHasItOnce) {
    ASSERT_TRUE(claim(client(1), "blog"));
    const auto twice = claim(client(1), "blog", 443);
    EXPECT_EQ(code(twice), "address_in_use");
    EXPECT_THAT(twice.error().sentence, HasSubstr("serves both http and https"));
    EXPECT_TRUE(claim(client(1), "blog/api")) << "another path is another";
    EXPECT_TRUE(claim(client(2), "blog/doc")) << "of another session too";
    EXPECT_EQ(goes("/"), "1");
    EXPECT_EQ(goes("/doc"), "2");
}

TEST_F(LeasesHttp, SharedOwnersServeInTurn) {
    ASSERT_TRUE(claim(sharing(1, "ann", "bob"), "blog"));
    const auto second = claim(client(2, "bob"), "blog");
    ASSERT_TRUE(second);
    EXPECT_FALSE(second->again);
    EXPECT_EQ(code(claim(client(3, "eve"), "blog")), "address_leased");
    std::vector<std::string> turns;
    for (int count = 0; count < 4; ++count) {
        turns.push_back(goes("/"));
    }
    EXPECT_THAT(turns, ElementsAre("1", "2", "1", "2"));
    lose(*second);
    EXPECT_EQ(goes("/") + goes("/"), "11") << "who is away is passed over";
    EXPECT_TRUE(claim(client(4, "bob", "laptop"), "blog")) << "told apart by their labels";
    EXPECT_EQ(leases_.counts().http.open, 2U);
    EXPECT_EQ(leases_.counts().http.held, 1U);
}

TEST_F(LeasesHttp, WhoseTargetRefusesIsSetAside) {
    const auto first = claim(sharing(1, "ann", "bob"), "blog");
    const auto second = claim(client(2, "bob"), "blog");
    leases_.set_aside(first->lease, kNowMs + 10);
    EXPECT_EQ(goes("/") + goes("/"), "22");
    leases_.set_aside(second->lease, kNowMs + 10);
    EXPECT_THAT((std::vector{goes("/"), goes("/")}), ::testing::UnorderedElementsAre("1", "2"))
        << "where all are, they have their turns";
    leases_.set_aside(second->lease, 0);
    EXPECT_EQ(goes("/") + goes("/"), "22");
    EXPECT_THAT((std::vector{goes("/", "blog.gate.example.com", kNowMs + 10),
                             goes("/", "blog.gate.example.com", kNowMs + 10)}),
                ::testing::UnorderedElementsAre("1", "2"));
    lose(*second);
    EXPECT_EQ(goes("/"), "1") << "rather than one who is away";
    const auto again = claim(client(3, "bob"), "blog");
    EXPECT_EQ(goes("/") + goes("/"), "33");
}

TEST_F(LeasesHttp, WhoIsAwayIsFoundTooAndSince) {
    lose(*claim(client(1), "blog"));
    const auto place = leases_.find_http("blog.gate.example.com", "/", kNowMs);
    ASSERT_TRUE(place);
    EXPECT_TRUE(place->held);
    EXPECT_EQ(place->holder.client, 0U);
    EXPECT_GT(place->since_s, 1'700'000'000);
}

TEST_F(LeasesHttp, TheRevisionChangesWithTheAnswer) {
    revised();
    const auto first = claim(client(1), "blog");
    EXPECT_TRUE(revised());
    static_cast<void>(goes("/"));
    EXPECT_FALSE(revised());
    leases_.set_aside(first->lease, kLater);
    EXPECT_TRUE(revised());
    const auto second = claim(client(2), "blog");
    EXPECT_TRUE(revised());
    lose(*second);
    EXPECT_TRUE(revised());
    ASSERT_TRUE(claim(client(3), "blog/api"));
    EXPECT_TRUE(revised());
    EXPECT_TRUE(leases_.claim(client(3), {"pc42", 22}, {}));
    EXPECT_FALSE(revised()) << "what is not of http does not matter";
    EXPECT_THAT(leases_.kick("", "blog", kCancelled), SizeIs(2));
    EXPECT_TRUE(revised());
}

TEST_F(LeasesHttp, ADerivedNameIsTheSameAgain) {
    const auto first = claim(client(1), "");
    ASSERT_TRUE(first);
    const std::string host = first->lease->terms().host;
    EXPECT_EQ(host, http_name_of({"", 80}, "ann", "desk", http_)->host);
    EXPECT_TRUE(leases_.end(first->lease, first->turn, kCancelled));
    EXPECT_EQ(claim(client(2), "localhost", 443)->lease->terms().host, host);
    EXPECT_NE(claim(client(3, "ann", "laptop"), "")->lease->terms().host, host);
    EXPECT_NE(claim(client(4, "bob"), "")->lease->terms().host, host);
}

TEST_F(LeasesHttp, ADerivedNameIsTheNextOneOnlyWhileTheFirstIsAnothers) {
    const auto name = *http_name_of({"", 80}, "ann", "desk", http_);
    const auto eve = claim(sharing(1, "eve", "any"), name.host);
    ASSERT_TRUE(eve);
    const auto next = claim(client(2), "");
    ASSERT_TRUE(next);
    EXPECT_EQ(next->lease->terms().host, name.other_hosts.front())
        << "and nobody is put among strangers, even if they share";
    EXPECT_TRUE(leases_.end(eve->lease, eve->turn, kCancelled));
    EXPECT_EQ(claim(client(3), "")->lease, next->lease) << "as long as he has it, it is his name";
    EXPECT_EQ(claim(client(3), "/api")->lease->terms().host, name.other_hosts.front());
}

TEST_F(LeasesHttp, WhoHasAllDerivedNamesHasThemAll) {
    const auto name = *http_name_of({"", 80}, "ann", "desk", http_);
    ASSERT_TRUE(claim(client(1, "eve"), name.host));
    for (const std::string& host : name.other_hosts) {
        ASSERT_TRUE(claim(client(1, "eve"), host));
    }
    EXPECT_EQ(code(claim(client(2), "")), "address_leased");
    const ssh::ForwardWish wish{"", 80};
    EXPECT_NE(leases_.why_anothers("ann", "desk", is_among("ann"), wish, {}, &name), std::nullopt);
    EXPECT_EQ(leases_.why_anothers("eve", "desk", is_among("eve"), wish, {}, &name), std::nullopt);
}

TEST_F(LeasesHttp, CredentialsAreWrittenNowhere) {
    news_.for_command().want(conf::Events().on);
    const auto first = claim(client(1), "user:secret1@blog/api");
    const auto again = claim(client(2), "user:secret2@blog/api");
    lose(*again);
    EXPECT_EQ(first->lease->terms().requested, "blog/api");
    std::string shown = first->lease->address_text() + leases_.url_of(first->lease) +
                        json_of(leases_.entries().front());
    const auto kept = format_leases(leases_.records());
    ASSERT_TRUE(kept);
    shown += *kept;
    while (const auto news = news_.for_command().take([](const std::string&) { return false; })) {
        shown += news->text + news->about;
    }
    EXPECT_THAT(shown, HasSubstr("blog"));
    EXPECT_THAT(shown, Not(HasSubstr("secret")));
    EXPECT_THAT(shown, Not(HasSubstr("user:")));
}

TEST_F(LeasesHttp, IsShownByItsUrl) {
    ASSERT_TRUE(claim(client(1), "u:p@blog/api", 443));
    const TunnelEntry entry = leases_.entries().front();
    EXPECT_EQ(entry.kind, LeaseKind::http);
    EXPECT_EQ(entry.name, "blog");
    EXPECT_EQ(entry.user, "desk");
    EXPECT_EQ(entry.address, "blog.gate.example.com");
    EXPECT_EQ(entry.port, 443);
    EXPECT_EQ(entry.requested, "blog/api:443");
    EXPECT_EQ(entry.url, "http://blog.gate.example.com/api");
    ASSERT_TRUE(claim(client(2), "blog/api", 80));
    EXPECT_EQ(leases_.entries().front().port, 80) << "as asked last";
    EXPECT_EQ(leases_.entries().front().requested, "blog/api:80");
    leases_.use_urls({"https", 8443, "gate.example.com"});
    EXPECT_EQ(leases_.entries().front().url, "https://blog.gate.example.com:8443/api");
}

TEST_F(LeasesHttp, IsKickedByLabelHostAndUrl) {
    for (const char* called :
         {"blog", "blog:80", "blog.gate.example.com", "http://blog.gate.example.com/api"}) {
        ASSERT_TRUE(claim(client(1), "blog/api"));
        EXPECT_THAT(leases_.kick("eve", called, kCancelled), IsEmpty());
        EXPECT_THAT(leases_.kick("ann", called, kCancelled), SizeIs(1)) << called;
        EXPECT_EQ(goes("/api"), "");
    }
    ASSERT_TRUE(claim(client(1), "blog"));
    EXPECT_THAT(leases_.kick("", "80", kCancelled), IsEmpty()) << "its port is all names'";
}

TEST_F(LeasesHttp, IsTheOwnersAfterARestart) {
    lose(*claim(sharing(1, "ann", "bob"), "u:p@Blog/api", 443));
    const auto text = format_leases(leases_.records());
    ASSERT_TRUE(text);
    Leases next;
    next.use_urls(http_urls(http_));
    const auto records = parse_leases(*text);
    ASSERT_TRUE(records && records->size() == 1);
    const auto restored = next.restore(records->front(), {&keeper_, 0}, {});
    EXPECT_EQ(restored.lease->kind(), LeaseKind::http);
    EXPECT_EQ(next.counts().http.held, 1U);
    EXPECT_TRUE(next.find_http("blog.gate.example.com", "/api", kNowMs)->held);
    EXPECT_EQ(next.entries().front().requested, "Blog/api:443");
    const auto claim_there = [&](const Leases::Claimant& who) {
        const ssh::ForwardWish wish{"blog/api", 80};
        const auto name = http_name_of(wish, who.owner, who.label, http_);
        return next.claim(who, wish, {}, &*name);
    };
    EXPECT_EQ(code(claim_there(client(5, "eve"))), "address_leased");
    EXPECT_EQ(claim_there(client(2))->lease, restored.lease);
    EXPECT_NE(claim_there(client(3, "bob"))->lease, restored.lease) << "it is shared as before";
}

TEST_F(LeasesHttp, FollowsTheRulesOfItsHolder) {
    ASSERT_TRUE(claim(client(1), "blog"));
    EXPECT_EQ(code(claim(client(2, "bob"), "blog")), "address_leased");
    leases_.set_name_rules({&keeper_, 1}, {{}, *ssh::Audience::parse("bob")});
    EXPECT_TRUE(claim(client(2, "bob"), "blog"));
}

}  // namespace
}  // namespace portreeve::daemon
