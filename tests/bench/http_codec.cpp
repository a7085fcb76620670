// What the http codec costs for one usual request of a browser: reading its head, deciding what to
// do with it, writing it for the target. Prints nanoseconds, the best of several rounds.
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "daemon/http/framing.h"
#include "daemon/http/host.h"
#include "daemon/http/request_writer.h"

namespace {

using namespace portreeve::http;

const std::string kHead =
    "GET /articles/2026/01/how-to-keep-a-port-town.html?from=feed HTTP/1.1\r\n"
    "Host: blog.gate.example.com\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
    "Accept-Language: en-GB,en;q=0.5\r\n"
    "Accept-Encoding: gzip, deflate, br, zstd\r\n"
    "Connection: keep-alive\r\n"
    "Cookie: session=0123456789abcdef0123456789abcdef\r\n"
    "Upgrade-Insecure-Requests: 1\r\n"
    "If-None-Match: \"0123456789abcdef\"\r\n"
    "Priority: u=0, i\r\n"
    "\r\n";

void must(bool holds) {
    if (!holds) {
        (void)std::fprintf(stderr, "http_codec: the head is not taken\n");
        std::exit(1);
    }
}

// Time of this thread alone: others may be at work on the machine.
double cpu_ns() {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

template <class Work>
void measure(const char* what, Work work) {
    constexpr int kRounds = 200;
    constexpr int kTimes = 5'000;
    double best_ns = 1e9;
    for (int round = 0; round < kRounds; ++round) {
        const double begin_ns = cpu_ns();
        for (int i = 0; i < kTimes; ++i) {
            work();
        }
        best_ns = std::min(best_ns, (cpu_ns() - begin_ns) / kTimes);
    }
    (void)std::printf("%-28s %6.0f ns\n", what, best_ns);
}

}  // namespace

int main() {
    RequestHead head;
    std::string out;
    RequestPlan plan;
    plan.visitor = "192.0.2.1";
    plan.port = 443;
    plan.is_tls = true;
    const auto parse = [&head] {
        HeadProgress progress;
        must(parse_request_head(kHead, progress, head).value_or(false));
    };
    (void)std::printf("a head of %zu bytes, %zu fields\n", kHead.size(),
                      (parse(), head.fields.all().size()));
    measure("parse", parse);
    measure("parse, host, framing", [&] {
        parse();
        must(host_of(head).has_value() && framing_of(head).has_value());
    });
    measure("parse, host, framing, write", [&] {
        parse();
        must(host_of(head).has_value());
        out.clear();
        write_request(head, framing_of(head).value(), plan, out);
    });
    return 0;
}
