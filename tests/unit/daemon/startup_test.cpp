#include "daemon/startup.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "ssh/library.h"
#include "tests/unit/ssh/folder.h"

namespace portreeve::daemon {
namespace {

using ssh::testing::Folder;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::SizeIs;

// An environment variable for the length of a test.
class Variable {
  public:
    Variable(const char* name, const std::string& value) : name_(name) {
        ::setenv(name, value.c_str(), 1);
    }
    Variable(const Variable&) = delete;
    Variable& operator=(const Variable&) = delete;
    Variable(Variable&&) = delete;
    Variable& operator=(Variable&&) = delete;
    ~Variable() { ::unsetenv(name_); }

  private:
    const char* name_;
};

std::string sentence_of(const Failure& failure) {
    EXPECT_THAT(failure.sentences, SizeIs(1));
    return failure.sentences.empty() ? "" : failure.sentences.front();
}

TEST(FindConfig, TakesWhatIsGiven) {
    const Folder folder;
    folder.write("portreeve.toml", "");
    const Variable variable("CONFIGURATION_DIRECTORY", folder.path());
    EXPECT_EQ(find_config("/given/even/if/missing.toml"), "/given/even/if/missing.toml");
}

TEST(FindConfig, LooksInTheFirstFolderThatSystemdNames) {
    const Folder folder;
    const std::string path = folder.write("portreeve.toml", "");
    const Variable variable("CONFIGURATION_DIRECTORY", folder.path() + ":/other");
    EXPECT_EQ(find_config(""), path);
}

TEST(FindConfig, GoesOnWhereThatFolderHasNone) {
    const Folder folder;
    const std::string otherwise = find_config("");
    const Variable variable("CONFIGURATION_DIRECTORY", folder.path());
    EXPECT_EQ(find_config(""), otherwise);
}

TEST(ReadConfig, WithoutAFileIsTheDefaults) {
    const auto config = read_config("");
    ASSERT_TRUE(config);
    EXPECT_EQ(*config, conf::Config{});
}

TEST(ReadConfig, LetsTheEnvironmentNameTheFolders) {
    const Folder folder;
    const std::string path = folder.write(
        "a.toml", "[server]\nstate_dir = \"/configured\"\nruntime_dir = \"/configured\"\n");
    EXPECT_EQ(read_config(path)->server.state_dir, "/configured");
    const Variable state("STATE_DIRECTORY", "/state:/second");
    const Variable runtime("RUNTIME_DIRECTORY", "/runtime");
    EXPECT_EQ(read_config(path)->server.state_dir, "/state");
    EXPECT_EQ(read_config(path)->server.runtime_dir, "/runtime");
}

TEST(ReadConfig, ReportsEveryMistakeWithExitCode2) {
    const Folder folder;
    const std::string path = folder.write("a.toml", "[ssh]\nkeepalive = 1\n[serverr]\n");
    const auto config = read_config(path);
    ASSERT_FALSE(config);
    EXPECT_EQ(config.error().exit_code, 2);
    EXPECT_THAT(config.error().sentences, SizeIs(2));
    EXPECT_THAT(config.error().sentences, Each(HasSubstr(path + ":")));
}

TEST(LockState, MakesTheFolderAndTakesItOnce) {
    const Folder folder;
    const std::string state = folder.path("a/b");
    {
        const auto lock = lock_state(state);
        ASSERT_TRUE(lock) << sentence_of(lock.error());
        const auto second = lock_state(state);
        ASSERT_FALSE(second);
        EXPECT_EQ(second.error().exit_code, 1);
        EXPECT_THAT(sentence_of(second.error()), HasSubstr(state + ": another portreeved"));
    }
    EXPECT_TRUE(lock_state(state)) << "the lock goes with its owner";
}

TEST(LockState, SaysWhyAFolderWillNotDo) {
    const Folder folder;
    const std::string state = folder.write("file", "") + "/state";
    const auto lock = lock_state(state);
    ASSERT_FALSE(lock);
    EXPECT_EQ(lock.error().exit_code, 1);
    EXPECT_THAT(sentence_of(lock.error()), HasSubstr("Not a directory"));
    EXPECT_THAT(sentence_of(lock.error()), HasSubstr("[server] state_dir"));
}

class MakePolicy : public ::testing::Test {
  protected:
    MakePolicy() {
        config_.server.state_dir = folder_.path();
        config_.auth.authorized_keys = {folder_.write("keys", "# nobody yet\n")};
    }
    const ssh::Library library_;
    Folder folder_;
    conf::Config config_;
};

TEST_F(MakePolicy, MakesAHostKeyAtFirst) {
    const auto policy = make_policy(config_);
    ASSERT_TRUE(policy) << sentence_of(policy.error());
    EXPECT_THAT((*policy)->host_keys.public_keys(), SizeIs(1));
    EXPECT_TRUE(std::filesystem::exists(folder_.path("host_key_ed25519")));
    EXPECT_EQ((*policy)->config, config_);
}

TEST_F(MakePolicy, FailsForAKeyFileThatIsMissing) {
    config_.auth.authorized_keys.push_back(folder_.path("missing"));
    const auto policy = make_policy(config_);
    ASSERT_FALSE(policy);
    EXPECT_EQ(policy.error().exit_code, 1);
    EXPECT_EQ(sentence_of(policy.error()),
              folder_.path("missing") + ": No such file or directory ([auth] authorized_keys)");
}

TEST_F(MakePolicy, FailsForAKeyFileThatMayNotBeRead) {
    if (::geteuid() == 0) {
        GTEST_SKIP() << "root may read everything";
    }
    ::chmod(config_.auth.authorized_keys[0].c_str(), 0);
    const auto policy = make_policy(config_);
    ASSERT_FALSE(policy);
    EXPECT_THAT(sentence_of(policy.error()), HasSubstr("Permission denied"));
}

TEST_F(MakePolicy, FailsForABrokenHostKey) {
    config_.ssh.host_keys = {folder_.path("no_key")};
    const auto policy = make_policy(config_);
    ASSERT_FALSE(policy);
    EXPECT_THAT(sentence_of(policy.error()), HasSubstr(folder_.path("no_key")));
}

TEST_F(MakePolicy, TakesARefusedLineAsAComplaint) {
    folder_.write("keys", "restrict ssh-ed25519 AAAA\n");
    const auto policy = make_policy(config_);
    ASSERT_TRUE(policy);
    EXPECT_THAT((*policy)->authorized_keys.complaints(), SizeIs(1));
}

}  // namespace
}  // namespace portreeve::daemon
