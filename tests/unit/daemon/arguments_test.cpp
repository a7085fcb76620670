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

TEST(Arguments, ThatAreWrongAreNamed) {
    EXPECT_EQ(parse({"--chek"}).error(), "unknown argument \"--chek\"");
    EXPECT_EQ(parse({"file.toml"}).error(), "unknown argument \"file.toml\"");
    EXPECT_EQ(parse({""}).error(), "unknown argument \"\"");
    EXPECT_EQ(parse({"--config"}).error(), "--config needs a file");
    EXPECT_EQ(parse({"--config="}).error(), "--config needs a file");
    EXPECT_EQ(parse({"--config", ""}).error(), "--config needs a file");
}

TEST(Arguments, AreAllExplained) {
    for (const char* word : {"--config", "--check", "--version", "--help"}) {
        EXPECT_THAT(std::string(usage()), ::testing::HasSubstr(word));
    }
}

}  // namespace
}  // namespace portreeve::daemon
