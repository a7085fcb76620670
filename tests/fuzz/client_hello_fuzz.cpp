// Feeds the parser of TLS ClientHellos and classify() any bytes, and checks that more of them never
// change an outcome, and that the records a hello comes in do not either.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "daemon/http/client_hello.h"
#include "daemon/http/first_bytes.h"

namespace {

using namespace portreeve::http;

void check(bool holds, const char* what) {
    if (!holds) {
        (void)std::fprintf(stderr, "client_hello_fuzz: %s\n", what);
        std::abort();
    }
}

// In memory of its own, so that a byte too far is seen.
std::string outcome(std::string_view bytes) {
    const std::string copy(bytes);
    const auto hello = parse_client_hello(copy);
    if (!hello || !*hello) {
        return hello ? "more" : "refused";
    }
    return (*hello)->server_name ? "name " + std::string((*hello)->server_name->name()) : "none";
}

std::string records(std::string_view message, std::size_t size) {
    std::string made;
    for (; !message.empty(); message.remove_prefix(std::min(size, message.size()))) {
        const auto part = message.substr(0, size);
        made.append("\x16\x03\x01");
        made += static_cast<char>(part.size() >> 8U);
        made += static_cast<char>(part.size() & 0xFFU);
        made.append(part);
    }
    return made;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const auto whole = outcome(bytes);
    const auto protocol = classify(bytes);
    check(protocol != Protocol::need_more || size < kFirstBytesMax, "never told");
    const std::size_t step = size / 64 + 1;
    for (std::size_t part = 0; part < size; part += step) {
        const auto first = outcome(bytes.substr(0, part));
        check(first == "more" || first == whole, "more bytes change the outcome");
        const auto told = classify(bytes.substr(0, part));
        check(told == Protocol::need_more || told == protocol, "more bytes change the protocol");
    }
    check(whole == "refused" || whole == "more" || protocol == Protocol::tls,
          "a hello that is no TLS");

    // As a message, so that the fuzzer need not find the records.
    if (size <= kHelloBytesMax) {
        const auto message = outcome(records(bytes, kHelloBytesMax));
        // One record fewer than there may be: where more bytes are missing, they need another.
        const std::size_t least = size / (kHelloRecordsMax - 1) + 1;
        check(outcome(records(bytes, least)) == message, "other records change the outcome");
        check(outcome(records(bytes, least + size / 3)) == message,
              "other records, another outcome");
    }
    return 0;
}
