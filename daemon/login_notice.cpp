#include "daemon/login_notice.h"

#include <algorithm>
#include <array>

namespace portreeve::daemon {
namespace {

constexpr std::array<ssh::Code, 9> kOfKnownKeys = {
    "certificate_expired",
    "certificate_no_principals",
    "certificate_not_user",
    "certificate_not_yet_valid",
    "certificate_wrong_command",
    "certificate_wrong_principal",
    "key_expired",
    "touch_not_checkable",
    "verify_not_checkable",
};

}  // namespace

bool is_worth_a_proof(const Refusal& refusal) {
    return std::find(kOfKnownKeys.begin(), kOfKnownKeys.end(), refusal.code) != kOfKnownKeys.end();
}

std::string login_notice(const Refusal& refusal) {
    if (is_worth_a_proof(refusal) || refusal.code == "limit_sessions_per_key") {
        return "portreeve: refused the login: " + refusal.sentence + "\r\n";
    }
    // From where it would be let in is not for who may have stolen it.
    if (refusal.code == "wrong_source" || refusal.code == "certificate_wrong_source") {
        return "portreeve: refused the login: not from this address\r\n";
    }
    return {};
}

}  // namespace portreeve::daemon
