// Feeds parse_leases any text, twice: as it is, which its first line lets through only when it is a
// real file of leases; and behind a first line that is right, so that everything behind it is
// reached. What is taken can be kept again, and reads back as the same.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "daemon/lease_text.h"

namespace {

using namespace portreeve::daemon;

void check(bool holds, const char* what) {
    if (!holds) {
        (void)std::fprintf(stderr, "leases_fuzz: %s\n", what);
        std::abort();
    }
}

void check_text(std::string_view text) {
    const auto records = parse_leases(text);
    if (!records) {
        check(!records.error().empty(), "an error says nothing");
        return;
    }
    check(records->size() <= kLeasesMax, "there are too many leases");
    for (const LeaseRecord& record : *records) {
        check(why_not_storable(record).empty(), "a lease is taken that cannot be kept");
    }
    const auto again = format_leases(*records);
    check(again.has_value(), "leases are taken that cannot be kept");
    check(parse_leases(*again) == records, "leases read back as others");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    check_text(text);
    check_text(sealed_leases(text));
    return 0;
}
