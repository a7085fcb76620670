// The files that tell of tunnels, in a folder of the test's own.
#include "daemon/directory.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/ssh/folder.h"

namespace portreeve::daemon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

TunnelEntry tcp(const std::string& id, const std::string& name, std::uint16_t port) {
    return {id,
            name,
            LeaseKind::tcp,
            name,
            "SHA256:owner",
            "localhost:0",
            "127.0.0.1",
            {"127.0.0.1", "::1"},
            port,
            "",
            "192.0.2.1:4022",
            1'767'225'600,
            false,
            "",
            0,
            {}};
}

TunnelEntry of_name(const std::string& id, const std::string& name, std::uint16_t port) {
    TunnelEntry entry = tcp(id, "label", port);
    entry.name = name;
    entry.address = name;
    entry.addresses = {};
    entry.kind = LeaseKind::name;
    return entry;
}

class DirectoryTest : public ::testing::Test {
  protected:
    void SetUp() override { ASSERT_EQ(files_.open(), ""); }
    [[nodiscard]] std::vector<std::string> names() const {
        std::vector<std::string> found;
        for (const auto& file : std::filesystem::directory_iterator(root_ + "/tunnels")) {
            found.push_back(file.path().filename());
        }
        return found;
    }
    [[nodiscard]] std::string text(const std::string& name) const {
        std::ifstream file(root_ + "/" + name);
        return {std::istreambuf_iterator<char>(file), {}};
    }

    ssh::testing::Folder folder_;
    std::string root_ = folder_.path("run");
    [[nodiscard]] std::string write(std::vector<TunnelEntry> entries) {
        return files_.write(names_.of(std::move(entries)));
    }

    DirectoryNames names_;
    DirectoryFiles files_{root_};
};

TEST_F(DirectoryTest, HasAFileForEachTunnelWhileItIs) {
    EXPECT_THAT(names(), IsEmpty());
    EXPECT_EQ(write({tcp("a", "pc42", 20'001), of_name("b", "blog", 80)}), "");
    EXPECT_THAT(names(), UnorderedElementsAre("pc42-20001.json", "blog-80.json"));
    EXPECT_EQ(text("tunnels/pc42-20001.json"),
              R"({"name":"pc42","kind":"tcp","user":"pc42","fingerprint":"SHA256:owner",)"
              R"("requested":"localhost:0","address":"127.0.0.1","addresses":["127.0.0.1","::1"],)"
              R"("port":20001,"client":"192.0.2.1:4022","since":"2026-01-01T00:00:00Z",)"
              R"("state":"open","last_error":"","last_error_at":""})"
              "\n");
    EXPECT_THAT(text("tunnels/blog-80.json"), HasSubstr(R"("kind":"private","user":"label")"));
    TunnelEntry held = tcp("a", "pc42", 20'001);
    held.held = true;
    EXPECT_EQ(write({held}), "");
    EXPECT_THAT(names(), ElementsAre("pc42-20001.json"));
    EXPECT_THAT(text("tunnels/pc42-20001.json"), HasSubstr(R"("state":"held")"));
    EXPECT_EQ(write({}), "");
    EXPECT_THAT(names(), IsEmpty());
}

TEST_F(DirectoryTest, AnybodyMayReadIt) {
    ASSERT_EQ(write({tcp("a", "pc42", 20'001)}), "");
    for (const auto& [name, mode] : {std::pair{"/tunnels", 0755U},
                                     {"/tunnels/pc42-20001.json", 0644U},
                                     {"/ssh_config", 0644U}}) {
        struct stat status {};
        ASSERT_EQ(::stat((root_ + name).c_str(), &status), 0) << name;
        EXPECT_EQ(status.st_mode & 07777U, mode) << name;
    }
}

TEST_F(DirectoryTest, AFlagIsLeftAfterEachNewSshConfigAndNoOther) {
    const std::string flag = root_ + "/ssh_config.changed";
    EXPECT_TRUE(std::filesystem::remove(flag)) << "one of the start";
    ASSERT_EQ(write({tcp("a", "pc42", 20'001)}), "");
    EXPECT_TRUE(std::filesystem::remove(flag));
    TunnelEntry held = tcp("a", "pc42", 20'001);
    held.held = true;
    ASSERT_EQ(write({held, of_name("b", "blog", 80)}), "");
    EXPECT_FALSE(std::filesystem::exists(flag)) << "the hosts are the same";
    ASSERT_EQ(write({}), "");
    ASSERT_EQ(write({tcp("a", "pc42", 20'001)}), "");
    EXPECT_TRUE(std::filesystem::remove(flag)) << "one of two changes";
}

TEST_F(DirectoryTest, AFlagThatCannotBeLeftIsAFailureAndTriedAgain) {
    const std::string flag = root_ + "/ssh_config.changed";
    std::filesystem::remove(flag);
    std::filesystem::create_symlink("/nowhere", flag);
    EXPECT_THAT(write({tcp("a", "pc42", 20'001)}), HasSubstr("ssh_config.changed: "));
    std::filesystem::remove(flag);
    EXPECT_EQ(write({tcp("a", "pc42", 20'001)}), "");
    EXPECT_TRUE(std::filesystem::exists(flag));
}

TEST_F(DirectoryTest, ANameOutOfAFoldersBoundsStaysInIt) {
    EXPECT_EQ(write({tcp("a", "../../etc/x", 1), tcp("b", "", 2), tcp("c", ".hidden", 3),
                     tcp("d", std::string(300, '\xff'), 4)}),
              "");
    EXPECT_THAT(names(), UnorderedElementsAre("_.._.._etc_x-1.json", "_-2.json", "_.hidden-3.json",
                                              std::string(64, '_') + "-4.json"));
}

TEST_F(DirectoryTest, TwoOfOneNameHaveAFileEachAndKeepIt) {
    const TunnelEntry one = tcp("a", "pc", 80);
    const TunnelEntry two = tcp("b", "pc", 80);
    ASSERT_EQ(write({one, two}), "");
    EXPECT_THAT(names(), UnorderedElementsAre("pc-80.json", "pc-80.2.json"));
    ASSERT_EQ(write({two}), "");
    EXPECT_THAT(names(), ElementsAre("pc-80.2.json"));
    ASSERT_EQ(write({two, one}), "");
    EXPECT_THAT(names(), UnorderedElementsAre("pc-80.2.json", "pc-80.json"));
}

TEST_F(DirectoryTest, WhatACrashLeftIsGone) {
    ASSERT_EQ(write({tcp("a", "pc42", 20'001)}), "");
    std::ofstream(root_ + "/tunnels/.torn-1.json") << "{";
    DirectoryFiles next(root_);
    ASSERT_EQ(next.open(), "");
    EXPECT_THAT(names(), IsEmpty());
    EXPECT_THAT(text("ssh_config"), Not(HasSubstr("Host ")));
}

TEST_F(DirectoryTest, NothingIsLeftAtTheEnd) {
    ASSERT_EQ(write({tcp("a", "pc42", 20'001)}), "");
    files_.remove_all();
    EXPECT_TRUE(std::filesystem::is_empty(root_));
}

TEST_F(DirectoryTest, AFolderThatIsGoneIsAFailureAndNoEnd) {
    std::filesystem::remove_all(root_);
    EXPECT_THAT(write({tcp("a", "pc42", 20'001)}), HasSubstr("No such file"));
    std::filesystem::create_directories(root_ + "/tunnels");
    EXPECT_EQ(write({tcp("a", "pc42", 20'001)}), "");
    EXPECT_THAT(names(), ElementsAre("pc42-20001.json"));
}

TEST(SshConfig, NamesTheOldestAndTheOthersByTheirPorts) {
    TunnelEntry everywhere = tcp("b", "pc42", 20'002);
    everywhere.address = "0.0.0.0";
    const std::string text =
        ssh_config_of(DirectoryNames().of({tcp("a", "pc42", 20'001), everywhere}));
    EXPECT_THAT(text, HasSubstr("\nHost pc42\n    HostName 127.0.0.1\n    Port 20001\n"
                                "    HostKeyAlias pc42\n"));
    EXPECT_THAT(text, HasSubstr("\nHost pc42-20002\n    HostName 127.0.0.1\n    Port 20002\n"));
}

TEST(SshConfig, HasNoNameThatMeansSomethingElse) {
    for (const char* name : {"*", "a b", "github.com", "-oProxyCommand=x", "x\ny", "!x", "", "a?",
                             "localhost", "LocalHost"}) {
        EXPECT_THAT(ssh_config_of(DirectoryNames().of({tcp("a", name, 1)})),
                    Not(HasSubstr("\nHost ")))
            << name;
    }
    EXPECT_THAT(ssh_config_of(DirectoryNames().of({of_name("a", "pc42", 22)})),
                Not(HasSubstr("\nHost ")));
}

}  // namespace
}  // namespace portreeve::daemon
