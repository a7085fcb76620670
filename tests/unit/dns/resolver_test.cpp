// TXT lookups on the real ring, against a real DNS server and against servers that are none.
#include "daemon/dns/resolver.h"

#include <gmock/gmock.h>

#include <deque>

#include "tests/unit/dns/name_server.h"
#include "tests/unit/uring/rings.h"

namespace portreeve::dns {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;
using Kind = LookupError::Kind;

// One question and what came of it.
struct Asked {
    explicit Asked(TxtSource& source) : lookup(Lookup::to<&Asked::on_txt>(this, source)) {}
    void on_txt(TxtAnswer what) {
        ++answers;
        answer = std::move(what);
        if (then) {
            then();
        }
    }

    int answers = 0;
    TxtAnswer answer;
    std::function<void()> then;
    Lookup lookup;
};

class ResolverTest : public uring::test::RealRing, private Resolver::Events {
  protected:
    void SetUp() override {
        RealRing::SetUp();
        make({});
    }
    void TearDown() override {
        asked.clear();
        close();
        RealRing::TearDown();
    }
    void make(Resolver::Limits limits) {
        if (ring) {
            close();
            resolver =
                std::make_unique<Resolver>(*ring, static_cast<Resolver::Events&>(*this), limits);
        }
    }
    void close() {
        if (resolver) {
            resolver->close();
            turn_until([&] { return resolver->idle(); });
            resolver.reset();
        }
    }
    void serve(std::vector<std::string> records) {
        records.emplace_back("--local=/test/");
        std::string why;
        ASSERT_TRUE(server.start(records, why)) << why;
        resolver->use_server(server.address());
    }
    Asked& ask(const std::string& name) {
        asked.emplace_back(*resolver);
        asked.back().lookup.start(name);
        EXPECT_EQ(asked.back().answers, 0) << "answered inside the call";
        return asked.back();
    }
    const TxtAnswer& answer_of(const std::string& name) {
        Asked& one = ask(name);
        turn_until([&] { return one.answers > 0; });
        return one.answer;
    }
    Kind error_of(const std::string& name) {
        const auto& answer = answer_of(name);
        EXPECT_FALSE(answer.has_value());
        return answer ? Kind{} : answer.error().kind;
    }
    void on_resolver_joined() override { ++joined; }

    test::NameServer server;
    std::unique_ptr<Resolver> resolver;
    std::deque<Asked> asked;
    int joined = 0;
};

TEST_F(ResolverTest, FindsARecordAndHowLongItHolds) {
    serve({"--txt-record=_portreeve.blog.test,SHA256:abc", "--local-ttl=77"});
    const auto& answer = answer_of("_portreeve.blog.test");
    ASSERT_TRUE(answer) << answer.error().sentence;
    EXPECT_EQ(*answer, (Txt{{"SHA256:abc"}, 77}));
}

TEST_F(ResolverTest, FindsAllRecordsAndJoinsTheStringsOfOne) {
    serve({"--txt-record=many.test,one,two", "--txt-record=many.test,three"});
    const auto& answer = answer_of("MANY.test.");
    ASSERT_TRUE(answer) << answer.error().sentence;
    EXPECT_THAT(answer->records, UnorderedElementsAre("onetwo", "three"));
}

TEST_F(ResolverTest, TellsANameThatIsNotFromOneWithoutRecords) {
    serve({"--host-record=host.test,192.0.2.1"});
    EXPECT_EQ(error_of("none.test"), Kind::no_such_name);
    EXPECT_TRUE(asked.back().answer.error().denies());
    EXPECT_EQ(asked.back().answer.error().sentence, "none.test. does not exist");
    EXPECT_EQ(error_of("host.test"), Kind::no_data);
    EXPECT_TRUE(asked.back().answer.error().denies());
    EXPECT_EQ(asked.back().answer.error().sentence, "host.test. has no TXT record");
}

TEST_F(ResolverTest, SaysThatAServerFails) {
    serve({});
    EXPECT_EQ(error_of("example.org"), Kind::server_failed) << "which it has nobody to ask about";
    EXPECT_FALSE(asked.back().answer.error().denies());
    EXPECT_THAT(asked.back().answer.error().sentence,
                HasSubstr("refuse to answer for example.org."));
}

TEST_F(ResolverTest, TakesALargeAnswerByTcp) {
    std::vector<std::string> records;
    std::vector<std::string> texts;
    for (char letter = 'a'; letter <= 'z'; ++letter) {
        texts.emplace_back(200, letter);
        records.push_back("--txt-record=large.test," + texts.back());
    }
    serve(records);
    const auto& answer = answer_of("large.test");
    ASSERT_TRUE(answer) << answer.error().sentence;
    EXPECT_THAT(answer->records, ::testing::UnorderedElementsAreArray(texts));
}

TEST_F(ResolverTest, WaitsNoLongerThanItMayForAServerThatDoesNotAnswer) {
    std::uint16_t port = 0;
    const auto silent = test::udp_socket(port);
    make({.try_ms = 60'000, .total_ms = 50, .questions_max = 2});
    resolver->use_server("127.0.0.1:" + std::to_string(port));
    EXPECT_EQ(error_of("blog.test"), Kind::no_answer);
    EXPECT_EQ(asked.back().answer.error().sentence,
              "no DNS server answered for blog.test. within 50 ms");
    EXPECT_FALSE(asked.back().answer.error().denies());
    turn_until([&] { return resolver->idle(); });
}

TEST_F(ResolverTest, GivesUpWhenAllTriesAreOver) {
    std::uint16_t port = 0;
    const auto silent = test::udp_socket(port);
    make({.try_ms = 20, .total_ms = 60'000, .questions_max = 2});
    resolver->use_server("127.0.0.1:" + std::to_string(port));
    EXPECT_EQ(error_of("blog.test"), Kind::no_answer);
    EXPECT_EQ(asked.back().answer.error().sentence, "no DNS server answered for blog.test.");
}

TEST_F(ResolverTest, SaysAtOnceThatThereIsNoServer) {
    std::uint16_t port = 0;
    (void)test::udp_socket(port);  // nobody's again
    resolver->use_server("127.0.0.1:" + std::to_string(port));
    EXPECT_EQ(error_of("blog.test"), Kind::server_failed);
    EXPECT_THAT(asked.back().answer.error().sentence, HasSubstr("cannot be reached"));
}

TEST_F(ResolverTest, AsksTheNextServerWhereOneIsNotThere) {
    serve({"--txt-record=blog.test,text"});
    std::uint16_t port = 0;
    (void)test::udp_socket(port);
    resolver->use_server("127.0.0.1:" + std::to_string(port) + "," + server.address());
    EXPECT_TRUE(answer_of("blog.test"));
}

TEST_F(ResolverTest, DoesNotReadAnswersThatAreNone) {
    std::uint16_t port = 0;
    const auto liar = test::udp_socket(port);
    make({.try_ms = 20, .total_ms = 60'000, .questions_max = 2});
    resolver->use_server("127.0.0.1:" + std::to_string(port));
    Asked& one = ask("blog.test");
    std::array<char, 512> bytes{};
    sockaddr_in from{};
    socklen_t size = sizeof(from);
    turn_until([&] {
        const auto count = ::recvfrom(liar.get(), bytes.data(), bytes.size(), MSG_DONTWAIT,
                                      reinterpret_cast<sockaddr*>(&from), &size);
        if (count > 2) {
            ::sendto(liar.get(), bytes.data(), 2, 0, reinterpret_cast<sockaddr*>(&from), size);
        }
        return one.answers > 0;
    });
    EXPECT_FALSE(one.answer);
    EXPECT_FALSE(one.answer.error().denies());
}

TEST_F(ResolverTest, HasABoundOnOpenQuestions) {
    std::uint16_t port = 0;
    const auto silent = test::udp_socket(port);
    make({.try_ms = 60'000, .total_ms = 60'000, .questions_max = 2});
    resolver->use_server("127.0.0.1:" + std::to_string(port));
    ask("one.test");
    ask("two.test");
    EXPECT_EQ(error_of("three.test"), Kind::not_asked);
    EXPECT_THAT(asked.back().answer.error().sentence, HasSubstr("too many"));
    EXPECT_EQ(asked[0].answers + asked[1].answers, 0);
}

TEST_F(ResolverTest, ForgetsAQuestion) {
    serve({"--txt-record=blog.test,text"});
    Asked& forgotten = ask("blog.test");
    Asked& kept = ask("blog.test");
    forgotten.lookup.stop();
    turn_until([&] { return kept.answers > 0; });
    EXPECT_EQ(forgotten.answers, 0);
    EXPECT_TRUE(kept.answer);
    forgotten.lookup.start("blog.test");
    turn_until([&] { return forgotten.answers > 0; });
    EXPECT_TRUE(forgotten.answer);
}

TEST_F(ResolverTest, KeepsNothingOfAQuestionWhoseAskerWent) {
    std::uint16_t port = 0;
    const auto silent = test::udp_socket(port);
    resolver->use_server("127.0.0.1:" + std::to_string(port));
    ask("blog.test");
    ASSERT_EQ(ring->turn(false), 0);
    ASSERT_FALSE(resolver->idle());
    asked.clear();
    turn_until([&] { return resolver->idle(); });
}

TEST_F(ResolverTest, MayBeAskedFromACallback) {
    serve({"--txt-record=blog.test,text"});
    Asked& one = ask("none.test");
    one.then = [&] {
        one.then = nullptr;
        one.lookup.start("blog.test");
    };
    turn_until([&] { return one.answers == 2; });
    EXPECT_TRUE(one.answer);
}

TEST_F(ResolverTest, AnswersInAnotherTurnEvenWhatItKnowsAtOnce) {
    Asked& one = ask("no name");
    one.then = [&] {
        if (one.answers < 9) {
            one.lookup.start("no name");
        }
    };
    for (int turns = 0; turns < 9; ++turns) {
        EXPECT_EQ(one.answers, turns);
        ASSERT_EQ(ring->turn(false), 0);
    }
}

TEST_F(ResolverTest, MayLoseOthersInACallback) {
    serve({"--txt-record=blog.test,text"});
    Asked& one = ask("blog.test");
    Asked& other = ask("blog.test");
    one.then = [&] { other.lookup.stop(); };
    other.then = [&] { one.lookup.stop(); };
    turn_until([&] { return one.answers + other.answers > 0; });
    turn_until([&] { return resolver->idle(); });
}

TEST_F(ResolverTest, EndsWithQuestionsOpen) {
    std::uint16_t port = 0;
    const auto silent = test::udp_socket(port);
    resolver->use_server("127.0.0.1:" + std::to_string(port));
    Asked& one = ask("blog.test");
    ASSERT_EQ(ring->turn(false), 0);
    resolver->close();
    EXPECT_FALSE(resolver->idle());
    turn_until([&] { return joined > 0; });
    EXPECT_TRUE(resolver->idle());
    EXPECT_EQ(one.answers, 0);
    one.lookup.stop();
    one.lookup.start("blog.test");
    turn_until([&] { return resolver->idle(); });
    EXPECT_EQ(one.answers, 0);
    EXPECT_EQ(joined, 1);
}

TEST_F(ResolverTest, AsksForNamesOnly) {
    for (const char* name : {"", ".", "a b.test", "a\\.test", "bl\xc3\xa4h.test"}) {
        EXPECT_EQ(error_of(name), Kind::not_asked) << name;
    }
    EXPECT_EQ(error_of("a..test"), Kind::not_asked);
    EXPECT_EQ(error_of(std::string(64, 'a') + ".test"), Kind::not_asked);
}

TEST_F(ResolverTest, SaysWhichServerIsNone) {
    resolver->use_server("here");
    EXPECT_EQ(error_of("blog.test"), Kind::not_asked);
    EXPECT_THAT(asked.back().answer.error().sentence, HasSubstr("at here"));
}

TEST_F(ResolverTest, TakesAnotherServerForTheNextBurst) {
    serve({"--txt-record=blog.test,old"});
    ASSERT_TRUE(answer_of("blog.test"));
    test::NameServer other;
    std::string why;
    ASSERT_TRUE(other.start({"--txt-record=blog.test,new"}, why)) << why;
    resolver->use_server(other.address());
    const auto& answer = answer_of("blog.test");
    ASSERT_TRUE(answer);
    EXPECT_THAT(answer->records, ElementsAre("new"));
}

}  // namespace
}  // namespace portreeve::dns
