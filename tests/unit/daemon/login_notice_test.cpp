#include "daemon/login_notice.h"

#include <gtest/gtest.h>

namespace portreeve::daemon {
namespace {

TEST(LoginNotice, WhoHasAKnownKeyHearsWhy) {
    for (const ssh::Code code : {ssh::Code("key_expired"), ssh::Code("certificate_expired"),
                                 ssh::Code("certificate_wrong_principal")}) {
        EXPECT_TRUE(is_worth_a_proof({code, "why"}));
        EXPECT_EQ(login_notice({code, "why"}), "portreeve: refused the login: why\r\n");
    }
    const Refusal limit{"limit_sessions_per_key", "too many"};
    EXPECT_FALSE(is_worth_a_proof(limit)) << "it is only found out after the proof";
    EXPECT_EQ(login_notice(limit), "portreeve: refused the login: too many\r\n");
}

TEST(LoginNotice, StrangersHearNothing) {
    for (const ssh::Code code :
         {ssh::Code("unknown_key"), ssh::Code("unknown_authority"), ssh::Code("unknown_user"),
          ssh::Code("wrong_password"), ssh::Code("certificate_not_valid"), ssh::Code("key_revoked"),
          ssh::Code("auth_command_failed"), ssh::Code("password_not_checked")}) {
        EXPECT_FALSE(is_worth_a_proof({code, "why"})) << std::string_view(code);
        EXPECT_EQ(login_notice({code, "why"}), "") << std::string_view(code);
    }
}

TEST(LoginNotice, ElsewhereNobodyLearnsFromWhereAKeyLetsIn) {
    for (const ssh::Code code :
         {ssh::Code("wrong_source"), ssh::Code("certificate_wrong_source")}) {
        const Refusal refusal{code, "from=\"192.0.2.1\" does not allow 198.51.100.1"};
        EXPECT_FALSE(is_worth_a_proof(refusal));
        EXPECT_EQ(login_notice(refusal), "portreeve: refused the login: not from this address\r\n");
    }
}

}  // namespace
}  // namespace portreeve::daemon
