// Who gets an address that was somebody's: its owner, always; a stranger, only after the lease.

#include "daemon/leases.h"

#include <gmock/gmock.h>
#include <sys/socket.h>

#include <nlohmann/json.hpp>

#include "tests/unit/daemon/keeper.h"

namespace portreeve::daemon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::int64_t kLater = 4'000'000'000;
const Refusal kCancelled{"cancelled", "taken back"};
const Refusal kKicked{"kicked", "ended by its owner"};

class LeasesTest : public ::testing::Test {
  protected:
    LeasesTest() { rules_.pool = {28'000, 28'999}; }

    // A client of its own for each number; `label` is the login name.
    [[nodiscard]] Leases::Claimant client(std::uint64_t number, const std::string& owner = "ann",
                                          const std::string& label = "desk") {
        return {owner, label, {&keeper_, number}, "192.0.2.1:4022", {}, {}, is_among(owner)};
    }
    // Whoever is named by himself, or of whom all are.
    static Leases::IsAmong is_among(const std::string& who) {
        return [who](const std::string& owner, const ssh::Audience& audience) {
            return owner == who || audience.anyone ||
                   std::count(audience.members.begin(), audience.members.end(), who) == 1;
        };
    }
    tl::expected<Leases::Claim, Refusal> claim(const Leases::Claimant& who, std::uint32_t port,
                                               const std::string& address = "127.0.0.1") {
        return leases_.claim(who, {address, port}, rules_);
    }
    // The client is gone; the main thread has the lease.
    Leases::Claim lose(const Leases::Claim& claim) {
        auto held = leases_.hold(claim.lease, claim.turn, {&keeper_, 0}, kLater, {"lost", "gone"});
        EXPECT_TRUE(held);
        return std::move(*held);
    }
    static std::uint16_t port(const Leases::Claim& claim) { return claim.lease->terms().port; }
    static std::string code(const tl::expected<Leases::Claim, Refusal>& claim) {
        return claim ? "" : std::string(std::string_view(claim.error().code));
    }
    static bool listens(const uring::Fd& socket) {
        int yes = 0;
        socklen_t size = sizeof(yes);
        return getsockopt(socket.get(), SOL_SOCKET, SO_ACCEPTCONN, &yes, &size) == 0 && yes == 1;
    }

    // What was told since this was last asked: "up", "held: lost", "taken: taken_over", each with
    // who had it before.
    std::vector<std::string> told() {
        std::vector<std::string> all;
        while (const auto news =
                   news_.for_command().take([](const std::string&) { return false; })) {
            const auto object = nlohmann::json::parse(news->text);
            const std::string why = object.value("code", "");
            all.push_back(object.value("event", "") + (why.empty() ? "" : ": " + why) +
                          (object.contains("former_client") ? " of " : "") +
                          object.value("former_client", ""));
        }
        return all;
    }
    void tell_all() { news_.for_command().want(conf::Events().on); }

    test::Keeper keeper_;
    NewsBoard news_;
    Leases leases_{&news_};
    conf::Forward rules_;
};

TEST_F(LeasesTest, ANewOneIsBoundAndNobodyHadIt) {
    const auto got = claim(client(1), 0);
    ASSERT_TRUE(got) << got.error().sentence;
    EXPECT_GE(port(*got), 28'000);
    ASSERT_THAT(got->sockets, SizeIs(1));
    EXPECT_TRUE(listens(got->sockets.front()));
    EXPECT_THAT(got->displaced, SizeIs(0));
    EXPECT_FALSE(got->again);
    EXPECT_TRUE(got->lease->held_since(got->turn));
    EXPECT_EQ(leases_.counts().open(), 1U);
}

TEST_F(LeasesTest, PortZeroIsTheOwnersAgain) {
    const auto first = claim(client(1), 0);
    const auto second = claim(client(1), 0);
    const Leases::Claim held = lose(*first);
    static_cast<void>(lose(*second));
    EXPECT_FALSE(first->lease->held_since(first->turn));
    EXPECT_EQ(leases_.counts().held(), 2U);
    const auto again = claim(client(2), 0);
    EXPECT_EQ(port(*again), port(*first)) << "the first asked for is the first to come back";
    EXPECT_TRUE(again->again);
    ASSERT_THAT(again->displaced, SizeIs(1));
    EXPECT_EQ(again->displaced.front().holder.client, 0U);
    EXPECT_FALSE(held.lease->held_since(held.turn));
    EXPECT_EQ(port(*claim(client(2), 0)), port(*second));
}

TEST_F(LeasesTest, WhoHasAsManyAsAllowedMayTakeOverWhatIsHisElsewhere) {
    const auto port_one = claim(client(1), 28'600);
    const auto any = claim(client(1), 0, "127.0.0.5");
    const auto name = claim(client(1), 22, "pc42");
    const auto gone = claim(client(1), 28'601);
    static_cast<void>(lose(*gone));
    Leases::Claimant full = client(2);
    full.full = Refusal{"limit_tunnels_per_key", "too many"};
    full.silent = {{&keeper_, 1}};
    EXPECT_TRUE(claim(full, 28'600));
    EXPECT_EQ(port(*claim(full, 0, "127.0.0.5")), port(*any));
    EXPECT_TRUE(claim(full, 22, "PC42"));
    EXPECT_EQ(code(claim(full, 28'601)), "limit_tunnels_per_key") << "it was not open";
    EXPECT_EQ(code(claim(full, 28'602)), "limit_tunnels_per_key");
    EXPECT_EQ(code(claim(full, 0)), "limit_tunnels_per_key");
    EXPECT_EQ(code(claim(full, 22, "other")), "limit_tunnels_per_key");
    EXPECT_TRUE(claim(client(2), 28'601)) << "it was not lost by that";
}

TEST_F(LeasesTest, ANameIsTakenOverByItsOwnLabelFirst) {
    Leases::Claimant one = client(1, "ann", "one");
    one.name_rules.share = ssh::Audience::parse("any").value();
    ASSERT_TRUE(claim(one, 22, "x"));
    ASSERT_TRUE(claim(client(2, "ann", "two"), 22, "x"));
    const auto again = claim(client(3, "ann", "one"), 22, "x");  // does not share it any more
    const auto two = claim(client(4, "ann", "two"), 22, "x");
    ASSERT_TRUE(two);
    EXPECT_NE(two->lease, again->lease);
    EXPECT_EQ(leases_.label_of(two->lease), "two");
    EXPECT_TRUE(format_leases(leases_.records()));
}

TEST_F(LeasesTest, WhatMadeRoomForAWishThatFailsIsTold) {
    tell_all();
    Leases foreign;  // whose sockets are in the way, and are no leases of this table's
    ASSERT_TRUE(foreign.claim(client(9, "eve"), {"127.0.0.6", 28'603}, rules_));
    const auto narrow = claim(client(1), 28'603, "127.0.0.5");
    static_cast<void>(lose(*narrow));
    static_cast<void>(told());
    std::vector<Leases::Displaced> ended;
    const auto wide = leases_.claim(client(2), {"0.0.0.0", 28'603}, rules_, nullptr, &ended);
    EXPECT_EQ(code(wide), "address_in_use");
    ASSERT_THAT(ended, SizeIs(1));
    EXPECT_EQ(ended.front().lease, narrow->lease);
    EXPECT_THAT(told(), ElementsAre("down: taken_over"));
}

TEST_F(LeasesTest, PortZeroIsLikelyTheSameEvenAfterTheLease) {
    const auto first = claim(client(1), 0);
    const std::uint16_t had = port(*first);
    EXPECT_TRUE(leases_.end(first->lease, first->turn, kCancelled));
    EXPECT_EQ(port(*claim(client(2), 0)), had);
}

TEST_F(LeasesTest, PortZeroIsNotAnothersWhoAsksInTheSameWords) {
    const auto first = claim(client(1), 0);
    static_cast<void>(lose(*first));
    EXPECT_NE(port(*claim(client(2, "bob"), 0)), port(*first));
    EXPECT_NE(port(*claim(client(3, "ann", "laptop"), 0)), port(*first));
    EXPECT_NE(port(*claim(client(4), 0, "127.0.0.5")), port(*first));
}

TEST_F(LeasesTest, ALivingSessionKeepsItsPortZeroAndASilentOneDoesNot) {
    const auto first = claim(client(1), 0);
    EXPECT_NE(port(*claim(client(2), 0)), port(*first));
    Leases::Claimant who = client(3);
    who.silent = {{&keeper_, 1}};
    const auto taken = claim(who, 0);
    EXPECT_EQ(port(*taken), port(*first));
    EXPECT_EQ(taken->displaced.at(0).holder.client, 1U);
    EXPECT_THAT(leases_.siblings(client(4)), SizeIs(2));
}

TEST_F(LeasesTest, ANameIsItsOwnersWithEveryPort) {
    const auto first = claim(client(1), 22, "pc42");
    ASSERT_TRUE(first) << first.error().sentence;
    EXPECT_EQ(first->lease->kind(), LeaseKind::name);
    EXPECT_THAT(first->sockets, SizeIs(0));
    EXPECT_EQ(first->lease->address_text(), "pc42:22");
    EXPECT_EQ(code(claim(client(1), 22, "PC42")), "address_in_use");
    EXPECT_TRUE(claim(client(1), 80, "pc42")) << "another port of the same name";
    EXPECT_EQ(code(claim(client(2, "bob"), 22, "PC42")), "address_leased");
    EXPECT_EQ(code(claim(client(2, "bob"), 443, "pc42")), "address_leased");
    const auto taken = claim(client(3), 22, "PC42");
    ASSERT_TRUE(taken);
    EXPECT_EQ(taken->lease, first->lease);
    EXPECT_EQ(taken->displaced.at(0).holder.client, 1U);
}

TEST_F(LeasesTest, ANameIsFoundByThoseWhoMayReachIt) {
    Leases::Claimant owner = client(1);
    owner.name_rules.reach = *ssh::Audience::parse("ops");
    const auto got = claim(owner, 22, "Pc42");
    ASSERT_TRUE(got);
    const auto may = [](const std::string& whose, const ssh::Audience& audience) {
        return whose == "ann" && audience.members == std::vector<std::string>{"ops"};
    };
    EXPECT_EQ(leases_.find_name("pC42", 22, may), got->lease);
    EXPECT_EQ(leases_.find_name("pc42", 80, may), nullptr);
    EXPECT_EQ(leases_.find_name("pc43", 22, may), nullptr);
    const auto may_not = [](const std::string&, const ssh::Audience&) { return false; };
    EXPECT_EQ(leases_.find_name("pc42", 22, may_not), nullptr);
    static_cast<void>(lose(*got));
    EXPECT_EQ(leases_.find_name("pc42", 22, may), got->lease) << "its owner is away";
    EXPECT_TRUE(leases_.end(got->lease, got->turn + 1, kCancelled));
    EXPECT_EQ(leases_.find_name("pc42", 22, may), nullptr);
    EXPECT_TRUE(claim(client(2, "bob"), 22, "pc42"));
}

TEST_F(LeasesTest, ANameThatIsSharedServesInTurn) {
    Leases::Claimant ann = client(1);
    ann.name_rules = {*ssh::Audience::parse("any"), *ssh::Audience::parse("bob")};
    const auto first = claim(ann, 80, "web");
    const Leases::Claimant bob = client(2, "bob");
    auto second = claim(bob, 80, "web");
    ASSERT_TRUE(second) << second.error().sentence;
    EXPECT_EQ(code(claim(client(3, "eve"), 80, "web")), "address_leased");
    EXPECT_NE(leases_.why_anothers("eve", "desk", is_among("eve"), {"web", 80}, rules_),
              std::nullopt);
    EXPECT_EQ(leases_.why_anothers("bob", "desk", is_among("bob"), {"web", 80}, rules_),
              std::nullopt);

    const auto next = [&](const std::string& who) {
        return leases_.find_name("web", 80, is_among(who));
    };
    EXPECT_EQ(next("eve"), first->lease) << "bob's may be reached by bob alone";
    leases_.set_name_rules({&keeper_, 2}, ann.name_rules);
    EXPECT_EQ(next("eve"), second->lease);
    EXPECT_EQ(next("eve"), first->lease);
    EXPECT_EQ(next("eve"), second->lease);
    const auto away = lose(*second);
    EXPECT_EQ(next("eve"), first->lease) << "not to one who is away,";
    EXPECT_EQ(next("eve"), first->lease);
    static_cast<void>(lose(*first));
    EXPECT_EQ(next("eve"), second->lease) << "unless all are";
    const auto back = claim(bob, 80, "web");
    EXPECT_EQ(back->lease, second->lease);
    EXPECT_EQ(back->displaced.at(0).lease, away.lease);
}

TEST_F(LeasesTest, MachinesOfOneKeyShareANameByTheirLabels) {
    Leases::Claimant one = client(1, "ann", "one");
    one.name_rules.share = *ssh::Audience::parse("bob");
    const auto first = claim(one, 80, "web");
    const auto second = claim(client(2, "ann", "two"), 80, "web");
    ASSERT_TRUE(second);
    EXPECT_NE(second->lease, first->lease);
    const auto again = claim(client(3, "ann", "one"), 80, "web");
    EXPECT_EQ(again->lease, first->lease);
    EXPECT_EQ(again->displaced.at(0).holder.client, 1U);
}

TEST_F(LeasesTest, WhoSharesANameStillHasItWhenTheFirstOwnerDoesNotShareAnyMore) {
    Leases::Claimant ann = client(1);
    ann.name_rules.share = *ssh::Audience::parse("bob");
    const auto first = claim(ann, 80, "web");
    const auto second = claim(client(2, "bob"), 80, "web");
    leases_.set_name_rules({&keeper_, 1}, {});
    static_cast<void>(lose(*second));
    EXPECT_EQ(code(claim(client(3, "bob", "another"), 443, "web")), "address_leased");
    EXPECT_EQ(claim(client(4, "bob"), 80, "web")->lease, second->lease);
    static_cast<void>(leases_.end(first->lease, first->turn, kCancelled));
}

TEST_F(LeasesTest, TheRulesOfANameAreInItsRecord) {
    Leases::Claimant ann = client(1);
    ann.name_rules = {*ssh::Audience::parse("any"), *ssh::Audience::parse("bob,ops")};
    static_cast<void>(claim(ann, 80, "web"));
    const LeaseRecord record = leases_.records().front();
    EXPECT_EQ(record.reach, "any");
    EXPECT_EQ(record.share, "bob,ops");
    Leases after;
    static_cast<void>(after.restore(record, {&keeper_, 0}, {}));
    EXPECT_EQ(after.records().front(), record);
    EXPECT_NE(after.find_name("web", 80, is_among("eve")), nullptr);
    EXPECT_TRUE(after.claim(client(1, "bob"), {"web", 80}, rules_));
}

TEST_F(LeasesTest, AnEntryHasTheLastErrorUntilItIsOpenedAgain) {
    const auto got = claim(client(1), 22, "pc42");
    EXPECT_EQ(leases_.entries().at(0).error, "");
    EXPECT_TRUE(leases_.note_error(got->lease, {"target_refused", "nobody listens"}));
    EXPECT_EQ(leases_.entries().at(0).error, "target_refused: nobody listens");
    static_cast<void>(lose(*got));
    const TunnelEntry held = leases_.entries("ann").at(0);
    EXPECT_TRUE(held.held);
    EXPECT_EQ(held.error, "lost: gone");
    EXPECT_GT(held.error_s, 0);
    EXPECT_TRUE(claim(client(2), 22, "pc42"));
    EXPECT_EQ(leases_.entries().at(0).error, "");
    EXPECT_THAT(leases_.entries("bob"), SizeIs(0));
}

TEST_F(LeasesTest, TheRevisionIsAnotherWhereTheRecordsAre) {
    std::uint64_t before = leases_.revision();
    const auto is_another = [&] {
        const std::uint64_t now = leases_.revision();
        return std::exchange(before, now) != now;
    };
    auto got = claim(client(1), 0);
    EXPECT_TRUE(is_another()) << "a new one";
    EXPECT_TRUE(leases_.note_error(got->lease, {"target_refused", "nobody listens"}));
    EXPECT_FALSE(is_another()) << "it is in no record";
    static_cast<void>(lose(*got));
    EXPECT_TRUE(is_another()) << "held";
    got = claim(client(2), 0);
    EXPECT_TRUE(is_another()) << "taken back";
    const auto record = leases_.records().front();
    EXPECT_TRUE(leases_.end(got->lease, got->turn, kCancelled));
    EXPECT_TRUE(is_another()) << "ended";
    static_cast<void>(leases_.restore(record, {&keeper_, 0}, {}));
    EXPECT_TRUE(is_another()) << "restored";
}

TEST_F(LeasesTest, KickedIsWhatIsCalledSoAndItsOwners) {
    const auto port_one = claim(client(1), 0);
    const auto name = claim(client(2), 22, "pc42");
    ASSERT_TRUE(claim(client(3, "bob", "pc42"), 0));
    EXPECT_THAT(leases_.kick("ann", "nothing", kKicked), SizeIs(0));
    const auto kicked = leases_.kick("ann", "pc42", kKicked);
    ASSERT_THAT(kicked, SizeIs(1));
    EXPECT_EQ(kicked.front().lease, name->lease);
    EXPECT_EQ(kicked.front().holder.client, 2U);
    EXPECT_FALSE(name->lease->held_since(name->turn));
    EXPECT_THAT(leases_.kick("ann", std::to_string(port(*port_one)), kKicked), SizeIs(1));
    EXPECT_THAT(leases_.kick("", "pc42", kKicked), SizeIs(1)) << "of all owners";
    EXPECT_THAT(leases_.entries(), SizeIs(0));
}

TEST_F(LeasesTest, AreCountedByKindAndState) {
    const auto counted = [this] {
        const Leases::Counts now = leases_.counts();
        return std::vector{now.ports.open, now.ports.held, now.names.open, now.names.held};
    };
    using ::testing::ElementsAre;
    const auto port_one = claim(client(1), 28'504);
    const auto name = claim(client(1), 22, "pc42");
    ASSERT_TRUE(claim(client(1), 0));
    EXPECT_THAT(counted(), ElementsAre(2, 0, 1, 0));
    static_cast<void>(lose(*port_one));
    static_cast<void>(lose(*name));
    EXPECT_THAT(counted(), ElementsAre(1, 1, 0, 1));
    ASSERT_TRUE(claim(client(2), 28'504));
    EXPECT_THAT(counted(), ElementsAre(2, 0, 0, 1));
    EXPECT_THAT(leases_.kick("", "pc42", {"kicked", "so"}), SizeIs(1));
    EXPECT_THAT(counted(), ElementsAre(2, 0, 0, 0));
    Leases later;
    LeaseRecord record = leases_.records().front();
    record.held_until_s = kLater;
    record.port = 28'505;
    const auto restored = later.restore(record, {&keeper_, 0}, {});
    EXPECT_EQ(later.counts().ports, (Leases::Counts::Kind{0, 1}));
    EXPECT_TRUE(later.end(restored.lease, restored.turn, {"lease_over", "so"}));
    EXPECT_EQ(later.counts().ports, (Leases::Counts::Kind{0, 0}));
}

TEST_F(LeasesTest, ANameIsRestoredWithoutSockets) {
    static_cast<void>(lose(*claim(client(1), 22, "pc42")));
    const auto records = leases_.records();
    ASSERT_THAT(records, SizeIs(1));
    Leases later;
    const auto restored = later.restore(records.front(), {&keeper_, 0}, {});
    EXPECT_EQ(restored.lease->kind(), LeaseKind::name);
    EXPECT_EQ(code(later.claim(client(2, "bob"), {"pc42", 22}, rules_)), "address_leased");
    EXPECT_TRUE(later.claim(client(3), {"pc42", 22}, rules_));
}

TEST_F(LeasesTest, AFixedPortIsTakenOverByItsOwnerAndNobodyElse) {
    const auto first = claim(client(1), 28'500);
    ASSERT_TRUE(first) << first.error().sentence;
    EXPECT_EQ(code(claim(client(1), 28'500)), "address_in_use");
    EXPECT_EQ(code(claim(client(2, "bob"), 28'500)), "address_leased");
    const auto second = claim(client(3), 28'500);
    ASSERT_TRUE(second);
    EXPECT_EQ(second->lease, first->lease);
    EXPECT_EQ(second->displaced.at(0).holder.client, 1U);
    EXPECT_FALSE(leases_.hold(first->lease, first->turn, {&keeper_, 0}, kLater, {"lost", "gone"}))
        << "the former holder has nothing to hand over";
    EXPECT_FALSE(leases_.end(first->lease, first->turn, kCancelled));
    static_cast<void>(lose(*second));
    const auto stranger = claim(client(4, "bob"), 28'500);
    EXPECT_EQ(code(stranger), "address_leased");
    EXPECT_THAT(stranger.error().sentence, HasSubstr("away"));
}

TEST_F(LeasesTest, AnAddressIsAStrangersAlsoWhereTheKernelWouldGiveIt) {
    const auto first = claim(client(1), 28'501);
    leases_.unbind(first->lease);
    EXPECT_EQ(code(claim(client(2, "bob"), 28'501)), "address_leased");
    EXPECT_EQ(code(claim(client(2, "bob"), 28'501, "0.0.0.0")), "address_leased");
    EXPECT_TRUE(claim(client(2, "bob"), 28'501, "127.0.0.5"));
    EXPECT_TRUE(claim(client(2, "bob"), 28'501, "::1"));
}

TEST_F(LeasesTest, WhatTheOwnerHadUnderOtherWordsGivesWayOnlyWhileHeIsAway) {
    const auto first = claim(client(1), 28'502);
    EXPECT_EQ(code(claim(client(2), 28'502, "0.0.0.0")), "address_in_use");
    static_cast<void>(lose(*first));
    const auto wider = claim(client(2), 28'502, "0.0.0.0");
    ASSERT_TRUE(wider) << wider.error().sentence;
    EXPECT_NE(wider->lease, first->lease);
    EXPECT_THAT(wider->displaced, SizeIs(1));
    EXPECT_FALSE(leases_.holder_of(first->lease));
}

TEST_F(LeasesTest, AnEndedOneIsFreeAtOnceThoughSomebodyStillAccepts) {
    const auto first = claim(client(1), 28'503);
    EXPECT_TRUE(leases_.end(first->lease, first->turn, kCancelled));
    EXPECT_FALSE(listens(first->sockets.front()));
    EXPECT_FALSE(first->lease->held_since(first->turn));
    const auto second = claim(client(2, "bob"), 28'503);
    EXPECT_TRUE(second) << second.error().sentence;
}

TEST_F(LeasesTest, ComeBackFromTheirRecords) {
    const auto first = claim(client(1), 0);
    static_cast<void>(lose(*first));
    const std::vector<LeaseRecord> records = leases_.records();
    ASSERT_THAT(records, SizeIs(1));
    EXPECT_EQ(records.front().held_until_s, kLater);
    std::vector<uring::Fd> kept = leases_.sockets_of(records.front().id);
    ASSERT_THAT(kept, SizeIs(1));

    Leases later;
    const Leases::Claim back = later.restore(records.front(), {&keeper_, 0}, std::move(kept));
    EXPECT_THAT(back.sockets, SizeIs(1));
    EXPECT_EQ(back.until_s, kLater);
    EXPECT_EQ(later.records(), records);
    const auto again = later.claim(client(1), {"127.0.0.1", 0}, rules_);
    EXPECT_EQ(port(*again), port(*first));
}

TEST_F(LeasesTest, AreKeptThoughTheirPortIsTakenMeanwhile) {
    auto first = claim(client(1), 28'504);
    const std::vector<LeaseRecord> records = leases_.records();
    Leases later;
    const Leases::Claim back = later.restore(records.front(), {&keeper_, 0}, {});
    EXPECT_THAT(back.sockets, SizeIs(0));
    const auto refused = later.claim(client(1), {"127.0.0.1", 28'504}, rules_);
    EXPECT_EQ(code(refused), "address_in_use");
    EXPECT_TRUE(leases_.end(first->lease, first->turn, kCancelled));
    const auto again = later.claim(client(1), {"127.0.0.1", 28'504}, rules_);
    ASSERT_TRUE(again) << again.error().sentence;
    EXPECT_THAT(again->sockets, SizeIs(1));
}

// ---- what is told of it ----

TEST_F(LeasesTest, TellsWhatBecomesOfATunnel) {
    tell_all();
    const auto first = claim(client(1), 28'100);
    EXPECT_THAT(told(), ElementsAre("up"));
    auto mover = client(2);
    mover.address = "192.0.2.2:4022";
    const auto second = claim(mover, 28'100);
    EXPECT_THAT(told(), ElementsAre("taken: taken_over of 192.0.2.1:4022"));
    EXPECT_FALSE(leases_.hold(first->lease, first->turn, {&keeper_, 0}, kLater, {"lost", "gone"}));
    EXPECT_THAT(told(), IsEmpty()) << "it is not its own any more";
    static_cast<void>(lose(*second));
    EXPECT_THAT(told(), ElementsAre("held: lost"));
    const auto third = claim(client(3), 28'100);
    EXPECT_THAT(told(), ElementsAre("up")) << "nobody had it";
    EXPECT_FALSE(leases_.end(second->lease, second->turn, kCancelled));
    EXPECT_THAT(told(), IsEmpty());
    EXPECT_TRUE(leases_.end(third->lease, third->turn, kCancelled));
    EXPECT_THAT(told(), ElementsAre("down: cancelled"));
}

TEST_F(LeasesTest, TellsOfThoseThatAreKickedOrMakeRoom) {
    tell_all();
    const auto kept = claim(client(1), 28'100, "127.0.0.1");
    static_cast<void>(lose(*kept));
    static_cast<void>(claim(client(2), 28'100, "localhost"));
    static_cast<void>(leases_.kick("ann", "28100", kKicked));
    EXPECT_THAT(told(), ElementsAre("up", "held: lost", "down: taken_over", "up", "down: kicked"));
}

TEST_F(LeasesTest, TellsNothingOfAStranger) {
    const auto first = claim(client(1), 28'100);
    tell_all();
    EXPECT_EQ(code(claim(client(2, "bob"), 28'100)), "address_leased");
    EXPECT_THAT(told(), IsEmpty());
}

}  // namespace
}  // namespace portreeve::daemon
