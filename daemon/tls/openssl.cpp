#include "daemon/tls/openssl.h"

#include <openssl/err.h>

#include <ctime>

namespace portreeve::tls {

std::string take_reason() {
    const unsigned long first = ERR_peek_error();
    const char* const words = first == 0 ? nullptr : ERR_reason_error_string(first);
    std::string reason = words != nullptr ? words : "OpenSSL gives no reason";
    ERR_clear_error();
    return reason;
}

std::int64_t seconds_of(const ASN1_TIME* time) {
    std::tm parts{};
    if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) {
        return 0;
    }
    return timegm(&parts);
}

}  // namespace portreeve::tls
