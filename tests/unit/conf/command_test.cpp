// How a command line becomes words, and which lines are refused.
#include "conf/command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace portreeve::conf {

namespace {

using testing::HasSubstr;
using Words = std::vector<std::string>;

std::string refusal(std::string_view text) {
    const auto parsed = parse_command(text);
    return parsed ? "taken" : parsed.error();
}

TEST(Command, IsWordsPartedBySpaces) {
    EXPECT_EQ(parse_command("/bin/keys %u %f"), (Words{"/bin/keys", "%u", "%f"}));
    EXPECT_EQ(parse_command("  /bin/keys \t a\tb  "), (Words{"/bin/keys", "a", "b"}));
}

TEST(Command, KeepsQuotedWordsTogether) {
    EXPECT_EQ(parse_command(R"(/bin/keys "a b" 'c "d"' e"f g"h "" 'i\j')"),
              (Words{"/bin/keys", "a b", "c \"d\"", "ef gh", "", "i\\j"}));
    EXPECT_EQ(parse_command(R"("/opt/my tools/keys" x)"), (Words{"/opt/my tools/keys", "x"}));
}

TEST(Command, TakesTheMeaningOffQuotesBackslashesAndSpaces) {
    EXPECT_EQ(parse_command(R"(/bin/keys a\ b \"c \\ d\e '\'' "f\ g" \)"),
              (Words{"/bin/keys", "a b", "\"c", "\\", "d\\e", "'", "f\\ g", "\\"}));
}

TEST(Command, WithoutArgumentsGetsTheLoginName) {
    EXPECT_EQ(parse_command("/bin/keys"), (Words{"/bin/keys", "%u"}));
}

TEST(Command, MayBeNone) {
    EXPECT_EQ(parse_command(""), Words{});
}

TEST(Command, TakesEveryToken) {
    EXPECT_EQ(parse_command("/bin/keys %%%C%D%F %f%i%K%k%s%T%t%u"),
              (Words{"/bin/keys", "%%%C%D%F", "%f%i%K%k%s%T%t%u"}));
    EXPECT_EQ(parse_command("/bin/100%keys a"), (Words{"/bin/100%keys", "a"}))
        << "the program's own name has no tokens";
}

TEST(Command, RefusesOtherTokens) {
    EXPECT_THAT(refusal("/bin/keys %x"), HasSubstr("has the unknown token \"%x\": the tokens are"));
    EXPECT_THAT(refusal("/bin/keys a%"), HasSubstr("has the unknown token \"%\""));
    EXPECT_THAT(refusal("/bin/keys %%%"), HasSubstr("has the unknown token \"%\""));
    EXPECT_THAT(refusal("/bin/keys %u %h/.ssh"), HasSubstr("has the token \"%h\", but a login"));
    EXPECT_THAT(refusal("/bin/keys %U"), HasSubstr("has the token \"%U\", but a login"));
}

TEST(PlainCommand, HasNoTokensAndNoArgumentsButItsOwn) {
    EXPECT_EQ(parse_plain_command("/bin/tell 'a b' %u 100%"),
              (Words{"/bin/tell", "a b", "%u", "100%"}));
    EXPECT_EQ(parse_plain_command("/bin/tell"), (Words{"/bin/tell"}));
    EXPECT_EQ(parse_plain_command(""), Words{});
    EXPECT_THAT(parse_plain_command("tell").error(),
                HasSubstr("by its absolute path, as in \"/usr/local/bin/tell-of-tunnels\""));
    EXPECT_THAT(parse_plain_command("/bin/tell 'a").error(), HasSubstr("that is not closed"));
}

TEST(Command, RefusesWhatIsNoAbsolutePath) {
    for (const std::string text : {"keys %u", "./keys", " ", "''", "%u"}) {
        EXPECT_THAT(refusal(text), HasSubstr("must name a program by its absolute path")) << text;
    }
}

TEST(Command, RefusesAnOpenQuote) {
    EXPECT_EQ(refusal("/bin/keys 'a"), "\"/bin/keys 'a\" has a quote that is not closed");
    EXPECT_THAT(refusal("/bin/keys \"a'"), HasSubstr("has a quote that is not closed"));
}

TEST(Command, IsATextWithoutNulAndNotTooLong) {
    EXPECT_THAT(refusal(std::string("/bin/keys \0", 11)), HasSubstr("NUL"));
    EXPECT_THAT(refusal("/" + std::string(kTextBytesMax, 'a')), HasSubstr("too long"));
}

}  // namespace

}  // namespace portreeve::conf
