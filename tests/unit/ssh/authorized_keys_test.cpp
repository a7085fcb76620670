#include "ssh/authorized_keys.h"

#include <gmock/gmock.h>

#include <fstream>

#include "tests/unit/ssh/conversation.h"
#include "tests/unit/ssh/folder.h"

namespace portreeve::ssh {
namespace {

using testing::Folder;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const PublicKey& one() {
    static const PublicKey key = *PublicKey::from(testing::client_key());
    return key;
}
const PublicKey& other() {
    static const PublicKey key = *PublicKey::from(testing::other_key());
    return key;
}
std::string line_of(const PublicKey& key) {
    return key.type + " " + key.base64;
}

AuthorizedKeys keys_in(const std::string& text) {
    AuthorizedKeys keys;
    keys.add_text(text, "keys");
    return keys;
}

// The one complaint about `text`, which grants nothing.
std::string complaint_about(const std::string& text) {
    const AuthorizedKeys keys = keys_in(text);
    EXPECT_EQ(keys.size(), 0U);
    EXPECT_THAT(keys.complaints(), SizeIs(1));
    return keys.complaints().empty() ? "" : keys.complaints().front().text();
}

TEST(AuthorizedKeys, APlainLineGrantsItsKey) {
    const AuthorizedKeys keys = keys_in(line_of(one()) + " someone@home with words\n");
    EXPECT_THAT(keys.complaints(), IsEmpty());
    ASSERT_NE(keys.find(one()), nullptr);
    EXPECT_EQ(keys.find(one())->comment, "someone@home with words");
    EXPECT_EQ(keys.find(one())->key.fingerprint, one().fingerprint);
    EXPECT_EQ(keys.find(one())->file, "keys");
    EXPECT_EQ(keys.find(one())->line, 1U);
    EXPECT_EQ(keys.find(other()), nullptr);
}

TEST(AuthorizedKeys, CommentsAndBlankLinesCountAsLinesOnly) {
    const AuthorizedKeys keys = keys_in("# first\n\n   \t\n  # fourth\n" + line_of(one()) + "\n#" +
                                        line_of(other()) + "\n");
    EXPECT_THAT(keys.complaints(), IsEmpty());
    EXPECT_EQ(keys.size(), 1U);
    ASSERT_NE(keys.find(one()), nullptr);
    EXPECT_EQ(keys.find(one())->line, 5U);
    EXPECT_EQ(keys.find(one())->comment, "");
}

TEST(AuthorizedKeys, LinesMayEndLikeOnWindowsOrNotAtAll) {
    const AuthorizedKeys keys =
        keys_in(line_of(one()) + " a\r\n\r\n\t" + one().type + "\t" + other().base64 + "  b");
    EXPECT_THAT(keys.complaints(), IsEmpty());
    ASSERT_NE(keys.find(one()), nullptr);
    EXPECT_EQ(keys.find(one())->comment, "a");
    ASSERT_NE(keys.find(other()), nullptr);
    EXPECT_EQ(keys.find(other())->comment, "b");
    EXPECT_EQ(keys.find(other())->line, 3U);
}

TEST(AuthorizedKeys, TheFirstOfTwoLinesHolds) {
    const AuthorizedKeys keys = keys_in(line_of(one()) + " first\n" + line_of(one()) + " second\n");
    EXPECT_EQ(keys.size(), 1U);
    EXPECT_EQ(keys.find(one())->comment, "first");
}

TEST(AuthorizedKeys, OptionsAreRefusedByNameAndPlace) {
    const std::string said = complaint_about("\nrestrict " + line_of(one()) + " someone\n");
    EXPECT_THAT(said, HasSubstr("keys:2: "));
    EXPECT_THAT(said, HasSubstr("(restrict)"));
}

TEST(AuthorizedKeys, QuotedOptionsWithBlanksAreOneWord) {
    for (const std::string option :
         {R"(command="echo hello world")", R"(from="10.0.0.0/8",command="a \" b",no-pty)",
          R"(environment="NAME=a # b")"}) {
        const std::string said = complaint_about(option + " " + line_of(one()) + "\n");
        EXPECT_THAT(said, HasSubstr("(" + option + ")"));
    }
}

// Blanks inside quotes must not make the key look like the line's first word.
TEST(AuthorizedKeys, AKeyInsideAnOptionGrantsNothing) {
    complaint_about("command=\"x " + line_of(one()) + "\" " + line_of(other()) + "\n");
    complaint_about("command=\"never closed " + line_of(one()) + "\n");
}

TEST(AuthorizedKeys, KeysThatCannotBeReadAreRefused) {
    EXPECT_THAT(complaint_about("ssh-ed25519 garbage someone\n"),
                HasSubstr("keys:1: this key is refused because it is not a readable key of type "
                          "ssh-ed25519"));
    EXPECT_THAT(complaint_about("ssh-ed25519\n"), HasSubstr("ssh-ed25519"));
    EXPECT_THAT(complaint_about("ssh-rsa " + one().base64 + "\n"), HasSubstr("type ssh-rsa"));
    EXPECT_THAT(complaint_about("ssh-nonsense " + one().base64 + "\n"), HasSubstr("ssh-nonsense"));
    EXPECT_THAT(complaint_about("ssh-ed25519 " + one().base64.substr(0, 40) + "\n"),
                HasSubstr("not a readable key"));
}

TEST(AuthorizedKeys, ABrokenLineLeavesTheOthersAlone) {
    const AuthorizedKeys keys =
        keys_in("ssh-ed25519 garbage\n" + line_of(one()) + "\nrestrict " + line_of(other()) + "\n");
    EXPECT_NE(keys.find(one()), nullptr);
    EXPECT_EQ(keys.find(other()), nullptr);
    ASSERT_THAT(keys.complaints(), SizeIs(2));
    EXPECT_EQ(keys.complaints()[1].line, 3U);
}

// A key must not come in by the back door of a second line.
TEST(AuthorizedKeys, ARestrictedKeyMayHaveAPlainLineToo) {
    const AuthorizedKeys keys =
        keys_in("restrict " + line_of(one()) + "\n" + line_of(one()) + "\n");
    ASSERT_NE(keys.find(one()), nullptr);
    EXPECT_EQ(keys.find(one())->line, 2U);
    EXPECT_THAT(keys.complaints(), SizeIs(1));
}

TEST(AuthorizedKeys, AFolderIsReadInNameOrderWithoutDotfiles) {
    const Folder folder;
    folder.write("20-late", line_of(one()) + " late\n");
    folder.write("10-early", line_of(one()) + " early\n");
    folder.write(".hidden", line_of(other()) + "\n");
    folder.write("30-broken", "nonsense\n");
    std::filesystem::create_directory(folder.path("00-folder"));
    const AuthorizedKeys keys = AuthorizedKeys::read({folder.path()});
    ASSERT_NE(keys.find(one()), nullptr);
    EXPECT_EQ(keys.find(one())->comment, "early");
    EXPECT_EQ(keys.find(one())->file, folder.path("10-early"));
    EXPECT_EQ(keys.find(other()), nullptr);
    ASSERT_THAT(keys.complaints(), SizeIs(1));
    EXPECT_EQ(keys.complaints()[0].file, folder.path("30-broken"));
}

TEST(AuthorizedKeys, AMissingFileIsAComplaint) {
    const Folder folder;
    const AuthorizedKeys keys =
        AuthorizedKeys::read({folder.path("missing"), folder.write("there", line_of(one()))});
    EXPECT_NE(keys.find(one()), nullptr);
    ASSERT_THAT(keys.complaints(), SizeIs(1));
    EXPECT_THAT(keys.complaints()[0].text(), HasSubstr(folder.path("missing") + ": No such file"));
}

TEST(AuthorizedKeys, AFileThatIsTooLargeIsNotRead) {
    const Folder folder;
    const std::string path = folder.write("large", line_of(one()) + "\n");
    std::filesystem::resize_file(path, AuthorizedKeys::kFileBytesMax);
    EXPECT_NE(AuthorizedKeys::read({path}).find(one()), nullptr);
    std::filesystem::resize_file(path, AuthorizedKeys::kFileBytesMax + 1);
    const AuthorizedKeys keys = AuthorizedKeys::read({path});
    EXPECT_EQ(keys.find(one()), nullptr);
    ASSERT_THAT(keys.complaints(), SizeIs(1));
    EXPECT_THAT(keys.complaints()[0].text(), HasSubstr("larger than 16777216 bytes"));
}

TEST(AuthorizedKeys, AnEmptyFileGrantsNothingAndIsFine) {
    const Folder folder;
    const AuthorizedKeys keys = AuthorizedKeys::read({folder.write("empty", "")});
    EXPECT_EQ(keys.size(), 0U);
    EXPECT_THAT(keys.complaints(), IsEmpty());
}

}  // namespace
}  // namespace portreeve::ssh
