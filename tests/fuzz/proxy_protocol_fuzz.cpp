// Feeds the PROXY protocol's parser any bytes, and checks that more of them never change an
// outcome, that a header is within its bounds, and that its endpoints are read again as they are
// written.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "daemon/http/proxy_protocol.h"

namespace {

using namespace portreeve::http;

void check(bool holds, const char* what) {
    if (!holds) {
        (void)std::fprintf(stderr, "proxy_protocol_fuzz: %s\n", what);
        std::abort();
    }
}

using Parsed = tl::expected<std::optional<ProxyHeader>, Fault>;

bool same(const Parsed& one, const Parsed& other) {
    if (!one || !other || !*one || !*other) {
        return one.has_value() == other.has_value() &&
               (!one || one->has_value() == other->has_value());
    }
    return (*one)->size_bytes == (*other)->size_bytes && (*one)->endpoints == (*other)->endpoints;
}

// In memory of its own, so that a byte too far is seen.
Parsed parse(std::string_view bytes) {
    const std::string copy(bytes);
    return parse_proxy_header(copy);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const auto whole = parse(bytes);
    const std::size_t step = size / 64 + 1;
    for (std::size_t part = 0; part < size; part += step) {
        const auto first = parse(bytes.substr(0, part));
        check(first && !*first ? true : same(first, whole), "more bytes change the outcome");
    }
    if (!whole || !*whole) {
        check(!whole || size < kProxyHeaderBytesMax, "a header without end");
        return 0;
    }
    check((*whole)->size_bytes <= size && (*whole)->size_bytes <= kProxyHeaderBytesMax,
          "a header beyond its bounds");
    for (const auto write : {write_proxy_v1, write_proxy_v2}) {
        std::string out;
        write((*whole)->endpoints, out);
        const auto again = parse(out);
        check(again && *again && (*again)->size_bytes == out.size(), "written, but not taken");
        check((*again)->endpoints == (*whole)->endpoints, "other endpoints");
    }
    return 0;
}
