#include "daemon/tls/staple.h"

#include <openssl/err.h>

#include <limits>

namespace portreeve::tls {
namespace {

using Response = Handle<OCSP_RESPONSE, OCSP_RESPONSE_free>;
using BasicResponse = Handle<OCSP_BASICRESP, OCSP_BASICRESP_free>;

// By the serial number: that the issuer is the same one is what the visitor checks.
OCSP_SINGLERESP* about(OCSP_BASICRESP* basic, const X509& leaf) {
    for (int i = 0; i < OCSP_resp_count(basic); ++i) {
        OCSP_SINGLERESP* const one = OCSP_resp_get0(basic, i);
        ASN1_INTEGER* serial = nullptr;
        auto* const id = const_cast<OCSP_CERTID*>(OCSP_SINGLERESP_get0_id(one));
        if (OCSP_id_get0_info(nullptr, nullptr, nullptr, &serial, id) == 1 &&
            ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(&leaf)) == 0) {
            return one;
        }
    }
    return nullptr;
}

}  // namespace

tl::expected<Staple, std::string> read_staple(std::string_view der, const X509& leaf) {
    const auto* at = reinterpret_cast<const unsigned char*>(der.data());
    const Response response(d2i_OCSP_RESPONSE(nullptr, &at, static_cast<long>(der.size())));
    if (!response) {
        ERR_clear_error();
        return tl::unexpected<std::string>("is no OCSP response in DER");
    }
    const int status = OCSP_response_status(response.get());
    const BasicResponse basic(status == OCSP_RESPONSE_STATUS_SUCCESSFUL
                                  ? OCSP_response_get1_basic(response.get())
                                  : nullptr);
    if (!basic) {
        ERR_clear_error();
        return tl::unexpected(std::string("is an OCSP response that says ") +
                              OCSP_response_status_str(status));
    }
    OCSP_SINGLERESP* const one = about(basic.get(), leaf);
    if (one == nullptr) {
        return tl::unexpected<std::string>("is the OCSP response for another certificate");
    }
    ASN1_GENERALIZEDTIME* next = nullptr;
    const int said = OCSP_single_get0_status(one, nullptr, nullptr, nullptr, &next);
    if (said != V_OCSP_CERTSTATUS_GOOD) {
        return tl::unexpected(std::string("says that the certificate is ") +
                              OCSP_cert_status_str(said));
    }
    // Without an end, it holds as long as the file is there.
    return Staple{std::string(der),
                  next != nullptr ? seconds_of(next) : std::numeric_limits<std::int64_t>::max()};
}

}  // namespace portreeve::tls
