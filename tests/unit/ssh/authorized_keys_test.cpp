#include "ssh/authorized_keys.h"

#include <gmock/gmock.h>

#include <fstream>

#include "tests/unit/ssh/conversation.h"
#include "tests/unit/ssh/folder.h"

namespace portreeve::ssh {
namespace {

using ::testing::ElementsAre;
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
    ASSERT_THAT(keys.find(one()), SizeIs(1));
    EXPECT_EQ(keys.find(one()).front().comment, "someone@home with words");
    EXPECT_EQ(keys.find(one()).front().key.fingerprint, one().fingerprint);
    EXPECT_EQ(keys.find(one()).front().file, "keys");
    EXPECT_EQ(keys.find(one()).front().line, 1U);
    EXPECT_THAT(keys.find(other()), IsEmpty());
}

TEST(AuthorizedKeys, CommentsAndBlankLinesCountAsLinesOnly) {
    const AuthorizedKeys keys = keys_in("# first\n\n   \t\n  # fourth\n" + line_of(one()) + "\n#" +
                                        line_of(other()) + "\n");
    EXPECT_THAT(keys.complaints(), IsEmpty());
    EXPECT_EQ(keys.size(), 1U);
    ASSERT_THAT(keys.find(one()), SizeIs(1));
    EXPECT_EQ(keys.find(one()).front().line, 5U);
    EXPECT_EQ(keys.find(one()).front().comment, "");
}

TEST(AuthorizedKeys, LinesMayEndLikeOnWindowsOrNotAtAll) {
    const AuthorizedKeys keys =
        keys_in(line_of(one()) + " a\r\n\r\n\t" + one().type + "\t" + other().base64 + "  b");
    EXPECT_THAT(keys.complaints(), IsEmpty());
    ASSERT_THAT(keys.find(one()), SizeIs(1));
    EXPECT_EQ(keys.find(one()).front().comment, "a");
    ASSERT_THAT(keys.find(other()), SizeIs(1));
    EXPECT_EQ(keys.find(other()).front().comment, "b");
    EXPECT_EQ(keys.find(other()).front().line, 3U);
}

TEST(AuthorizedKeys, AKeyOnSeveralLinesHasThemAllInOrder) {
    const AuthorizedKeys keys =
        keys_in("no-pty " + line_of(one()) + " first\n" + line_of(other()) + "\nrestrict " +
                line_of(one()) + " second\n" + line_of(one()) + " third\n");
    EXPECT_EQ(keys.size(), 2U);
    EXPECT_THAT(keys.find(other()), SizeIs(1));
    ASSERT_THAT(keys.find(one()), SizeIs(3));
    EXPECT_EQ(keys.find(one())[0].comment, "first");
    EXPECT_FALSE(keys.find(one())[0].options.pty);
    EXPECT_TRUE(keys.find(one())[0].options.port_forwarding);
    EXPECT_EQ(keys.find(one())[1].line, 3U);
    EXPECT_FALSE(keys.find(one())[1].options.port_forwarding);
    EXPECT_TRUE(keys.find(one())[2].options.plain());
}

TEST(AuthorizedKeys, OptionsGoWithTheirKey) {
    const AuthorizedKeys keys = keys_in("  restrict,port-forwarding,permitlisten=\"blog:80\"\t" +
                                        line_of(one()) + " someone\n");
    EXPECT_THAT(keys.complaints(), IsEmpty());
    ASSERT_THAT(keys.find(one()), SizeIs(1));
    const auto& entry = keys.find(one()).front();
    EXPECT_EQ(entry.comment, "someone");
    EXPECT_FALSE(entry.options.pty);
    ASSERT_THAT(entry.options.permit_listen, SizeIs(1));
    EXPECT_TRUE(entry.options.permit_listen[0].matches("blog", 80, true));
}

TEST(AuthorizedKeys, AnAuthorityGrantsNothingToItsOwnKey) {
    const AuthorizedKeys keys =
        keys_in("cert-authority,principals=\"a,b\" " + line_of(one()) + "\n" + line_of(other()) +
                "\nCERT-AUTHORITY,no-pty " + line_of(one()) + " second\n");
    EXPECT_THAT(keys.complaints(), IsEmpty());
    EXPECT_THAT(keys.find(one()), IsEmpty());
    EXPECT_THAT(keys.find_authority(other()), IsEmpty());
    EXPECT_EQ(keys.size(), 1U);
    EXPECT_EQ(keys.authorities(), 1U);
    ASSERT_THAT(keys.find_authority(one()), SizeIs(2));
    EXPECT_THAT(keys.find_authority(one())[0].options.principals, ElementsAre("a", "b"));
    EXPECT_EQ(keys.find_authority(one())[1].comment, "second");
}

TEST(AuthorizedKeys, ABadOptionIsRefusedByNameAndPlace) {
    const std::string said =
        complaint_about("\nrestrict,nonsense " + line_of(one()) + " someone\n");
    EXPECT_THAT(said, HasSubstr("keys:2: this key is refused: "));
    EXPECT_THAT(said, HasSubstr("\"nonsense\""));
    complaint_about("restrict, no-pty " + line_of(one()) + "\n");
    complaint_about("cert-authority,nonsense " + line_of(one()) + "\n");
}

TEST(AuthorizedKeys, QuotedOptionsMayHoldBlanksHashesAndQuotes) {
    for (const std::string option :
         {R"(command="echo hello world")", R"(from="10.0.0.0/8",command="a \" b",no-pty)",
          R"(command="# no comment",environment="NAME=a # b")", R"(command="a\\\" b")"}) {
        const AuthorizedKeys keys = keys_in(option + " " + line_of(one()) + "\n");
        ASSERT_THAT(keys.find(one()), SizeIs(1)) << option;
        EXPECT_TRUE(keys.find(one()).front().options.command) << option;
    }
}

// Blanks inside quotes must not make the key look like the line's first word.
TEST(AuthorizedKeys, AKeyInsideAnOptionIsGrantedNothing) {
    const AuthorizedKeys keys =
        keys_in("command=\"x " + line_of(one()) + "\" " + line_of(other()) + "\n");
    EXPECT_THAT(keys.find(one()), IsEmpty());
    EXPECT_THAT(keys.find(other()), SizeIs(1));
    complaint_about("command=\"never closed " + line_of(one()) + "\n");
    // As in sshd, two backslashes are two backslashes, and the quote behind the second is escaped.
    complaint_about("command=\"x\\\\\" " + line_of(one()) + "\n");
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
        keys_in("ssh-ed25519 garbage\n" + line_of(one()) + "\nnonsense " + line_of(other()) + "\n");
    EXPECT_THAT(keys.find(one()), SizeIs(1));
    EXPECT_THAT(keys.find(other()), IsEmpty());
    ASSERT_THAT(keys.complaints(), SizeIs(2));
    EXPECT_EQ(keys.complaints()[1].line, 3U);
}

TEST(AuthorizedKeys, ARefusedLineLeavesTheKeysOtherLinesAlone) {
    const AuthorizedKeys keys =
        keys_in("nonsense " + line_of(one()) + "\nno-pty " + line_of(one()) + "\n");
    ASSERT_THAT(keys.find(one()), SizeIs(1));
    EXPECT_EQ(keys.find(one()).front().line, 2U);
    EXPECT_THAT(keys.complaints(), SizeIs(1));
}

TEST(AuthorizedKeys, ACertificateIsNoKey) {
    EXPECT_THAT(complaint_about("ssh-ed25519-cert-v01@openssh.com " + one().base64 + "\n"),
                HasSubstr("cert-authority"));
}

TEST(AuthorizedKeys, ControlCharactersAreRefusedAndNotRepeated) {
    for (const std::string& bad : {std::string(1, '\0'), std::string("\x1b[2J")}) {
        const std::string said = complaint_about("no-pty" + bad + " " + line_of(one()) + "\n");
        EXPECT_EQ(said, "keys:1: this line is refused because it holds a control character");
        complaint_about(line_of(one()) + " comment" + bad + "\n");
    }
}

TEST(AuthorizedKeys, AFolderIsReadInNameOrderWithoutDotfiles) {
    const Folder folder;
    folder.write("20-late", line_of(one()) + " late\n");
    folder.write("10-early", line_of(one()) + " early\n");
    folder.write(".hidden", line_of(other()) + "\n");
    folder.write("30-broken", "nonsense\n");
    std::filesystem::create_directory(folder.path("00-folder"));
    const AuthorizedKeys keys = AuthorizedKeys::read({folder.path()});
    ASSERT_THAT(keys.find(one()), SizeIs(2));
    EXPECT_EQ(keys.find(one()).front().comment, "early");
    EXPECT_EQ(keys.find(one()).front().file, folder.path("10-early"));
    EXPECT_THAT(keys.find(other()), IsEmpty());
    ASSERT_THAT(keys.complaints(), SizeIs(1));
    EXPECT_EQ(keys.complaints()[0].file, folder.path("30-broken"));
}

TEST(AuthorizedKeys, WhatIsLeftBesideAFileLetsNobodyIn) {
    const Folder folder;
    for (const char* name : {"bob~", "#bob#", "bob.bak", "bob.orig", "bob.rej", "bob.swp",
                             "carol.dpkg-old", "carol.dpkg-new", "carol.ucf-dist"}) {
        folder.write(name, line_of(other()) + "\n");
    }
    folder.write("bakery", line_of(one()) + "\n");
    const AuthorizedKeys keys = AuthorizedKeys::read({folder.path()});
    EXPECT_THAT(keys.find(other()), IsEmpty());
    EXPECT_THAT(keys.find(one()), SizeIs(1));
    EXPECT_THAT(keys.complaints(), IsEmpty());
    EXPECT_THAT(AuthorizedKeys::read({folder.path("bob~")}).find(other()), SizeIs(1))
        << "it was named";
}

TEST(AuthorizedKeys, WhatOthersCanChangeIsDoubtfulAndHolds) {
    using std::filesystem::perms;
    const Folder folder;
    const std::string alice = folder.write("alice", line_of(one()) + "\n");
    const auto doubts = [&](const std::string& path) {
        const AuthorizedKeys keys = AuthorizedKeys::read({path});
        EXPECT_THAT(keys.find(one()), SizeIs(1));
        EXPECT_THAT(keys.complaints(), IsEmpty());
        return keys.doubts();
    };
    std::filesystem::permissions(alice, perms{0644});
    EXPECT_THAT(doubts(alice), IsEmpty());
    EXPECT_THAT(doubts(folder.path()), IsEmpty());
    std::filesystem::permissions(alice, perms{0664});
    const std::string of_file = alice + " can be changed by others; run: chmod go-w " + alice;
    EXPECT_THAT(doubts(alice), ElementsAre(of_file));
    EXPECT_THAT(doubts(folder.path()), ElementsAre(of_file));
    std::filesystem::permissions(alice, perms{0640});
    std::filesystem::permissions(folder.path(), perms{0777});
    const std::string of_folder =
        folder.path() + " can be changed by others; run: chmod go-w " + folder.path();
    EXPECT_THAT(doubts(alice), ElementsAre(of_folder)) << "by another file of that name";
    EXPECT_THAT(doubts(folder.path()), ElementsAre(of_folder));
    std::filesystem::permissions(folder.path(), perms{01777});
    EXPECT_THAT(doubts(alice), IsEmpty());
    EXPECT_THAT(doubts(folder.path()), ElementsAre(of_folder)) << "by one more file";
}

TEST(AuthorizedKeys, AMissingFileIsAComplaint) {
    const Folder folder;
    const AuthorizedKeys keys =
        AuthorizedKeys::read({folder.path("missing"), folder.write("there", line_of(one()))});
    EXPECT_THAT(keys.find(one()), SizeIs(1));
    ASSERT_THAT(keys.complaints(), SizeIs(1));
    EXPECT_THAT(keys.complaints()[0].text(), HasSubstr(folder.path("missing") + ": No such file"));
}

TEST(AuthorizedKeys, AFileThatIsTooLargeIsNotRead) {
    const Folder folder;
    const std::string path = folder.write("large", line_of(one()) + "\n");
    std::filesystem::resize_file(path, AuthorizedKeys::kFileBytesMax);
    EXPECT_THAT(AuthorizedKeys::read({path}).find(one()), SizeIs(1));
    std::filesystem::resize_file(path, AuthorizedKeys::kFileBytesMax + 1);
    const AuthorizedKeys keys = AuthorizedKeys::read({path});
    EXPECT_THAT(keys.find(one()), IsEmpty());
    ASSERT_THAT(keys.complaints(), SizeIs(1));
    EXPECT_THAT(keys.complaints()[0].text(), HasSubstr("larger than 16777216 bytes"));
}

TEST(AuthorizedKeys, KnowWhichHostsAreWrittenOut) {
    const AuthorizedKeys keys = keys_in(
        R"(permitlisten="Blog:80",permitlisten="wiki:8000-8999",permitlisten="8081" )" +
        line_of(one()) + "\n" + R"(permitlisten="blog:443",permitlisten="any:*" )" +
        line_of(other()) + "\n" + R"(cert-authority,permitlisten="b*:80",permitlisten="sh?p:80" )" +
        line_of(one()) + "\n" + R"(restrict,permitlisten="shut:80" )" + line_of(one()) + "\n");
    EXPECT_THAT(keys.complaints(), IsEmpty());
    EXPECT_TRUE(keys.writes_out("blog", 80));
    EXPECT_TRUE(keys.writes_out("blog", 443));
    EXPECT_FALSE(keys.writes_out("blog", 22));
    EXPECT_TRUE(keys.writes_out("wiki", 8080));
    EXPECT_TRUE(keys.writes_out("any", 1));
    EXPECT_FALSE(keys.writes_out("b*", 80)) << "a glob means no host";
    EXPECT_FALSE(keys.writes_out("bill", 80));
    EXPECT_FALSE(keys.writes_out("sh?p", 80));
    EXPECT_FALSE(keys.writes_out("", 8081));
    EXPECT_FALSE(keys.writes_out("shut", 80)) << "who may not forward is promised nothing";
}

TEST(AuthorizedKeys, AnEmptyFileGrantsNothingAndIsFine) {
    const Folder folder;
    const AuthorizedKeys keys = AuthorizedKeys::read({folder.write("empty", "")});
    EXPECT_EQ(keys.size(), 0U);
    EXPECT_THAT(keys.complaints(), IsEmpty());
}

}  // namespace
}  // namespace portreeve::ssh
