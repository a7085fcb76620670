#include "daemon/tls/openssl.h"

#include <openssl/err.h>

#include <ctime>

namespace portreeve::tls {

std::string take_reason() {
    // libssl's own words say more than those of the parts below it.
    unsigned long chosen = 0;
    while (const unsigned long next = ERR_get_error()) {
        if (chosen == 0 ||
            (ERR_GET_LIB(chosen) != ERR_LIB_SSL && ERR_GET_LIB(next) == ERR_LIB_SSL)) {
            chosen = next;
        }
    }
    const char* const words = chosen == 0 ? nullptr : ERR_reason_error_string(chosen);
    return words != nullptr ? words : "OpenSSL gives no reason";
}

std::int64_t seconds_of(const ASN1_TIME* time) {
    std::tm parts{};
    if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) {
        return 0;
    }
    return timegm(&parts);
}

}  // namespace portreeve::tls
