// Feeds parse() any text, and checks what must hold whatever the text is: errors are bounded, in
// the order of the file and each one line of text; a configuration that is taken keeps its
// promises.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <tuple>

#include "conf/config.h"
#include "conf/values.h"

namespace {

using namespace portreeve::conf;

void check(bool holds, const char* what) {
    if (!holds) {
        (void)std::fprintf(stderr, "config_fuzz: %s\n", what);
        std::abort();
    }
}

void check_errors(const ConfigErrors& errors) {
    check(!errors.empty(), "an error list is empty");
    check(errors.size() <= kConfigErrorsMax, "there are too many errors");
    const ConfigError* before = nullptr;
    for (const auto& error : errors) {
        check((error.line == 0) == (error.column == 0), "an error has half a place");
        check(error.line != 0 || errors.size() == 1, "an error of the whole is not alone");
        check(error.sentence == printable(error.sentence) || error.sentence.size() > 200,
              "a sentence has control characters");
        check(error.sentence.find_first_of("\n\r\x1b") == error.sentence.npos,
              "a sentence is more than one line");
        check(before == nullptr ||
                  std::tie(before->line, before->column) <= std::tie(error.line, error.column),
              "errors are out of order");
        before = &error;
    }
}

void check_config(const Config& config) {
    for (const auto* list :
         {&config.ssh.listen, &config.http.listen, &config.https.listen, &config.metrics.listen}) {
        for (const auto& endpoint : *list) {
            check(parse_endpoint(endpoint.text()) == endpoint, "an endpoint does not read back");
        }
    }
    check(!config.ssh.listen.empty(), "there is nothing to listen on");
    check(!config.auth.authorized_keys.empty(), "there are no authorized keys");
    for (const auto& range : config.forward.ports) {
        check(range.first >= 1 && range.first <= range.last, "a range is empty");
    }
    check(config.ssh.login_grace.count() > 0, "login_grace is 0");
    check(config.forward.lease.count() >= 0, "a duration is negative");
    check(config.server.state_dir.starts_with('/'), "a path is relative");
    check(config.ssh.banner.find('\0') == config.ssh.banner.npos, "a text holds a NUL");
    check(config.limits.sessions >= 1, "a limit is 0");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto config = parse(text, "fuzz.toml")) {
        check_config(*config);
    } else {
        check_errors(config.error());
    }
    return 0;
}
