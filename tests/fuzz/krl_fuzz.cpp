// Feeds RevokedKeys any bytes, as a binary list and as a list of lines, and checks what must hold
// of every list that is taken: its ranges are in order, and what it lists it revokes.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "ssh/key_blob.h"
#include "ssh/revocation.h"

namespace {

using portreeve::ssh::as_bytes;
using portreeve::ssh::Certificate;
using portreeve::ssh::PublicKey;
using portreeve::ssh::RevocationList;
using portreeve::ssh::RevokedKeys;

void check(bool holds, const char* what) {
    if (!holds) {
        (void)std::fprintf(stderr, "krl_fuzz: %s\n", what);
        std::abort();
    }
}

PublicKey named(const std::string& base64) {
    PublicKey key;
    key.base64 = base64;
    return key;
}

void check_serials(const RevocationList::Certificates& certificates, const RevokedKeys& revoked,
                   Certificate& certificate) {
    constexpr std::size_t kRangesAskedMax = 64;  // of what may be very many
    std::size_t asked = 0;
    const RevocationList::SerialRange* before = nullptr;
    certificate.key_id = "none of them";
    for (const auto& range : certificates.serials) {
        check(range.first != 0 && range.first <= range.last, "a range is empty");
        check(before == nullptr || before->last < range.first, "ranges are out of order");
        before = &range;
        if (++asked > kRangesAskedMax) {
            continue;
        }
        for (const std::uint64_t serial : {range.first, range.last}) {
            certificate.serial = serial;
            check(revoked.why_revoked(certificate).has_value(), "a serial number is not revoked");
        }
    }
    certificate.serial = 0;
    for (const std::string& key_id : certificates.key_ids) {
        certificate.key_id = key_id;
        check(revoked.why_revoked(certificate).has_value(), "a key id is not revoked");
    }
}

void check_list(const RevocationList& list, const RevokedKeys& revoked) {
    for (const std::string& base64 : list.keys) {
        check(portreeve::ssh::from_base64(base64).has_value(), "a key is not base64");
        check(revoked.why_revoked(named(base64)).has_value(), "a key is not revoked");
        Certificate certificate;
        certificate.authority = named(base64);
        check(revoked.why_revoked(certificate).has_value(), "an authority is not revoked");
    }
    for (const auto& [authority, certificates] : list.certificates) {
        Certificate certificate;
        certificate.key = named("AAAA");
        certificate.authority = named(authority);
        check_serials(certificates, revoked, certificate);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    const auto as_lines = RevokedKeys::parse(as_bytes(text), "fuzz");
    check(as_lines || as_lines.error().starts_with("fuzz:"), "an error names no file");

    // The rest of a list behind its magic, which the fuzzer need not find.
    const std::string whole = std::string("SSHKRL\n\0", 8) + text;
    const auto list = portreeve::ssh::parse_krl(as_bytes(whole));
    const auto revoked = RevokedKeys::parse(as_bytes(whole), "fuzz");
    check(list.has_value() == revoked.has_value(), "a list is read in two ways");
    if (list) {
        check_list(*list, *revoked);
    }
    return 0;
}
