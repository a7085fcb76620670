#include "daemon/arguments.h"

#include <gmock/gmock.h>

#include <initializer_list>
#include <vector>

namespace portreeve::daemon {
namespace {

tl::expected<Arguments, std::string> parse(std::initializer_list<const char*> words) {
    std::vector<const char*> argv = {"portreeved"};
    argv.insert(argv.end(), words);
    return parse_arguments(static_cast<int>(argv.size()), argv.data());
}

TEST(Arguments, MayBeNone) {
    const auto parsed = parse({});
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->config, "");
    EXPECT_FALSE(parsed->check || parsed->help || parsed->version);
}

TEST(Arguments, NameAFileInOneWordOrTwo) {
    EXPECT_EQ(parse({"--config", "a.toml"})->config, "a.toml");
    EXPECT_EQ(parse({"--config=b.toml", "--check"})->config, "b.toml");
    EXPECT_TRUE(parse({"--config=b.toml", "--check"})->check);
}

TEST(Arguments, AskForWordsOnly) {
    EXPECT_TRUE(parse({"--help"})->help);
    EXPECT_TRUE(parse({"-h"})->help);
    EXPECT_TRUE(parse({"--version"})->version);
}

TEST(Arguments, AskForAnExplanation) {
    const auto parsed = parse({"--explain", "--key", "a.pub", "--listen=:8080", "--user", "reeve",
                               "--from=192.0.2.1", "--config", "a.toml"});
    ASSERT_TRUE(parsed) << parsed.error();
    EXPECT_TRUE(parsed->explain);
    EXPECT_EQ(parsed->key, "a.pub");
    EXPECT_EQ(parsed->listen, ":8080");
    EXPECT_EQ(parsed->user, "reeve");
    EXPECT_EQ(parsed->from, "192.0.2.1");
    EXPECT_EQ(parsed->config, "a.toml");
}

TEST(Arguments, OfAnExplanationBelongTogether) {
    const char* needs = "--explain needs --key FILE and --listen ADDRESS:PORT";
    EXPECT_EQ(parse({"--explain"}).error(), needs);
    EXPECT_EQ(parse({"--explain", "--key", "a.pub"}).error(), needs);
    EXPECT_EQ(parse({"--explain", "--listen", "0"}).error(), needs);
    EXPECT_EQ(parse({"--user", "reeve"}).error(), "--user is for --explain");
    EXPECT_EQ(parse({"--check", "--listen=0"}).error(), "--listen is for --explain");
    EXPECT_FALSE(parse({"--check", "--explain", "--key", "a.pub", "--listen", "0"}));
}

TEST(Arguments, ThatAreWrongAreNamed) {
    EXPECT_EQ(parse({"--chek"}).error(), "unknown argument \"--chek\"");
    EXPECT_EQ(parse({"file.toml"}).error(), "unknown argument \"file.toml\"");
    EXPECT_EQ(parse({""}).error(), "unknown argument \"\"");
    EXPECT_EQ(parse({"--config"}).error(), "--config needs a file");
    EXPECT_EQ(parse({"--config="}).error(), "--config needs a file");
    EXPECT_EQ(parse({"--config", ""}).error(), "--config needs a file");
    EXPECT_EQ(parse({"--from"}).error(), "--from needs an IP address");
    EXPECT_EQ(parse({"--check=yes"}).error(), "unknown argument \"--check=yes\"");
}

TEST(Arguments, AreAllExplained) {
    for (const char* word : {"--config", "--check", "--explain", "--key", "--listen", "--user",
                             "--from", "--version", "--help"}) {
        EXPECT_THAT(std::string(usage()), ::testing::HasSubstr(word));
    }
}

}  // namespace
}  // namespace portreeve::daemon
