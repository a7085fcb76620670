// Which algorithms can be used is libssh's to say, so these tests name those that every libssh has,
// and one that none has. That they are then offered is seen by the real ssh, in tests/e2e.
#include "ssh/acceptor.h"

#include <gmock/gmock.h>

#include "tests/unit/ssh/conversation.h"

namespace portreeve::ssh {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class Algorithm : public ::testing::Test {
  protected:
    std::string why_unusable(const Algorithms& algorithms) {
        const std::string why = algorithms.why_unusable(host_keys_);
        const auto made = Acceptor::make(host_keys_, algorithms);
        EXPECT_EQ(made ? "" : made.error(), why) << "what is unusable cannot be had, and no more";
        return why;
    }

    HostKeys host_keys_ = testing::make_host_keys();  // of type ssh-ed25519
};

TEST_F(Algorithm, NoneAreTheDefaults) {
    EXPECT_EQ(why_unusable({}), "");
}

TEST_F(Algorithm, ThatLibsshHasAreUsable) {
    EXPECT_EQ(why_unusable({.ciphers = {"aes256-ctr", "aes128-cbc"},
                            .kex = {"curve25519-sha256", "diffie-hellman-group18-sha512"},
                            .macs = {"hmac-sha2-512", "hmac-sha1"},
                            .host_key_algorithms = {"rsa-sha2-512", "ssh-ed25519"}}),
              "");
}

TEST_F(Algorithm, ThatLibsshHasNotIsNamedWithThoseItHas) {
    EXPECT_THAT(why_unusable({.ciphers = {"aes256-ctr", "rot13", "aes128-ctr"}}),
                AllOf(StartsWith("[ssh] ciphers: libssh "), HasSubstr(" has no \"rot13\"; use "),
                      HasSubstr("aes256-ctr"), HasSubstr("aes128-cbc")));
    EXPECT_THAT(why_unusable({.kex = {"rot13"}}),
                AllOf(StartsWith("[ssh] kex: libssh "), HasSubstr("curve25519-sha256, ")));
    EXPECT_THAT(why_unusable({.macs = {"rot13"}}),
                AllOf(StartsWith("[ssh] macs: libssh "), HasSubstr("hmac-sha2-256, "),
                      Not(HasSubstr("aes256"))));
    EXPECT_THAT(why_unusable({.host_key_algorithms = {"rot13"}}),
                AllOf(StartsWith("[ssh] host_key_algorithms: "), HasSubstr("ssh-ed25519, ")));
}

TEST_F(Algorithm, NoneIsNotOne) {
    EXPECT_THAT(why_unusable({.ciphers = {"none"}}), HasSubstr(" has no \"none\""));
}

TEST_F(Algorithm, ThatNoHostKeyHasIsUseless) {
    EXPECT_EQ(why_unusable({.host_key_algorithms = {"rsa-sha2-512", "ssh-rsa"}}),
              "[ssh] host_key_algorithms: none of them fits a host key, which are of type "
              "ssh-ed25519; add one that does, or a key ([ssh] host_keys)");
}

TEST_F(Algorithm, FitsTheKeyThatAFirstStartMakes) {
    host_keys_ = *HostKeys::read({});
    const Algorithms fitting{.host_key_algorithms = {"ssh-ed25519"}};
    const Algorithms other{.host_key_algorithms = {"rsa-sha2-256"}};
    EXPECT_EQ(fitting.why_unusable(host_keys_), "");
    EXPECT_THAT(other.why_unusable(host_keys_), HasSubstr("of type ssh-ed25519"));
}

}  // namespace
}  // namespace portreeve::ssh
