// Logins decided by real keys and certificates, as ssh-keygen makes them.

#include <gmock/gmock.h>

#include <fstream>

#include "daemon/login.h"
#include "ssh/certificate.h"
#include "tests/unit/ssh/keygen.h"

namespace portreeve::daemon {
namespace {

using ::testing::HasSubstr;

class Decided : public ::testing::Test {
  protected:
    static void SetUpTestSuite() {
        keygen_ = new ssh::testing::Keygen;
        for (const char* name : {"user", "other", "ca", "other_ca"}) {
            keygen_->make_key(name);
        }
        keygen_->make_key("sk", "ed25519-sk");
    }
    static void TearDownTestSuite() { delete std::exchange(keygen_, nullptr); }

    static std::string line(const std::string& name, const std::string& options = "") {
        const ssh::PublicKey key = keygen_->key(name);
        return options + (options.empty() ? "" : " ") + key.type + " " + key.base64 + "\n";
    }
    static ssh::PublicKey shown(const std::string& name) {
        std::ifstream file(keygen_->path(name + ".pub"));
        ssh::PublicKey key;
        file >> key.type >> key.base64;
        const bool plain = !ssh::is_certificate_type(key.type);
        return plain ? keygen_->key(name) : key;
    }
    // The key or certificate in NAME.pub, shown as `user_` from `address_`.
    tl::expected<Grant, Refusal> decide(const std::string& name) {
        return decide_login({user_, shown(name), address_, now_s_}, policy_.authorized_keys,
                            policy_);
    }
    std::string code(const std::string& name) {
        const auto decision = decide(name);
        return decision ? "" : std::string(decision.error().code);
    }
    void allow(const std::string& text) { policy_.authorized_keys.add_text(text, "keys"); }
    static void certify(const std::string& name, const std::string& authority,
                        const std::string& options) {
        keygen_->certify(name, authority, options);
    }

    static ssh::testing::Keygen* keygen_;
    Policy policy_;
    std::string user_ = "reeve";
    std::string address_ = "192.0.2.7";
    std::int64_t now_s_ = wall_clock_s();
};

ssh::testing::Keygen* Decided::keygen_ = nullptr;

TEST_F(Decided, ByTheLineThatNamesTheKey) {
    allow(line("other") + line("user"));
    const auto grant = decide("user");
    ASSERT_TRUE(grant);
    EXPECT_EQ(grant->owner, keygen_->key("user").fingerprint);
    EXPECT_EQ(grant->user, "reeve");
    EXPECT_EQ(grant->source, "keys:2");
    EXPECT_EQ(code("ca"), "unknown_key");
}

TEST_F(Decided, ByWhereItComesFrom) {
    allow(line("user", R"(from="192.0.2.0/24,!192.0.2.9")"));
    EXPECT_EQ(code("user"), "");
    address_ = "192.0.2.9";
    EXPECT_EQ(code("user"), "wrong_source");
    address_ = "2001:db8::1";
    EXPECT_EQ(code("user"), "wrong_source");
}

TEST_F(Decided, ByTheTime) {
    allow(line("user", R"(expiry-time="20300101Z")"));
    now_s_ = 1'893'455'999;  // the last second of 2029
    EXPECT_EQ(code("user"), "");
    now_s_ += 2;
    EXPECT_EQ(code("user"), "key_expired");
}

TEST_F(Decided, ByTheFirstLineThatLetsIn) {
    allow(line("user", R"(from="198.51.100.1")") + line("user", R"(permitlisten="8080")"));
    const auto grant = decide("user");
    ASSERT_TRUE(grant);
    EXPECT_EQ(grant->source, "keys:2");
    EXPECT_EQ(grant->options.permit_listen.size(), 1U);
}

TEST_F(Decided, NoSecurityKeyWhoseTouchCannotBeChecked) {
    allow(line("sk"));
    EXPECT_EQ(code("sk"), "touch_not_checkable");
    policy_.authorized_keys = {};
    allow(line("sk", "no-touch-required"));
    EXPECT_EQ(code("sk"), "");
    policy_.authorized_keys = {};
    allow(line("sk", "no-touch-required,verify-required"));
    EXPECT_EQ(code("sk"), "verify_not_checkable");
}

TEST_F(Decided, ByACertificateOfATrustedAuthority) {
    certify("user", "ca", "-n reeve,miller -V always:forever -z 7");
    EXPECT_EQ(code("user-cert"), "unknown_authority");
    allow(line("ca"));
    EXPECT_EQ(code("user-cert"), "unknown_authority") << "a plain line of the authority's own key";
    allow(line("ca", "cert-authority"));
    const auto grant = decide("user-cert");
    ASSERT_TRUE(grant) << grant.error().sentence;
    EXPECT_EQ(grant->owner, keygen_->key("user").fingerprint);
    EXPECT_EQ(grant->source, "keys:1");
    EXPECT_THAT(grant->certificate, HasSubstr("7"));
    user_ = "smith";
    EXPECT_EQ(code("user-cert"), "certificate_wrong_principal");
    EXPECT_EQ(code("user"), "unknown_key") << "the certified key alone";
}

TEST_F(Decided, ByACertificateOfAConfiguredAuthority) {
    certify("user", "ca", "-n reeve");
    policy_.trusted_user_ca.add_text(line("ca"), "cas");
    const auto grant = decide("user-cert");
    ASSERT_TRUE(grant) << grant.error().sentence;
    EXPECT_EQ(grant->source, "cas:1");
    certify("user", "other_ca", "-n reeve");
    EXPECT_EQ(code("user-cert"), "unknown_authority");
}

TEST_F(Decided, PrincipalsOfTheLineTakeThePlaceOfTheUser) {
    certify("user", "ca", "-n tunnels");
    allow(line("ca", R"(cert-authority,principals="admins,tunnels")"));
    EXPECT_EQ(code("user-cert"), "");
    certify("user", "ca", "-n reeve");
    EXPECT_EQ(code("user-cert"), "certificate_wrong_principal");
}

TEST_F(Decided, AnAuthorityIsTrustedForThePrincipalsOfItsLineAlone) {
    certify("user", "ca", "-n devices,ops");
    allow(line("ca", R"(cert-authority,principals="devices,others")"));
    const auto grant = decide("user-cert");
    ASSERT_TRUE(grant) << grant.error().sentence;
    EXPECT_EQ(grant->principals, std::vector<std::string>{"devices"});
}

// At a reload, whatever else the lines of its authority ask for.
TEST_F(Decided, ByACertificateAsItWasWhenItWasShown) {
    constexpr std::int64_t kMay2020S = 1'588'300'000;
    allow(line("ca", "cert-authority") + line("ca", R"(cert-authority,from="198.51.100.1")"));
    certify("user", "ca", "-n reeve -V 20200101:20210101");
    LoginAttempt attempt{user_, shown("user-cert"), address_, now_s_, kMay2020S};
    EXPECT_TRUE(decide_login(attempt, policy_.authorized_keys, policy_));
    attempt.shown_s = now_s_;
    EXPECT_FALSE(decide_login(attempt, policy_.authorized_keys, policy_));
    policy_.authorized_keys = {};
    allow(line("ca", R"(cert-authority,expiry-time="20210101Z")"));
    attempt.shown_s = kMay2020S;
    const auto decision = decide_login(attempt, policy_.authorized_keys, policy_);
    ASSERT_FALSE(decision);
    EXPECT_EQ(std::string_view(decision.error().code), "key_expired");
}

TEST_F(Decided, ByACertificatesTimeAndPlace) {
    allow(line("ca", "cert-authority"));
    certify("user", "ca", "-n reeve -V 20200101:20210101");
    EXPECT_EQ(code("user-cert"), "certificate_expired");
    certify("user", "ca", "-n reeve -V 20900101:20910101");
    EXPECT_EQ(code("user-cert"), "certificate_not_yet_valid");
    certify("user", "ca", "-n reeve -O source-address=198.51.100.0/24");
    EXPECT_EQ(code("user-cert"), "certificate_wrong_source");
    address_ = "198.51.100.200";
    EXPECT_EQ(code("user-cert"), "");
    certify("user", "ca", "-n reeve -O verify-required");
    EXPECT_EQ(code("user-cert"), "verify_not_checkable");
    certify("user", "ca", "-h -n reeve");
    EXPECT_EQ(code("user-cert"), "certificate_not_user");
}

TEST_F(Decided, LineAndCertificateMustBothPermit) {
    allow(line("ca", R"(cert-authority,no-pty,permitlisten="8080")"));
    certify("user", "ca", "-n reeve -O no-port-forwarding");
    auto grant = decide("user-cert");
    ASSERT_TRUE(grant);
    EXPECT_FALSE(grant->options.port_forwarding);
    EXPECT_FALSE(grant->options.pty);
    certify("user", "ca", "-n reeve -O force-command=/bin/true");
    grant = decide("user-cert");
    ASSERT_TRUE(grant);
    EXPECT_TRUE(grant->options.port_forwarding);
    EXPECT_EQ(grant->options.command, "/bin/true");
    EXPECT_EQ(grant->options.permit_listen.size(), 1U);
    policy_.authorized_keys = {};
    allow(line("ca", R"(cert-authority,command="/bin/false")"));
    EXPECT_EQ(code("user-cert"), "certificate_wrong_command");
}

TEST_F(Decided, RevocationComesFirst) {
    certify("user", "ca", "-n reeve -z 7");
    allow(line("user") + line("ca", "cert-authority"));
    keygen_->run("-k -f revoked user.pub");
    policy_.revoked = ssh::RevokedKeys::read(keygen_->path("revoked")).value();
    EXPECT_EQ(code("user"), "key_revoked");
    EXPECT_EQ(code("user-cert"), "key_revoked");
    policy_.revoked.reset();
    EXPECT_EQ(code("user-cert"), "");
}

TEST_F(Decided, ByThePassword) {
    const auto options = ssh::parse_key_options(R"(from="192.0.2.0/24")").value();
    const auto grant = decide_password_login("miller", "192.0.2.1", now_s_, options, "passwords:1");
    ASSERT_TRUE(grant);
    EXPECT_EQ(grant->owner, "user:miller");
    const auto refused =
        decide_password_login("miller", "198.51.100.1", now_s_, options, "passwords:1");
    ASSERT_FALSE(refused);
    EXPECT_EQ(std::string_view(refused.error().code), "wrong_source");
}

}  // namespace
}  // namespace portreeve::daemon
