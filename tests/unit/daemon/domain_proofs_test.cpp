// Whose a domain is, with a DNS and a clock of the test's own.
#include "daemon/domain_proofs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "tests/unit/uring/rings.h"

namespace portreeve::daemon {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Kind = DomainProofs::Verdict::Kind;

const std::string kKey = "SHA256:p2QAMXNIC1TJYWeIOttrVc98/R1BUFWu3/LiyKgUfQM";
const std::string kOther = "SHA256:uNiVztksCsDhcc0u9e8BrrN4Cbnmos+OQSqnNMGEeQE";
const std::string kOurs = "_portreeve.blog.example.org";
const std::string kSish = "_sish.blog.example.org";

// Answers when it is told to.
class FakeDns final : public dns::TxtSource {
  public:
    // To whoever asks for it now.
    bool answer(const std::string& name, const dns::TxtAnswer& what) {
        const auto found = open.find(name);
        if (found == open.end()) {
            return false;
        }
        dns::Lookup* lookup = found->second;
        open.erase(found);
        lookup->answer(what);
        return true;
    }
    std::multimap<std::string, dns::Lookup*> open;
    int asked = 0;

  private:
    void ask(dns::Lookup& lookup, const std::string& name) override {
        ++asked;
        open.emplace(name, &lookup);
    }
    void forget(dns::Lookup& lookup) override {
        std::erase_if(open, [&](const auto& one) { return one.second == &lookup; });
    }
};

dns::TxtAnswer texts(std::vector<std::string> records, std::uint32_t ttl_s = 300) {
    return dns::Txt{std::move(records), ttl_s};
}

dns::TxtAnswer error(dns::LookupError::Kind kind, const std::string& sentence = "why") {
    return tl::unexpected(dns::LookupError{kind, sentence});
}

const auto kNone = error(dns::LookupError::Kind::no_such_name);
const auto kNoData = error(dns::LookupError::Kind::no_data);
const auto kFails = error(dns::LookupError::Kind::server_failed, "it burns");

class DomainProofsTest : public ::testing::Test, public DomainProofs::Events {
  protected:
    void on_proof_lost(const std::string& domain, const std::string& fingerprint,
                       const std::string& why) override {
        EXPECT_EQ(fingerprint, kKey);
        EXPECT_THAT(why, HasSubstr(kOurs));
        lost.push_back(domain);
        if (when_lost) {
            when_lost();
        }
    }
    void ask(const std::string& domain = "blog.example.org", const std::string& key = kKey) {
        proofs->ask(domain, key, [this](const auto& verdict) { said.push_back(verdict); });
    }
    void turn() { home.turn(); }
    void pass(std::int64_t ms) {
        home.kernel.pass_ms(ms);
        home.turn();
        home.turn();
    }
    // The next look-up finds this.
    void find(const dns::TxtAnswer& ours, const dns::TxtAnswer& sish = kNone) {
        EXPECT_TRUE(dns.answer(kOurs, ours)) << "nobody asked";
        dns.answer(kSish, sish);
        turn();
    }
    // What is said of this pair when DNS has these.
    DomainProofs::Verdict verdict_of(const dns::TxtAnswer& ours, const dns::TxtAnswer& sish = kNone,
                                     const std::string& key = kKey) {
        proofs = std::make_unique<DomainProofs>(home.ring, dns, *this);
        said.clear();
        ask("blog.example.org", key);
        turn();
        EXPECT_THAT(said, IsEmpty());
        find(ours, sish);
        EXPECT_EQ(said.size(), 1U);
        return said.empty() ? DomainProofs::Verdict{} : said.back();
    }
    Kind kind_of(const std::string& record) { return verdict_of(texts({record})).kind; }
    Kind sish_kind_of(const std::string& record) { return verdict_of(kNone, texts({record})).kind; }
    [[nodiscard]] std::vector<Kind> kinds() const {
        std::vector<Kind> all;
        for (const auto& verdict : said) {
            all.push_back(verdict.kind);
        }
        return all;
    }
    // A tunnel that lives by a proof of 300 s.
    void prove_and_use() {
        ask();
        find(texts({kKey}));
        proofs->use("blog.example.org", kKey);
        turn();
        said.clear();
    }

    uring::test::FakeRing home{1};
    FakeDns dns;
    std::unique_ptr<DomainProofs> proofs = std::make_unique<DomainProofs>(home.ring, dns, *this);
    std::vector<DomainProofs::Verdict> said;
    std::vector<std::string> lost;
    std::function<void()> when_lost;
};

// ---- what proves a domain ----

TEST_F(DomainProofsTest, TakesTheFingerprintAmongOtherWords) {
    EXPECT_EQ(kind_of(kKey), Kind::proven);
    EXPECT_EQ(kind_of(kKey + "="), Kind::proven);
    EXPECT_EQ(kind_of(kOther + " " + kKey), Kind::proven);
    EXPECT_EQ(kind_of(kOther + "," + kKey + "=," + kOther), Kind::proven);
    EXPECT_EQ(kind_of("  pc,\t" + kKey + " "), Kind::proven);
    EXPECT_EQ(verdict_of(texts({kOther, "v=1", kKey})).kind, Kind::proven);
    EXPECT_EQ(verdict_of(texts({kKey}), kNone, kKey + "=").kind, Kind::proven);
}

TEST_F(DomainProofsTest, TakesNothingElse) {
    EXPECT_EQ(kind_of(kOther), Kind::not_proven);
    EXPECT_EQ(kind_of(kKey.substr(0, 20)), Kind::not_proven);
    EXPECT_EQ(kind_of(kKey + "x"), Kind::not_proven);
    EXPECT_EQ(kind_of("x" + kKey), Kind::not_proven);
    EXPECT_EQ(kind_of("key=" + kKey), Kind::not_proven);
    EXPECT_EQ(kind_of(kKey.substr(7)), Kind::not_proven);
    EXPECT_EQ(kind_of("sha256:" + kKey.substr(7)), Kind::not_proven);
    EXPECT_EQ(kind_of(""), Kind::not_proven);
    EXPECT_EQ(kind_of("*"), Kind::not_proven);
}

TEST_F(DomainProofsTest, TakesSishsRecordAsSishDoes) {
    EXPECT_EQ(sish_kind_of(kKey), Kind::proven);
    EXPECT_EQ(verdict_of(kNone, texts({kOther, kKey})).kind, Kind::proven);
    EXPECT_EQ(sish_kind_of(kKey + "="), Kind::not_proven);
    EXPECT_EQ(sish_kind_of(kKey + " "), Kind::not_proven);
    EXPECT_EQ(sish_kind_of(kOther + "," + kKey), Kind::not_proven);
}

TEST_F(DomainProofsTest, SaysWhichRecordIsMissing) {
    const std::string needed =
        "; it needs the record: _portreeve.blog.example.org. TXT \"" + kKey + "\"";
    EXPECT_EQ(verdict_of(kNone).sentence,
              "blog.example.org is not proven to belong to this key: _portreeve.blog.example.org. "
              "has no TXT record" +
                  needed);
    EXPECT_EQ(verdict_of(kNoData).sentence, verdict_of(kNone).sentence);
    EXPECT_EQ(verdict_of(texts({"v=\"1\""})).sentence,
              "blog.example.org is not proven to belong to this key: _portreeve.blog.example.org. "
              "TXT is \"v=\\\"1\\\"\"" +
                  needed);
    EXPECT_THAT(verdict_of(texts({kOther, "a", "b"})).sentence,
                HasSubstr("TXT is \"" + kOther + "\" and 2 more; it needs"));
    EXPECT_EQ(verdict_of(texts({kKey})).sentence, "");
}

TEST_F(DomainProofsTest, DoesNotKnowWhileAServerFails) {
    EXPECT_EQ(verdict_of(kFails).kind, Kind::not_asked);
    EXPECT_EQ(said.back().sentence,
              "whether blog.example.org belongs to this key cannot be told: it burns");
    EXPECT_EQ(verdict_of(kNone, kFails).kind, Kind::not_asked) << "it may be sish's";
    EXPECT_EQ(verdict_of(texts({kOther}), kFails).kind, Kind::not_asked);
    EXPECT_EQ(verdict_of(kFails, texts({kKey})).kind, Kind::proven);
}

TEST_F(DomainProofsTest, WaitsForOneThatProvesIt) {
    ask();
    dns.answer(kSish, texts({kKey}));
    turn();
    EXPECT_THAT(kinds(), ElementsAre(Kind::proven));
    EXPECT_THAT(dns.open, IsEmpty()) << "and for no other";
    said.clear();
    ask("2.example.org");
    dns.answer("_sish.2.example.org", kNone);
    turn();
    EXPECT_THAT(said, IsEmpty());
}

TEST_F(DomainProofsTest, AsksAboutDomainsAndKeysOnly) {
    for (const std::string domain :
         {"", ".", "a b", "blog..org", "192.0.2.1", "_x.org", "blog.example.org..", "\n.org"}) {
        ask(domain);
    }
    ask(std::string(60, 'a') + "." + std::string(60, 'b') + "." + std::string(60, 'c') + "." +
        std::string(60, 'd'));  // 243 characters
    ask("blog.example.org", "");
    ask("blog.example.org", "=");
    ask("blog.example.org", "alice");
    EXPECT_THAT(said, IsEmpty()) << "said inside the call";
    turn();
    EXPECT_THAT(kinds(), ElementsAreArray(std::vector<Kind>(12, Kind::not_proven)));
    EXPECT_EQ(dns.asked, 0);
    EXPECT_EQ(proofs->entries(), 0U);
}

// ---- what is kept ----

TEST_F(DomainProofsTest, KeepsAProofAsLongAsItsRecord) {
    ask();
    find(texts({kKey}, 300));
    pass(299'000);
    ask("BLOG.example.org.");
    turn();
    EXPECT_THAT(kinds(), ElementsAre(Kind::proven, Kind::proven));
    EXPECT_EQ(dns.asked, 2);
    pass(1'000);
    ask();
    turn();
    EXPECT_EQ(said.size(), 2U);
    find(kNone);
    EXPECT_EQ(said.back().kind, Kind::not_proven);
}

TEST_F(DomainProofsTest, KeepsAProofForAMinuteAtLeastAndAnHourAtMost) {
    ask();
    find(texts({kKey}, 0));
    pass(DomainProofs::kProvenMsMin - 1'000);
    ask();
    turn();
    EXPECT_EQ(dns.asked, 2);
    pass(1'000);
    ask();
    find(texts({kKey}, 2'000'000'000));
    EXPECT_EQ(dns.asked, 4);
    pass(DomainProofs::kProvenMsMax - 1'000);
    ask();
    turn();
    EXPECT_EQ(dns.asked, 4);
    pass(1'000);
    ask();
    EXPECT_EQ(dns.asked, 6);
}

TEST_F(DomainProofsTest, KeepsARefusalForHalfAMinute) {
    ask();
    find(texts({kOther}, 3600));
    const std::string sentence = said.back().sentence;
    pass(DomainProofs::kRefusedMs - 1'000);
    ask();
    turn();
    EXPECT_EQ(dns.asked, 2);
    EXPECT_EQ(said.back().sentence, sentence);
    pass(1'000);
    ask();
    find(texts({kKey}));
    EXPECT_EQ(said.back().kind, Kind::proven);
}

TEST_F(DomainProofsTest, KeepsNothingOfAFailure) {
    ask();
    find(kFails);
    ask();
    find(texts({kKey}));
    EXPECT_THAT(kinds(), ElementsAre(Kind::not_asked, Kind::proven));
}

TEST_F(DomainProofsTest, KeepsWhatIsOfAnotherKeyApart) {
    ask();
    find(texts({kKey}));
    ask("blog.example.org", kOther);
    find(texts({kKey}));
    EXPECT_THAT(kinds(), ElementsAre(Kind::proven, Kind::not_proven));
}

TEST_F(DomainProofsTest, AsksOnceForManyAtOnce) {
    ask();
    ask();
    ask();
    EXPECT_EQ(dns.asked, 2);
    find(texts({kKey}));
    EXPECT_THAT(kinds(), ElementsAre(Kind::proven, Kind::proven, Kind::proven));
}

TEST_F(DomainProofsTest, HasABoundOnQuestionsThatWait) {
    for (std::size_t i = 0; i < DomainProofs::kWaitingMax; ++i) {
        ask("blog.example.org",
            "SHA256:" + std::to_string(i / DomainProofs::kAskedByOneMax) + kKey);
    }
    ask();
    turn();
    EXPECT_THAT(kinds(), ElementsAre(Kind::not_asked));
    EXPECT_THAT(said.back().sentence, HasSubstr("too many"));
    while (!dns.open.empty()) {
        dns.answer(std::string(dns.open.begin()->first), kNone);
    }
    turn();
    EXPECT_EQ(said.size(), DomainProofs::kWaitingMax + 1);
    const int before = dns.asked;
    ask("2.example.org");
    EXPECT_EQ(dns.asked, before + 2) << "those that were answered wait no more";
}

TEST_F(DomainProofsTest, ForgetsWhatWasLookedUpLongestAgo) {
    const auto name = [](std::size_t i) { return std::to_string(i) + ".example.org"; };
    const auto prove = [&](std::size_t i) {
        ask(name(i));
        dns.answer("_portreeve." + name(i), texts({kKey}));
    };
    prove(0);
    proofs->use(name(0), kKey);
    for (std::size_t i = 1; i < DomainProofs::kEntriesMax; ++i) {
        prove(i);
    }
    EXPECT_EQ(proofs->entries(), DomainProofs::kEntriesMax);
    prove(DomainProofs::kEntriesMax);
    EXPECT_EQ(proofs->entries(), DomainProofs::kEntriesMax);
    turn();
    const int asked = dns.asked;
    ask(name(0));
    ask(name(2));
    EXPECT_EQ(dns.asked, asked);
    ask(name(1));
    EXPECT_EQ(dns.asked, asked + 2);
}

TEST_F(DomainProofsTest, ForgetsNothingThatIsBeingAsked) {
    ask();
    for (std::size_t i = 0; i < DomainProofs::kEntriesMax; ++i) {
        const std::string domain = std::to_string(i) + ".example.org";
        proofs->ask(domain, kKey, [](const auto&) {});
        dns.answer("_portreeve." + domain, texts({kKey}));
    }
    turn();
    EXPECT_THAT(said, IsEmpty());
    find(texts({kKey}));
    EXPECT_THAT(kinds(), ElementsAre(Kind::proven));
}

TEST_F(DomainProofsTest, ForgetsNothingThatIsInUse) {
    const auto name = [](std::size_t i) { return std::to_string(i) + ".example.org"; };
    for (std::size_t i = 0; i < DomainProofs::kEntriesMax; ++i) {
        ask(name(i));
        dns.answer("_portreeve." + name(i), texts({kKey}));
        proofs->use(name(i), kKey);
    }
    turn();
    said.clear();
    ask();
    turn();
    EXPECT_THAT(kinds(), ElementsAre(Kind::not_asked));
    proofs->leave(name(7), kKey);
    ask();
    find(texts({kKey}));
    EXPECT_EQ(said.back().kind, Kind::proven);
    EXPECT_EQ(proofs->entries(), DomainProofs::kEntriesMax);
}

// ---- what is in use ----

TEST_F(DomainProofsTest, LooksAgainAtWhatIsInUse) {
    prove_and_use();
    pass(299'000);
    EXPECT_EQ(dns.asked, 2);
    pass(1'000);
    EXPECT_EQ(dns.asked, 4);
    find(texts({kKey}));
    pass(300'000);
    EXPECT_EQ(dns.asked, 6) << "and again";
    EXPECT_THAT(lost, IsEmpty());
}

TEST_F(DomainProofsTest, LooksNoMoreAtWhatNobodyUses) {
    prove_and_use();
    proofs->use("Blog.Example.org.", kKey + "=");
    proofs->leave("blog.example.org", kKey);
    pass(300'000);
    EXPECT_EQ(dns.asked, 4) << "one uses it still";
    find(texts({kKey}));
    proofs->leave("blog.example.org", kKey);
    pass(3'600'000);
    EXPECT_EQ(dns.asked, 4);
    proofs->leave("blog.example.org", kKey);
    proofs->leave("unknown.example.org", kKey);
}

TEST_F(DomainProofsTest, IsLostByTwoDenialsInARow) {
    prove_and_use();
    pass(300'000);
    find(kNone);
    EXPECT_THAT(lost, IsEmpty());
    pass(DomainProofs::kRefusedMs);
    find(texts({kOther}));
    EXPECT_THAT(lost, ElementsAre("blog.example.org"));
    pass(3'600'000);
    EXPECT_EQ(dns.asked, 6) << "it is lost";
    EXPECT_EQ(lost.size(), 1U);
}

TEST_F(DomainProofsTest, IsNotLostByOneDenial) {
    prove_and_use();
    for (int i = 0; i < 3; ++i) {
        pass(300'000);
        find(kNone);
        pass(DomainProofs::kRefusedMs);
        find(texts({kKey}));
    }
    EXPECT_THAT(lost, IsEmpty());
}

TEST_F(DomainProofsTest, IsNotLostByServersThatFail) {
    prove_and_use();
    pass(300'000);
    for (int i = 0; i < 10; ++i) {
        ask();
        find(kFails);
        EXPECT_EQ(said.back().kind, Kind::proven) << "it was, and nobody denies it";
        pass(DomainProofs::kRefusedMs);
    }
    EXPECT_THAT(lost, IsEmpty());
    find(kNone);
    pass(DomainProofs::kRefusedMs);
    ask();
    find(kFails);
    EXPECT_EQ(said.back().kind, Kind::not_asked) << "somebody has denied it";
    pass(DomainProofs::kRefusedMs);
    find(kNone);
    EXPECT_THAT(lost, ElementsAre("blog.example.org"));
}

TEST_F(DomainProofsTest, MayBeProvenAgainAfterItWasLost) {
    prove_and_use();
    pass(300'000);
    find(kNone);
    pass(DomainProofs::kRefusedMs);
    when_lost = [&] {
        proofs->leave("blog.example.org", kKey);
        ask();
    };
    find(kNone);
    turn();
    EXPECT_THAT(kinds(), ElementsAre(Kind::not_proven));
    pass(DomainProofs::kRefusedMs);
    prove_and_use();
    pass(300'000);
    find(kNone);
    EXPECT_EQ(lost.size(), 1U) << "one denial, counted anew";
}

TEST_F(DomainProofsTest, TellsNobodyOfWhatIsNoLongerUsed) {
    prove_and_use();
    pass(300'000);
    find(kNone);
    pass(DomainProofs::kRefusedMs);
    dns.answer(kOurs, kNone);
    dns.answer(kSish, kNone);
    proofs->leave("blog.example.org", kKey);
    turn();
    EXPECT_THAT(lost, IsEmpty());
}

TEST_F(DomainProofsTest, LooksAtOnceAtWhatItHadToForget) {
    proofs->use("blog.example.org", kKey);
    turn();
    turn();
    EXPECT_EQ(dns.asked, 2);
    find(kNone);
    pass(DomainProofs::kRefusedMs);
    find(kNone);
    EXPECT_EQ(lost.size(), 1U);
}

TEST_F(DomainProofsTest, EndsWithQuestionsOpen) {
    ask();
    ask("blog.example.org", "");
    proofs.reset();
    EXPECT_THAT(dns.open, IsEmpty());
    turn();
    EXPECT_THAT(said, IsEmpty());
}

// ---- many at once ----

TEST_F(DomainProofsTest, OneKeyMayAskSoMuchAndOthersAllTheSame) {
    for (std::size_t number = 0; number <= DomainProofs::kAskedByOneMax; ++number) {
        ask("other.example.org");
    }
    turn();
    ASSERT_EQ(said.size(), 1U);
    EXPECT_EQ(said.front().kind, Kind::not_asked);
    EXPECT_THAT(said.front().sentence, HasSubstr("too many domains"));
    ask("blog.example.org", kOther);
    find(texts({kOther}));
    EXPECT_EQ(said.back().kind, Kind::proven);
}

TEST_F(DomainProofsTest, ThoseThatAreTooManyAtOnceAreAskedInTurn) {
    const std::size_t all = DomainProofs::kAskingMax + 10;
    for (std::size_t number = 0; number < all; ++number) {
        proofs->use("d" + std::to_string(number) + ".example.org", kKey);
    }
    pass(1);
    EXPECT_EQ(dns.open.size(), 2 * DomainProofs::kAskingMax);
    std::size_t answered = 0;
    while (!dns.open.empty()) {
        answered += dns.answer(std::string(dns.open.begin()->first), texts({kKey})) ? 1U : 0U;
        turn();
        EXPECT_LE(dns.open.size(), 2 * DomainProofs::kAskingMax);
    }
    EXPECT_EQ(answered, all) << "each by one of its records";
    EXPECT_THAT(lost, IsEmpty());
}

}  // namespace
}  // namespace portreeve::daemon
